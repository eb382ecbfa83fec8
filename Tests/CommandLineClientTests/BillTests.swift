// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import Testing

@testable import CommandLineClient

@Suite struct BillTests {
    private static let answer = """
        {"function":"b","version":"$LATEST","memoryMiB":1024,"architecture":"x86_64","requests":1000000,"billedMilliseconds":100000000,"errors":2}
        {"function":"a","version":"1","memoryMiB":512,"architecture":"arm64","requests":1,"billedMilliseconds":2000}

        """

    private static func bill(
        _ text: String = answer,
        by columns: [BillColumn] = Bill.columns,
        hasFreeTier: Bool = false
    ) throws -> Bill {
        try Bill(Array(text.utf8), by: columns, hasFreeTier: hasFreeTier)
    }

    @Test func `a bill is requests and GB-seconds at AWS's prices`() throws {
        let bill = try Self.bill()
        #expect(bill.lines.map { $0.values[0] } == ["a", "b"])
        #expect(bill.lines.map(\.quantities.duration) == [1_024_000, 102_400_000_000])
        #expect(bill.lines[0].price.text(decimals: 13) == "0.0000135334000")
        #expect(bill.lines[1].price.text(decimals: 13) == "1.8666700000000")
        #expect(bill.total.text(decimals: 13) == "1.8666835334000")
    }

    @Test func `the free tier is taken off when asked for`() throws {
        #expect(try Self.bill(hasFreeTier: true).total.text(decimals: 10) == "0.0000002000")
        let line = #"{"function":"a","version":"1","memoryMiB":1024,"architecture":"ARCH","requests":0,"#
        let both =
            line.replacing("ARCH", with: "arm64") + #""billedMilliseconds":300000000}"# + "\n"
            + line.replacing("ARCH", with: "x86_64") + #""billedMilliseconds":300000000}"#
        // 400,000 of 600,000 are free: all of the dearer, and 100,000 of the other.
        #expect(try Self.bill(both, hasFreeTier: true).total.text(decimals: 5) == "2.66668")
    }

    @Test func `what is provisioned has prices of its own, and no free tier`() throws {
        let text =
            #"{"function":"f","version":"1","memoryMiB":1024,"architecture":"x86_64","requests":0,"#
            + #""billedMilliseconds":1000,"provisionedBilledMilliseconds":1000,"provisionedMilliseconds":10000,"#
            + #""ephemeralMebibyteMilliseconds":1024000}"#
        for hasFreeTier in [false, true] {
            let bill = try Self.bill(text, hasFreeTier: hasFreeTier)
            #expect(bill.total.text(decimals: 10) == "0.0000514201")
            #expect(bill.quantities.duration == 1_024_000 && bill.quantities.provisioned == 10_240_000)
        }
    }

