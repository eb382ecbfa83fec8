// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Foundation
import Testing

@testable import CommandLineClient

@Suite struct ServerLocationTests {
    private static let key = ["AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "env"]

    /// A data directory as the server leaves it.
    private func withDataDirectory(_ body: (String) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "martlet-client-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(atPath: path) } }
        let credentials = """
            {"accessKeyId":"AKIADATA","secretAccessKey":"data","accountId":"123456789012","region":"eu-west-1"}
            """
        try Data(credentials.utf8).write(to: URL(filePath: path + "/credentials"))
        try Data("http://127.0.0.1:9999\n".utf8).write(to: URL(filePath: path + "/endpoint"))
        try body(path)
    }

    @Test func `the data directory's address goes with its own key, never with the environment's`() throws {
        try withDataDirectory { data in
            let environment = Self.key.merging(["MARTLET_DATA": data]) { $1 }
            let location = try ServerLocation(endpoint: nil, data: nil, environment: environment)
            #expect(location.endpoint.url == "http://127.0.0.1:9999")
            #expect(location.credentials.accessKey.id == "AKIADATA")
            #expect(location.credentials.accountID == "123456789012")
            #expect(location.credentials.region == "eu-west-1")
        }
    }

    @Test func `a named address goes with the environment's key, or else the data directory's`() throws {
        try withDataDirectory { data in
            var environment = ["MARTLET_DATA": data, "AWS_ENDPOINT_URL_LAMBDA": "http://localhost:1/"]
            var location = try ServerLocation(endpoint: nil, data: nil, environment: environment)
            #expect(location.endpoint.url == "http://localhost:1")
            #expect(location.credentials.accessKey.id == "AKIADATA")
            environment.merge(Self.key) { $1 }
            environment["AWS_DEFAULT_REGION"] = "eu-north-1"
            location = try ServerLocation(endpoint: nil, data: nil, environment: environment)
            #expect(location.credentials.accessKey.id == "AKIAENV")
            #expect(location.credentials.region == "eu-north-1")
            location = try ServerLocation(endpoint: "http://[::1]:5", data: data, environment: environment)
            #expect(location.endpoint.authority == "[::1]:5")
            #expect(location.credentials.accessKey.id == "AKIADATA")
        }
    }

    @Test func `what is missing or damaged is said in one line`() throws {
        try withDataDirectory { data in
            let absent = ServerLocationTests.message {
                try DataDirectory(option: "/does/not/exist", environment: [:]).credentials()
            }
            #expect(absent.contains("martlet serve") && !absent.contains("\n"))
            for text in ["", "{", "[]", #"{"accessKeyId":"A"}"#] {
                try Data(text.utf8).write(to: URL(filePath: data + "/credentials"))
                let damaged = ServerLocationTests.message {
                    try DataDirectory(option: data, environment: [:]).credentials()
                }
                #expect(damaged.contains("damaged"))
            }
        }
    }

    private static func message(_ body: () throws -> StoredCredentials) -> String {
        do {
            return "\(try body())"
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: [
        "", "127.0.0.1:4566", "ftp://x", "http://", "http://x/path", "http://u:p@x", "http://x?y", "http://x\n",
        "http://x y",
    ])
    func `what is no server's address is refused`(_ text: String) {
        #expect(throws: ClientError.self) { try Endpoint(text) }
    }

    @Test func `default ports are left out of the host header`() throws {
        #expect(try Endpoint("http://x:80").authority == "x")
        #expect(try Endpoint("https://x:443/").authority == "x")
        #expect(try Endpoint("HTTP://x:443").url == "http://x:443")
    }

    @Test(arguments: [
        ("plain-1_/.:+@%,", "plain-1_/.:+@%,"), ("", "''"), ("a b", "'a b'"), ("it's", #"'it'\''s'"#),
        ("$(reboot)`x`\n\"", "'$(reboot)`x`\n\"'"),
    ])
    func `shell words`(_ text: String, _ expected: String) {
        #expect(EnvCommand.quoted(text) == expected)
    }

    @Test func `env prints what AWS's tools read`() throws {
        let credentials = StoredCredentials(
            accessKey: AccessKey(id: "AKIA1", secret: "a/b+c="),
            accountID: "000000000000",
            region: "us-east-1"
        )
        #expect(
            EnvCommand.lines(try Endpoint("http://127.0.0.1:4566"), credentials) == """
                export AWS_ENDPOINT_URL_LAMBDA=http://127.0.0.1:4566
                export AWS_ENDPOINT_URL_CLOUDWATCH_LOGS=http://127.0.0.1:4566
                export AWS_ENDPOINT_URL_CLOUDWATCH=http://127.0.0.1:4566
                export AWS_ENDPOINT_URL_SQS=http://127.0.0.1:4566
                export AWS_ENDPOINT_URL_KINESIS=http://127.0.0.1:4566
                export AWS_ENDPOINT_URL_SCHEDULER=http://127.0.0.1:4566
                export AWS_ENDPOINT_URL_EVENTBRIDGE=http://127.0.0.1:4566
                export AWS_ACCESS_KEY_ID=AKIA1
                export AWS_SECRET_ACCESS_KEY='a/b+c='
                export AWS_REGION=us-east-1
                export AWS_DEFAULT_REGION=us-east-1
                """
        )
    }
}
