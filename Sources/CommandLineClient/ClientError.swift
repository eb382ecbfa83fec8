// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Glibc

/// Why a command did not do what it was asked: one line for the terminal.
struct ClientError: Error, Equatable, CustomStringConvertible {
    /// AWS's exception, when the server answered with one.
    var name: String?
    var message: String
    /// The answer's status; nil where there was no answer.
    var status: Int?

    init(_ message: String) {
        self.message = message
    }

    init(name: String, message: String, status: Int) {
        self.name = name
        self.message = message
        self.status = status
    }

    var description: String {
        let text = name.map { "\($0): \(message)" } ?? message
        return text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}

enum Terminal {
    static let isOutputInteractive = isatty(STDOUT_FILENO) == 1
    static let isErrorInteractive = isatty(STDERR_FILENO) == 1

    static func writeLine(_ text: String) throws(ClientError) {
        try write(Array((text + "\n").utf8))
    }

    /// To the standard output, as it is.
    static func write(_ bytes: [UInt8]) throws(ClientError) {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(bytes))
        } catch {
            throw ClientError("The output can't be written: \(error.localizedDescription)")
        }
    }

    /// To the standard error; whoever has closed it does not want to be told.
    static func note(_ text: String, terminator: String = "\n") {
        let bytes = Array((text + terminator).utf8)
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }

    /// JSON has bytes from 0x7F on as they are; what reads it through a pipe gets it untouched.
    static func writeJSON(_ text: String) throws(ClientError) {
        try writeLine(isOutputInteractive ? harmless(text) : text)
    }

    /// Harmless, and on one line.
    static func line(_ text: String) -> String {
        harmless(String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\n" ? " " : $0 })))
    }

    /// Without what a terminal would obey: a function's log lines are not ours.
    static func harmless(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
                    return isControl && scalar != "\t" && scalar != "\n" ? "\u{FFFD}" : scalar
                }
            )
        )
    }
}

extension AsyncParsableCommand {
    /// Runs a command's work; an error becomes one line and exit code 2.
    func reportingErrors(_ work: () async throws -> Void) async throws {
        do {
            try await work()
        } catch let code as ExitCode {
            throw code
        } catch {
            Terminal.note("martlet: \(Terminal.harmless("\(error)"))")
            throw ExitCode(2)
        }
    }
}
