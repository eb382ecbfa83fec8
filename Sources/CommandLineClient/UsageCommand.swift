// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import ArgumentParser
import Foundation
import LambdaModel

/// `martlet usage`: what a month's invocations would have cost on AWS.
package struct UsageCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "usage",
        abstract: "Print a month's bill: requests, GB-seconds and AWS's price for them."
    )

    @Option(help: ArgumentHelp("The month, in UTC (default: this one).", valueName: "yyyy-mm"))
    private var month: String?

    @Flag(help: "Print JSON.")
    private var json = false

    @Flag(name: .customLong("free-tier"), help: "Take AWS's monthly allowance off.")
    private var hasFreeTier = false

    @OptionGroup private var connection: ConnectionOptions

    package init() {}

    package func validate() throws {
        if let month, !Self.isMonth(month) { throw ValidationError("--month is a month such as 2025-11.") }
    }

    package func run() async throws {
        try await reportingErrors {
            let month = month ?? Self.month(of: .now)
            let answer = try await LambdaClient.with(connection.location()) { client in
                try await client.send(.get, "/_martlet/usage", query: "month=\(month)")
            }
            let bill = try Bill(answer.body, hasFreeTier: hasFreeTier)
            try Terminal.writeLine(json ? Self.document(bill, month) : Self.table(bill, month))
        }
    }

    static func isMonth(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].count == 4, parts[1].count == 2,
            parts.allSatisfy({ $0.allSatisfy { (48...57).contains($0) } }), let number = Int(text.suffix(2))
        else { return false }
        return (1...12).contains(number)
    }

    static func month(of time: Timestamp) -> String {
        String(time.iso8601().prefix(7))
    }

    static func table(_ bill: Bill, _ month: String) -> String {
        guard !bill.lines.isEmpty else { return "No function was invoked in \(month)." }
        var rows = [["Function", "Version", "MB", "Requests", "Errors", "Billed ms", "GB-s", "USD"]]
        for line in bill.lines {
            rows.append([
                line.function, line.version, String(line.memoryMiB), String(line.requests), String(line.errors),
                String(line.billedMilliseconds), number(line.gbSeconds, 4), number(line.price, 8),
            ])
        }
        let errors = bill.lines.reduce(0) { $0 + $1.errors }
        rows.append([
            bill.hasFreeTier ? "Total, free tier off" : "Total", "", "", String(bill.requests), String(errors),
            String(bill.billedMilliseconds), number(bill.gbSeconds, 4), number(bill.total, 8),
        ])
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let lines = rows.map { row in
            row.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return column < 2 ? row[column] + space : space + row[column]
            }.joined(separator: "  ")
        }
        return "Usage in \(month) (UTC), at AWS's prices for us-east-1\n" + lines.joined(separator: "\n")
    }

    static func document(_ bill: Bill, _ month: String) -> String {
        let lines = bill.lines.map { line in
            JSONValue.object([
                "function": .string(line.function), "version": .string(line.version),
                "memoryMiB": .integer(line.memoryMiB), "architecture": .string(line.architecture),
                "requests": .integer(line.requests), "errors": .integer(line.errors),
                "billedMilliseconds": .integer(line.billedMilliseconds),
                "gbSeconds": .number(number(line.gbSeconds, 6)), "usd": .number(number(line.price, 10)),
            ])
        }
        return JSONValue.object([
            "month": .string(month), "lines": .array(lines), "requests": .integer(bill.requests),
            "billedMilliseconds": .integer(bill.billedMilliseconds), "gbSeconds": .number(number(bill.gbSeconds, 6)),
            "usd": .number(number(bill.total, 10)), "freeTier": .bool(bill.hasFreeTier),
        ]).text
    }

    private static func number(_ value: Double, _ digits: Int) -> String {
        String(format: "%.\(digits)f", value)
    }
}
