// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import ArgumentParser
import Foundation
import Glibc
import LambdaModel

/// `martlet top`: what runs now.
package struct TopCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Show functions and execution environments as they are now, until interrupted.",
        discussion: "Where the standard output is no terminal it prints once. Ctrl-C ends it."
    )

    @Option(help: ArgumentHelp("Seconds between two looks.", valueName: "seconds"))
    private var interval = 2

    @Option(help: ArgumentHelp("Seconds that invocations count after their end.", valueName: "seconds"))
    private var window = 10

    @Flag(help: "Print once.")
    private var once = false

    @OptionGroup private var options: ResourceOptions

    package init() {}

    package func validate() throws {
        guard (1...3_600).contains(interval) else { throw ValidationError("--interval is from 1 to 3600.") }
        guard (1...300).contains(window) else { throw ValidationError("--window is from 1 to 300.") }
    }

    package func run() async throws {
        try await reportingErrors {
            try await LambdaClient.with(options.connection.location()) { client in
                let isLive = !once && Terminal.isOutputInteractive && options.output.output == .table
                repeat {
                    let answer = try await client.send(.get, "/_martlet/environments", query: "window=\(window)")
                    let json = try answer.json()
                    switch options.output.output {
                    case .json: try Terminal.writeJSON(json.text)
                    case .table:
                        let screen = TopScreen(json, at: .now)
                        guard isLive else {
                            try Terminal.writeLine(screen.text(lines: .max))
                            break
                        }
                        // The screen from its first line on, and what was below it goes.
                        let text = screen.text(lines: Terminal.lines - 1).replacing("\n", with: "\u{1B}[K\n")
                        try Terminal.writeLine("\u{1B}[H\(text)\u{1B}[J")
                    }
                    if isLive { try await Task.sleep(for: .seconds(interval)) }
                } while isLive
            }
        }
    }
}

/// One look, as text.
struct TopScreen {
    private let json: JSONValue
    private let time: Timestamp

    init(_ json: JSONValue, at time: Timestamp) {
        self.json = json
        self.time = time
    }

    private static let functions: [TableColumn] = [
        .init("Function", "FunctionName"), .init("Running", "ConcurrentExecutions", isNumber: true),
        .init("Busy", "Environments.busy", isNumber: true), .init("Idle", "Environments.idle", isNumber: true),
        .init("Starting", "Environments.starting", isNumber: true),
        .init("Calls/s", "InvocationsPerSecond", isNumber: true), .init("Errors", "Errors", isNumber: true),
        .init("p50 ms", "DurationMedianMs", isNumber: true),
        .init("p95 ms", "Duration95thPercentileMs", isNumber: true),
    ]
    private static let environments: [TableColumn] = [
        .init("Environment", "EnvironmentId", isNumber: true), .init("Function", "FunctionName"),
        .init("Version", "Version"), .init("State", "State"), .init("MB", "MemoryMiB", isNumber: true),
        .init("Counts MB", "ReckonedMemoryMiB", isNumber: true),
        .init("") { $0["IsProvisioned"]?.bool == true ? "provisioned" : "" },
    ]

    /// At most so many lines, of which the environments' are the first to be left out.
    func text(lines max: Int) -> String {
        let environments = json["Environments"]?.array ?? []
        let functions = json["Functions"]?.array ?? []
        var memory = ""
        // Only an administrator is told of the machine.
        if let used = json["MemoryInUseMiB"]?.integer, let most = json["MemoryMaxMiB"]?.integer {
            memory = ", \(used) of \(most) MB in use"
        }
        let more = json["IsTruncated"]?.bool == true ? "more than " : ""
        var lines = ["\(time.iso8601()): \(more)\(environments.count) environments\(memory)", ""]
        lines += Self.table(functions, Self.functions, none: "No function runs, or has run lately.")
        if !environments.isEmpty { lines += [""] + Self.table(environments, Self.environments, none: "") }
        guard lines.count > max, max > 1 else { return lines.joined(separator: "\n") }
        return (lines.prefix(max - 1) + ["… \(lines.count - max + 1) lines more"]).joined(separator: "\n")
    }

    private static func table(_ items: [JSONValue], _ columns: [TableColumn], none: String) -> [String] {
        guard !items.isEmpty else { return [none] }
        let rows = [columns.map(\.title)] + items.map { item in columns.map { $0.text(item) } }
        let numbers = columns.indices.filter { columns[$0].isNumber }
        return TextTable.text(rows, numbers: Set(numbers)).split(separator: "\n", omittingEmptySubsequences: false)
            .map(String.init)
    }
}

extension Terminal {
    /// Lines of the terminal that the standard output is.
    static var lines: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 2 else { return 24 }
        return Int(size.ws_row)
    }
}
