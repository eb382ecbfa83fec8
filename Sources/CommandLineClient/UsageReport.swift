// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel

/// A bill in the forms that it is printed in.
struct UsageReport {
    let bill: Bill
    /// `2025-11` or `2025-11-30`.
    let period: String
    let isDay: Bool

    private struct Figure {
        var title: String
        /// In a table even where all have none.
        var isAlwaysShown = false
        var text: (UsageQuantities) -> String
        var isNone: (UsageQuantities) -> Bool
    }

    private static var figures: [Figure] {
        [
            count("Requests", \.requests, isAlwaysShown: true), count("Errors", \.errors, isAlwaysShown: true),
            count("Async", \.asynchronous), count("Records", \.records),
            count("Billed ms", \.billedMilliseconds, isAlwaysShown: true), initialization,
            gigabyteSeconds("GB-s", \.duration, isAlwaysShown: true),
            gigabyteSeconds("Provisioned GB-s", \.provisioned), gigabyteSeconds("/tmp GB-s", \.ephemeral),
            count("Egress bytes", \.egressBytes),
        ]
    }

    private static func count(
        _ title: String,
        _ path: KeyPath<UsageQuantities, Int64>,
        isAlwaysShown: Bool = false
    ) -> Figure {
        Figure(title: title, isAlwaysShown: isAlwaysShown, text: { String($0[keyPath: path]) }) {
            $0[keyPath: path] == 0
        }
    }

    private static var initialization: Figure {
        Figure(title: "Init ms", text: { Milliseconds.text(ofMicroseconds: $0.initMicroseconds) }) {
            $0.initMicroseconds == 0
        }
    }

    private static func gigabyteSeconds(
        _ title: String,
        _ path: KeyPath<UsageQuantities, Int64>,
        isAlwaysShown: Bool = false
    ) -> Figure {
        Figure(
            title: title,
            isAlwaysShown: isAlwaysShown,
            text: { GigabyteSeconds.text($0[keyPath: path], decimals: 4) }
        ) { $0[keyPath: path] == 0 }
    }

    var table: String {
        guard !bill.lines.isEmpty else { return "No function was invoked in \(period)." }
        let figures = Self.figures.filter { $0.isAlwaysShown || !$0.isNone(bill.quantities) }
        let columns = bill.columns.enumerated().filter { $0.element != .architecture || hasBothArchitectures }
        func row(_ values: [String], _ quantities: UsageQuantities, _ price: Money) -> [String] {
            columns.map { values[$0.offset] } + figures.map { $0.text(quantities) } + [price.text(decimals: 8)]
        }
        var total = [String](repeating: "", count: bill.columns.count)
        if let first = columns.first { total[first.offset] = bill.hasFreeTier ? "Total, free tier off" : "Total" }
        var rows = [columns.map { $0.element.title } + figures.map { $0.title } + [bill.prices.currency]]
        rows += bill.lines.map { row($0.values, $0.quantities, $0.price) }
        rows.append(row(total, bill.quantities, bill.total))
        let memory = columns.firstIndex { $0.element == .memory }
        let numbers = Set(columns.count..<rows[0].count).union(memory.map { [$0] } ?? [])
        return "Usage \(isDay ? "on" : "in") \(period) (UTC), at \(Terminal.harmless(bill.prices.name))\n"
            + TextTable.text(rows, numbers: numbers)
    }

    /// One column less where all run on the same.
    private var hasBothArchitectures: Bool {
        guard let column = bill.columns.firstIndex(of: .architecture) else { return false }
        return bill.columns != Bill.columns || Set(bill.lines.map { $0.values[column] }).count > 1
    }

    // MARK: - For programs

    /// Each one's number.
    private static var members: [(name: String, text: (UsageQuantities) -> String)] {
        func count(_ path: KeyPath<UsageQuantities, Int64>) -> (UsageQuantities) -> String {
            { String($0[keyPath: path]) }
        }
        func gigabyteSeconds(_ path: KeyPath<UsageQuantities, Int64>) -> (UsageQuantities) -> String {
            { GigabyteSeconds.text($0[keyPath: path], decimals: 6) }
        }
        return [
            ("requests", count(\.requests)), ("errors", count(\.errors)),
            ("asynchronousRequests", count(\.asynchronous)), ("records", count(\.records)),
            ("billedMilliseconds", count(\.billedMilliseconds)),
            ("initMilliseconds", { Milliseconds.text(ofMicroseconds: $0.initMicroseconds) }),
            ("egressBytes", count(\.egressBytes)), ("ingressBytes", count(\.ingressBytes)),
            ("gbSeconds", gigabyteSeconds(\.duration)), ("provisionedGBSeconds", gigabyteSeconds(\.provisioned)),
            ("ephemeralGBSeconds", gigabyteSeconds(\.ephemeral)),
        ]
    }

    var document: String {
        let amount = bill.prices.currency.lowercased()
        func members(_ quantities: UsageQuantities, _ price: Money) -> [String: JSONValue] {
            var members: [String: JSONValue] = [amount: .number(price.text(decimals: 10))]
            for (name, text) in Self.members { members[name] = .number(text(quantities)) }
            return members
        }
        let lines = bill.lines.map { line in
            var found = members(line.quantities, line.price)
            for (column, value) in zip(bill.columns, line.values) {
                found[column.name] = column == .memory ? .number(value) : .string(value)
            }
            return JSONValue.object(found)
        }
        var document = members(bill.quantities, bill.total)
        document[isDay ? "day" : "month"] = .string(period)
        document["prices"] = .string(bill.prices.name)
        document["freeTier"] = .bool(bill.hasFreeTier)
        document["lines"] = .array(lines)
        return JSONValue.object(document).text
    }

    /// Lines without a total: whoever reads them can add them up.
    var commaSeparated: String {
        let heading =
            bill.columns.map(\.name) + Self.members.map { $0.name } + [bill.prices.currency.lowercased()]
        let rows = bill.lines.map { line in
            line.values + Self.members.map { $0.text(line.quantities) } + [line.price.text(decimals: 10)]
        }
        return CommaSeparated.text([heading] + rows)
    }
}
