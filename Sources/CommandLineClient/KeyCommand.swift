// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import ArgumentParser
import Foundation
import LambdaModel

/// `martlet key`: more access keys, for other callers and other accounts.
package struct KeyCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Make, list and delete access keys.",
        discussion: "Only the administrator's key may: the one that the server made at its first start.",
        subcommands: [Create.self, List.self, Delete.self]
    )

    static let path = "/_martlet/keys"

    package init() {}
}

extension KeyCommand {
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create",
            abstract: "Make a key and print it: its secret is not shown again.",
            discussion: "Scripts that bring their keys along: martlet key create --id test --secret test"
        )

        /// Larger than any policy that the server takes, so that it is the server that refuses.
        private static let policyBytesMax = 1 << 20

        @Option(help: ArgumentHelp("The key's id (default: a random one).", valueName: "id"))
        private var id: String?

        @Option(help: ArgumentHelp("The key's secret; goes with --id (default: a random one).", valueName: "secret"))
        private var secret: String?

        @Option(help: ArgumentHelp("The account it is for (default: the server's).", valueName: "digits"))
        private var account: String?

        @Option(
            help: ArgumentHelp("The user's name in ARNs and error texts (default: the key's id).", valueName: "name")
        )
        private var name: String?

        @Option(
            help: ArgumentHelp("An IAM policy document (default: it may do all in its account).", valueName: "file")
        )
        private var policy: String?

        @Flag(help: "Print JSON.")
        private var json = false

        @OptionGroup private var connection: ConnectionOptions

        func validate() throws {
            guard (id == nil) == (secret == nil) else {
                throw ValidationError("--id and --secret are given together or not at all.")
            }
        }

        func run() async throws {
            try await reportingErrors {
                let body = try request().bytes
                let answer = try await LambdaClient.with(connection.location()) { client in
                    try await client.send(.post, KeyCommand.path, body: body)
                }
                let key = try answer.json()["AccessKey"] ?? .null
                try Terminal.writeLine(json ? key.text : Self.lines(key))
            }
        }

        private func request() throws(ClientError) -> JSONValue {
            var members: [String: JSONValue] = [:]
            members["AccessKeyId"] = id.map(JSONValue.string)
            members["SecretAccessKey"] = secret.map(JSONValue.string)
            members["AccountId"] = account.map(JSONValue.string)
            members["UserName"] = name.map(JSONValue.string)
            if let policy { members["PolicyDocument"] = .string(try Self.read(policy)) }
            return .object(members)
        }

        private static func read(_ path: String) throws(ClientError) -> String {
            do {
                let handle = try FileHandle(forReadingFrom: URL(filePath: path))
                defer { handle.closeFile() }
                let data = try handle.read(upToCount: policyBytesMax) ?? Data()
                guard let text = String(validating: data, as: UTF8.self) else {
                    throw ClientError("\(path) is not UTF-8 text.")
                }
                return text
            } catch let error as ClientError {
                throw error
            } catch {
                throw ClientError("\(path) can't be read: \(error.localizedDescription)")
            }
        }

        /// For `eval` in a shell, as `martlet env` prints them.
        static func lines(_ key: JSONValue) -> String {
            [("AWS_ACCESS_KEY_ID", "AccessKeyId"), ("AWS_SECRET_ACCESS_KEY", "SecretAccessKey")]
                .map { "export \($0.0)=\(EnvCommand.quoted(key[$0.1]?.string ?? ""))" }
                .joined(separator: "\n")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List the keys that were made, without their secrets."
        )

        @Flag(help: "Print JSON.")
        private var json = false

        @OptionGroup private var connection: ConnectionOptions

        func run() async throws {
            try await reportingErrors {
                let answer = try await LambdaClient.with(connection.location()) { client in
                    try await client.send(.get, KeyCommand.path)
                }
                let keys = try answer.json()["AccessKeys"]?.array ?? []
                try Terminal.writeLine(json ? JSONValue.array(keys).text : Self.table(keys))
            }
        }

        static func table(_ keys: [JSONValue]) -> String {
            guard !keys.isEmpty else { return "There is no key but the administrator's." }
            let rows =
                [["Key", "Account", "User", "Policy", "Made"]]
                + keys.map { key in
                    func text(_ member: String) -> String { key[member]?.string ?? "" }
                    let policy = key["HasPolicy"]?.bool == true ? "yes" : "no"
                    return [text("AccessKeyId"), text("AccountId"), text("UserName"), policy, text("CreateDate")]
                }
            return TextTable.text(rows)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete",
            abstract: "Delete a key: requests that it signs are refused from then on."
        )

        @Argument(help: "The key's id.")
        private var id: String

        @OptionGroup private var connection: ConnectionOptions

        func run() async throws {
            try await reportingErrors {
                _ = try await LambdaClient.with(connection.location()) { client in
                    try await client.send(.delete, "\(KeyCommand.path)/\(PercentEncoding.encode(id))")
                }
            }
        }
    }
}
