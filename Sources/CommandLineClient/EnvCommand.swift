// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import ArgumentParser
import Foundation

/// `martlet env`: what AWS's tools need to know, for `eval` in a shell.
package struct EnvCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "env",
        abstract: "Print the variables that point AWS's tools at the server.",
        discussion: #"Use it as: eval "$(martlet env)""#
    )

    @Option(help: ArgumentHelp("The server's data directory, when it is not the default one.", valueName: "dir"))
    private var data: String?

    package init() {}

    package func run() async throws {
        try await reportingErrors {
            let directory = try DataDirectory(option: data, environment: ProcessInfo.processInfo.environment)
            try Terminal.writeLine(Self.lines(try directory.endpoint(), try directory.credentials()))
        }
    }

    static func lines(_ endpoint: Endpoint, _ credentials: StoredCredentials) -> String {
        let variables = [
            ("AWS_ENDPOINT_URL_LAMBDA", endpoint.url), ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", endpoint.url),
            ("AWS_ENDPOINT_URL_CLOUDWATCH", endpoint.url), ("AWS_ENDPOINT_URL_SQS", endpoint.url),
            ("AWS_ENDPOINT_URL_KINESIS", endpoint.url), ("AWS_ENDPOINT_URL_SCHEDULER", endpoint.url),
            ("AWS_ENDPOINT_URL_EVENTBRIDGE", endpoint.url), ("AWS_ACCESS_KEY_ID", credentials.accessKey.id),
            ("AWS_SECRET_ACCESS_KEY", credentials.accessKey.secret), ("AWS_REGION", credentials.region),
            ("AWS_DEFAULT_REGION", credentials.region),
        ]
        return variables.map { "export \($0.0)=\(quoted($0.1))" }.joined(separator: "\n")
    }

    /// As one word of a POSIX shell, whatever it holds.
    static func quoted(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                    || "-_./:+@%,".utf8.contains(byte)
            }
        return isPlain ? text : "'\(text.replacing("'", with: #"'\''"#))'"
    }
}
