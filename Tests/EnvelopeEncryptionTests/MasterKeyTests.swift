// SPDX-License-Identifier: Apache-2.0
import Crypto
import EnvelopeEncryption
import Foundation
import Glibc
import Testing

/// A directory that goes away with the test.
private final class Scratch {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "martlet-master-key-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path) } catch { Issue.record(error) }
    }
}

struct MasterKeyTests {
    @Test func `a file that is absent is made, private, and read again`() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/master.key"
        let first = try MasterKey(file: path)
        let second = try MasterKey(file: path)
        #expect(first.id == second.id)
        #expect(first.derive("a") == second.derive("a"))
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o600)
        #expect(status.st_size == 32)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["master.key"])
    }

    @Test func `starts at the same time get the same key`() async throws {
        let scratch = try Scratch()
        let path = scratch.path + "/master.key"
        let ids = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<16 { group.addTask { try MasterKey(file: path).id } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
    }

    @Test(arguments: [0o640, 0o604, 0o660, 0o700, 0o666] as [mode_t])
    func `a file that others may read is refused`(mode: mode_t) throws {
        let scratch = try Scratch()
        let path = scratch.path + "/master.key"
        _ = try MasterKey(file: path)
        #expect(chmod(path, mode) == 0)
        #expect(throws: MasterKeyError.modeTooWide(path: path, mode: mode)) { try MasterKey(file: path) }
    }

    @Test(arguments: [0, 1, 31, 33, 4_096])
    func `a file of another length is refused`(count: Int) throws {
        let scratch = try Scratch()
        let path = scratch.path + "/master.key"
        #expect(
            FileManager.default.createFile(
                atPath: path,
                contents: Data(count: count),
                attributes: [.posixPermissions: 0o600]
            )
        )
        #expect(throws: MasterKeyError.wrongLength(source: path, bytes: count)) { try MasterKey(file: path) }
    }

    @Test func `what is no file is refused`() throws {
        let scratch = try Scratch()
        #expect(throws: MasterKeyError.notRegularFile(path: scratch.path)) { try MasterKey(file: scratch.path) }
        let fifo = scratch.path + "/fifo"
        #expect(mkfifo(fifo, 0o600) == 0)
        #expect(throws: MasterKeyError.notRegularFile(path: fifo)) { try MasterKey(file: fifo) }
        #expect(throws: MasterKeyError.self) { try MasterKey(file: scratch.path + "/absent/master.key") }
    }

    @Test func `base64 of 32 bytes is a key, anything else is not`() throws {
        let bytes: [UInt8] = Array(100..<132)
        let text = Data(bytes).base64EncodedString()
        #expect(try MasterKey(base64: " \(text)\n").id == MasterKey(bytes: bytes).id)
        #expect(throws: MasterKeyError.notBase64(source: "the value given")) { try MasterKey(base64: "no base64!") }
        #expect(throws: MasterKeyError.wrongLength(source: "the value given", bytes: 3)) {
            try MasterKey(base64: "AAAA")
        }
        #expect(throws: MasterKeyError.wrongLength(source: "the value given", bytes: 0)) { try MasterKey(base64: "") }
    }

    @Test func `a command prints the key`() throws {
        let text = Data(repeating: 5, count: 32).base64EncodedString()
        #expect(try MasterKey(command: "echo \(text)").id == MasterKey(base64: text).id)
    }

    @Test func `a command that fails, prints too much or never ends is refused`() throws {
        #expect(throws: MasterKeyError.commandFailed(reason: "ended with status 3")) {
            try MasterKey(command: "exit 3")
        }
        #expect(throws: MasterKeyError.commandFailed(reason: "printed more than 4096 bytes")) {
            try MasterKey(command: "head -c 10000 /dev/zero")
        }
        #expect(throws: MasterKeyError.commandFailed(reason: "did not end within 1 s")) {
            try MasterKey(command: "exec sleep 600", secondsMax: 1)
        }
        #expect(throws: MasterKeyError.notBase64(source: "the command's output")) {
            try MasterKey(command: "echo 'not a key'")
        }
    }

    @Test func `no error shows the key`() throws {
        let error = #expect(throws: MasterKeyError.self) { try MasterKey(base64: "secretsecret!") }
        #expect(error?.description.contains("secret") == false)
    }

    @Test func `derived keys differ by purpose and by master key`() throws {
        let one = try MasterKey(bytes: Array(0..<32))
        let two = try MasterKey(bytes: Array(1..<33))
        #expect(one.derive("sessions") == one.derive("sessions"))
        #expect(one.derive("sessions") != one.derive("downloads"))
        #expect(one.derive("sessions") != two.derive("sessions"))
        #expect(one.derive("sessions").bitCount == 256)
        #expect(one.id != two.id)
        #expect(one.id.count == 16)
    }
}