    @Test func `lines are grouped by what is asked for, and add up to the same`() throws {
        var text = ""
        for day in ["2026-02-01", "2026-02-02"] {
            for (function, team) in [("a", "x"), ("b", "y"), ("c", "x"), ("d", nil)] {
                let tags = team.map { #"{"team":"\#($0)"}"# } ?? "{}"
                text +=
                    #"{"day":"\#(day)","function":"\#(function)","version":"1","memoryMiB":129,"architecture":"arm64","#
                    + #""requests":3,"billedMilliseconds":7,"records":5,"asynchronousRequests":2,"tags":\#(tags)}"#
                    + "\n"
            }
        }
        let whole = try Self.bill(text)
        for (columns, count) in [
            ([BillColumn.function], 4), ([.day], 2), ([.tag("team")], 3), ([.day, .tag("team")], 6), ([.version], 1),
        ] {
            let bill = try Self.bill(text, by: columns)
            #expect(bill.lines.count == count)
            #expect(bill.total == whole.total && bill.quantities == whole.quantities)
            #expect(bill.lines.reduce(Money.zero) { $0 + $1.price } == bill.total)
        }
        #expect(try Self.bill(text, by: [.tag("team")]).lines.map(\.values) == [[""], ["x"], ["y"]])
        #expect(throws: ClientError.self) { try Self.bill(Self.answer, by: [.day]) }
    }

    @Test func `the table has a line for each and a total`() throws {
        let bill = try Self.bill()
        let lines = UsageReport(bill: bill, period: "2025-11", isDay: false).table.split(separator: "\n")
        #expect(lines.count == 5)
        #expect(Set(lines.dropFirst().map(\.count)).count == 1)
        #expect(lines[4].hasPrefix("Total") && lines[4].contains("1000001"))
        #expect(!lines[1].contains("Egress") && !lines[1].contains("Provisioned"))
        let none = UsageReport(bill: try Self.bill(""), period: "2025-11", isDay: false)
        #expect(none.table == "No function was invoked in 2025-11.")
    }

    @Test func `JSON and CSV have every quantity`() throws {
        let report = UsageReport(bill: try Self.bill(by: [.function]), period: "2025-11", isDay: false)
        let json = try JSONValue(parsing: Array(report.document.utf8))
        #expect(json["month"] == .string("2025-11") && json["requests"] == .integer(1_000_001))
        #expect(json["gbSeconds"] == .number("100001.000000") && json["usd"] == .number("1.8666835334"))
        #expect(json["lines"]?.array?.map { $0["function"]?.string } == ["a", "b"])
        let rows = report.commaSeparated.split(separator: "\n")
        #expect(rows.count == 3 && rows[0].hasPrefix("function,requests,") && rows[0].hasSuffix(",usd"))
        #expect(rows[1].hasPrefix("a,1,0,"))
        let columns = Set(rows.map { $0.split(separator: ",", omittingEmptySubsequences: false).count })
        #expect(columns.count == 1)
    }

    @Test func `initialisations are not rounded before they are added up`() throws {
        let lines = ["a", "b", "c"].map { name in
            #"{"function":"\#(name)","version":"1","memoryMiB":128,"architecture":"arm64","requests":1,"#
                + #""billedMilliseconds":1,"initMicroseconds":333999}"#
        }
        let report = UsageReport(bill: try Self.bill(lines.joined(separator: "\n")), period: "2025-11", isDay: false)
        let json = try JSONValue(parsing: Array(report.document.utf8))
        #expect(json["initMilliseconds"] == .number("1001.997"))
        #expect(json["lines"]?.array?.map { $0["initMilliseconds"] } == Array(repeating: .number("333.999"), count: 3))
        #expect(report.table.contains(" 1001.997 "))
    }

    @Test func `a field of CSV is quoted where it has to be, and is no formula`() {
        let rows = [["a,b", "c\"d", "=1+1", "-1", "plain"]]
        #expect(CommaSeparated.text(rows) == #""a,b","c""d",'=1+1,'-1,plain"#)
        // A line feed or a combining character after the sign is one Character with it.
        #expect(CommaSeparated.text([["\r\n=1", "=\u{301}", "\"\u{301}"]]) == "\"'\r\n=1\",'=\u{301},\"\"\"\u{301}\"")
    }

    @Test(arguments: ["x", "{}", "[]", #"{"function":"a"}"#])
    func `an answer that is no usage is refused`(_ text: String) {
        #expect(throws: ClientError.self) { try Self.bill(text) }
    }

    @Test func months() {
        #expect(UsageCommand.isMonth("2025-11"))
        for text in ["2025-13", "2025-00", "25-11", "2025-1", "2025-11-01", "2025/11", "", "٢٠٢٥-11"] {
            #expect(!UsageCommand.isMonth(text))
        }
        #expect(UsageCommand.month(of: Timestamp(millisecondsSinceEpoch: 1_764_025_947_000)) == "2025-11")
        #expect(UsageCommand.isDay("2024-02-29"))
        for text in ["2025-02-29", "2025-11", "2025-11-1", "2025-11-31", "2025-11/01", ""] {
            #expect(!UsageCommand.isDay(text))
        }
    }

    @Test func `groupings are known columns, each once`() {
        #expect(UsageCommand.columns("day,function,tag:cost centre") == [.day, .function, .tag("cost centre")])
        for text in ["", "day,", "day,day", "tag:", "color", "day, function"] {
            #expect(UsageCommand.columns(text) == nil)
        }
    }
}
