// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import ArgumentParser
import LambdaModel
import ServerConfiguration

/// `martlet usage`: what a month's or a day's invocations would have cost on AWS.
package struct UsageCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "usage",
        abstract: "Print a month's bill: requests, GB-seconds and AWS's price for them.",
        discussion: """
            Every quantity is a whole number and adds up exactly; amounts are rounded where they are printed. Tags are those \
            that the functions have now.
            """
    )

    @Option(help: ArgumentHelp("The month, in UTC (default: this one).", valueName: "yyyy-mm"))
    private var month: String?

    @Option(help: ArgumentHelp("One day, in UTC, instead of a month.", valueName: "yyyy-mm-dd"))
    private var day: String?

    @Option(
        help: ArgumentHelp(
            "What to tell apart, of function, version, day, memory, architecture and tag:KEY, with commas between them "
                + "(default: function,version,memory,architecture).",
            valueName: "list"
        )
    )
    private var groupBy: String?

    @Option(
        help: ArgumentHelp("A price list, YAML or JSON (default: AWS's of today).", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml", "json"])
    )
    private var prices: String?

    @Option(help: ArgumentHelp("table, json or csv.", valueName: "format"))
    private var output: OutputFormat?

    @Flag(help: "The same as --output json.")
    private var json = false

    @Flag(name: .customLong("free-tier"), help: "Take AWS's monthly allowance off.")
    private var hasFreeTier = false

    @OptionGroup private var connection: ConnectionOptions

    package init() {}

    package func validate() throws {
        if let month, !Self.isMonth(month) { throw ValidationError("--month is a month such as 2025-11.") }
        if let day, !Self.isDay(day) { throw ValidationError("--day is a day such as 2025-11-30.") }
        if month != nil, day != nil { throw ValidationError("Give one of --month and --day.") }
        if json, output.map({ $0 != .json }) ?? false { throw ValidationError("Give one of --json and --output.") }
        if hasFreeTier, day != nil { throw ValidationError("The allowance is a month's: --free-tier takes no --day.") }
        guard groupBy == nil || Self.columns(groupBy) != nil else {
            throw ValidationError(
                "--group-by takes function, version, day, memory, architecture and tag:KEY, each once, with commas between."
            )
        }
    }

    package func run() async throws {
        try await reportingErrors {
            var list = PriceList.current
            if let prices {
                do { list = try await PriceFile.read(prices) } catch { throw ClientError("\(error)") }
            }
            let columns = Self.columns(groupBy) ?? Bill.columns
            let period = day ?? month ?? Self.month(of: .now)
            var query = ["\(day == nil ? "month" : "day")=\(period)"]
            if columns.contains(.day) { query.append("by=day") }
            for case .tag(let key) in columns { query.append("tag=\(PercentEncoding.encode(key))") }
            query += ["round=\(list.roundingMilliseconds)", "init=\(list.billsInitialization)"]
            let answer = try await LambdaClient.with(connection.location()) { [query] client in
                try await client.send(.get, "/_martlet/usage", query: query.joined(separator: "&"))
            }
            let bill = try Bill(answer.body, by: columns, prices: list, hasFreeTier: hasFreeTier)
            let report = UsageReport(bill: bill, period: period, isDay: day != nil)
            switch json ? OutputFormat.json : output ?? .table {
            case .table: try Terminal.writeLine(report.table)
            case .json: try Terminal.writeLine(report.document)
            case .csv: try Terminal.writeLine(report.commaSeparated)
            }
        }
    }

    static func isMonth(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].count == 4, parts[1].count == 2,
            parts.allSatisfy({ $0.allSatisfy { (48...57).contains($0) } }), let number = Int(text.suffix(2))
        else { return false }
        return (1...12).contains(number)
    }

    static func isDay(_ text: String) -> Bool {
        guard text.utf8.count == 10, isMonth(String(text.prefix(7))), text.utf8.dropFirst(7).first == UInt8(ascii: "-")
        else { return false }
        return BasicTime.parse("\(text.filter { $0 != "-" })T000000Z") != nil
    }

    static func month(of time: Timestamp) -> String {
        String(time.iso8601().prefix(7))
    }

    /// Nil where one is unknown or there twice; nil for none, too.
    static func columns(_ text: String?) -> [BillColumn]? {
        guard let text else { return nil }
        let columns = text.split(separator: ",", omittingEmptySubsequences: false).map { BillColumn(String($0)) }
        guard columns.count <= 10, columns.allSatisfy({ $0 != nil }), Set(columns).count == columns.count else {
            return nil
        }
        return columns.compactMap(\.self)
    }
}
