// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import ArgumentParser
import Foundation
import LambdaModel
import NIOCore

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

    @Flag(help: "Write the result as it comes, byte for byte, instead of when the function has ended.")
    private var stream = false

    @OptionGroup private var connection: ConnectionOptions

    package init() {}

    package func run() async throws {
        try await reportingErrors {
            let body = try Self.event(payload)
            if stream { return try await invokeStreaming(body) }
            let answer = try await LambdaClient.with(connection.location()) { client in
                try await client.send(
                    .post,
                    LambdaPath.invocations(name),
                    query: query,
                    headers: headers,
                    body: body,
                    timeout: LambdaClient.invocationTimeout
                )
            }
            showLog(answer.headers["x-amz-log-result"])
            let newline = UInt8(ascii: "\n")
            try Terminal.write(answer.body.last == newline ? answer.body : answer.body + [newline])
            if let kind = answer.headers["x-amz-function-error"] {
                Terminal.note("martlet: the function failed (\(Terminal.harmless(kind))).")
                throw ExitCode(1)
            }
        }
    }

    private var query: String { qualifier.map { "Qualifier=\(PercentEncoding.encode($0))" } ?? "" }
    private var headers: [(String, String)] { log ? [("X-Amz-Log-Type", "Tail")] : [] }

    private func showLog(_ base64: String?) {
        guard log, let tail = base64.flatMap({ Base64.decode($0) }) else { return }
        let text = String(decoding: tail, as: UTF8.self)
        Terminal.note(Terminal.isErrorInteractive ? Terminal.harmless(text) : text, terminator: "")
    }

    private func invokeStreaming(_ body: [UInt8]) async throws {
        let output = StreamedOutput()
        try await LambdaClient.with(connection.location()) { client in
            try await client.stream(
                LambdaPath.streamingInvocations(name),
                query: query,
                headers: headers,
                body: body
            ) { part throws(ClientError) in try output.receive(part.readableBytesView) }
        }
        let end = try output.end()
        showLog(end["LogResult"]?.string)
        guard let code = end["ErrorCode"]?.string else { return }
        Terminal.note("martlet: the function failed (\(Terminal.harmless(code))).")
        if let details = end["ErrorDetails"]?.string { Terminal.note(Terminal.harmless(details)) }
        throw ExitCode(1)
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
