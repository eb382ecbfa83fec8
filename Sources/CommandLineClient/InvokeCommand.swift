// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import ArgumentParser
import Foundation
import LambdaModel

/// `martlet invoke`: the result on the standard output; exit code 1 for a function error, 2 for any other.
package struct InvokeCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "invoke",
        abstract: "Invoke a function and print its result.",
        discussion: "Exits with 1 when the function failed, with 2 when it could not be invoked."
    )

    @Argument(help: "The function's name or ARN.")
    private var name: String

    @Option(
        help: ArgumentHelp(
            "The event: JSON, or @FILE, or - for the standard input (default: {}).",
            valueName: "json|@file|-"
        )
    )
    private var payload: String?

    @Option(help: ArgumentHelp("Version or alias (default: $LATEST).", valueName: "qualifier"))
    private var qualifier: String?

    @Flag(help: "Print the end of the invocation's log on the standard error.")
    private var log = false

    @OptionGroup private var connection: ConnectionOptions

    package init() {}

    package func run() async throws {
        try await reportingErrors {
            let body = try Self.event(payload)
            let answer = try await LambdaClient.with(connection.location()) { client in
                try await client.send(
                    .post,
                    LambdaPath.invocations(name),
                    query: qualifier.map { "Qualifier=\(PercentEncoding.encode($0))" } ?? "",
                    headers: log ? [("X-Amz-Log-Type", "Tail")] : [],
                    body: body,
                    timeout: LambdaClient.invocationTimeout
                )
            }
            if log, let tail = answer.headers["x-amz-log-result"].flatMap({ Base64.decode($0) }) {
                let text = String(decoding: tail, as: UTF8.self)
                Terminal.note(Terminal.isErrorInteractive ? Terminal.harmless(text) : text, terminator: "")
            }
            let newline = UInt8(ascii: "\n")
            try Terminal.write(answer.body.last == newline ? answer.body : answer.body + [newline])
            if let kind = answer.headers["x-amz-function-error"] {
                Terminal.note("martlet: the function failed (\(Terminal.harmless(kind))).")
                throw ExitCode(1)
            }
        }
    }

    /// The bytes that an option's value stands for.
    static func event(_ option: String?) throws(ClientError) -> [UInt8] {
        guard let option else { return [] }
        let bytes: [UInt8]
        if option == "-" {
            bytes = try read(.standardInput, "The standard input")
        } else if option.hasPrefix("@") {
            let path = String(option.dropFirst())
            guard let file = FileHandle(forReadingAtPath: path) else { throw ClientError("\(path) can't be read.") }
            defer { file.closeFile() }
            bytes = try read(file, path)
        } else {
            bytes = Array(option.utf8)
        }
        return bytes
    }

    /// One byte more than the server takes is enough for its own refusal.
    private static func read(_ handle: FileHandle, _ name: String) throws(ClientError) -> [UInt8] {
        do {
            return Array(try handle.read(upToCount: LimitsProfile.synchronousPayloadBytesMax + 1) ?? Data())
        } catch {
            throw ClientError("\(name) can't be read: \(error.localizedDescription)")
        }
    }
}
