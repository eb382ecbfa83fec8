// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Foundation
import Glibc
import Testing

@testable import EventSources

/// A file of secrets that goes away with the test.
private final class Scratch {
    let path = NSTemporaryDirectory() + "martlet-secrets-\(UUID().uuidString)"

    init(_ content: String, mode: mode_t = 0o600) throws { try write(content, mode: mode) }

    func write(_ content: String, mode: mode_t = 0o600) throws {
        try Data(content.utf8).write(to: URL(filePath: path))
        #expect(chmod(path, mode) == 0)
    }

    deinit { unlink(path) }
}

struct SecretsFileTests {
    private static let account = "123456789012"
    private static let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:broker-AbCdEf"

    private static func file(_ path: String) throws(SecretsFile.Failure) -> SecretsFile {
        try SecretsFile(path: path) { Issue.record("\($0)") }
    }

    @Test func `a secret is an object, the text of one, or a text`() throws {
        let scratch = try Scratch(
            """
            {"\(Self.arn)": {"username": "u", "password": "p"},
             "\(Self.arn)2": "{\\"username\\": \\"v\\", \\"password\\": \\"\\"}",
             "\(Self.arn)3": "-----BEGIN CERTIFICATE-----"}
            """
        )
        let file = try Self.file(scratch.path)
        let object = try file.secret(Self.arn, accountID: Self.account)
        #expect(object["username"] == "u" && object["password"] == "p" && object.text == nil)
        let text = try file.secret(Self.arn + "2", accountID: Self.account)
        #expect(text["username"] == "v" && text["password"] == "" && text.text == nil)
        let certificate = try file.secret(Self.arn + "3", accountID: Self.account)
        #expect(certificate.text == "-----BEGIN CERTIFICATE-----" && certificate["username"] == nil)
    }

    @Test func `it is read anew each time`() throws {
        let scratch = try Scratch("{}")
        let file = try Self.file(scratch.path)
        #expect(throws: SecretFailure.self) { try file.secret(Self.arn, accountID: Self.account) }
        try scratch.write(#"{"\#(Self.arn)": "new"}"#)
        #expect(try file.secret(Self.arn, accountID: Self.account).text == "new")
    }

    @Test func `another account's secret is refused, whether it is there or not`() throws {
        let scratch = try Scratch(#"{"\#(Self.arn)": "theirs"}"#)
        let file = try Self.file(scratch.path)
        let problem = SecretFailure("The secret \(Self.arn) is not of the mapping's account.")
        #expect(throws: problem) { try file.secret(Self.arn, accountID: "000000000000") }
        try scratch.write("{}")
        #expect(throws: problem) { try file.secret(Self.arn, accountID: "000000000000") }
        #expect(throws: SecretFailure.self) { try file.secret("broker", accountID: "") }
    }

    @Test(arguments: [0o640, 0o604, 0o620, 0o601, 0o666] as [mode_t])
    func `a file that others may use is refused`(mode: mode_t) throws {
        let scratch = try Scratch("{}", mode: mode)
        do {
            _ = try Self.file(scratch.path)
            Issue.record("taken with mode \(mode)")
        } catch {
            #expect(error.description.contains("--secrets") && error.description.contains("chmod 600"), "\(error)")
        }
    }

    @Test(
        arguments: [
            "", "[]", "null", "{", #"{"broker": "x"}"#, #"{"arn:aws:s3:::bucket": "x"}"#,
            #"{"arn:aws:secretsmanager:us-east-1:123456789012:secret:a": 1}"#,
            #"{"arn:aws:secretsmanager:us-east-1:123456789012:secret:a": {"port": 1}}"#,
        ]
    )
    func `what is no object of secrets is refused, and not shown`(content: String) throws {
        let scratch = try Scratch(content)
        #expect(throws: SecretsFile.Failure.self) { try Self.file(scratch.path) }
    }

    @Test func `what is no file, or too large a one, is refused`() throws {
        let directory = NSTemporaryDirectory()
        #expect(throws: SecretsFile.Failure.self) { try Self.file(directory) }
        #expect(throws: SecretsFile.Failure.self) { try Self.file(directory + "/absent-\(UUID().uuidString)") }
        let pipe = directory + "/martlet-pipe-\(UUID().uuidString)"
        #expect(mkfifo(pipe, 0o600) == 0)
        defer { unlink(pipe) }
        #expect(throws: SecretsFile.Failure.self) { try Self.file(pipe) }
        let large = try Scratch("{}" + String(repeating: " ", count: SecretsFile.bytesMax))
        #expect(throws: SecretsFile.Failure.self) { try Self.file(large.path) }
    }

    @Test func `a file that has become useless is noted, and its path is not told`() async throws {
        let scratch = try Scratch("{}")
        try await confirmation { noted in
            let file = try SecretsFile(path: scratch.path) { _ in noted() }
            try scratch.write("{}", mode: 0o644)
            do throws(SecretFailure) {
                _ = try file.secret(Self.arn, accountID: Self.account)
                Issue.record("taken")
            } catch {
                #expect(error.problem.contains("--secrets") && !error.problem.contains(scratch.path))
            }
        }
    }
}
