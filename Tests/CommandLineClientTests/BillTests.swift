// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import Testing

@testable import CommandLineClient

@Suite struct BillTests {
    private static let answer = """
        {"function":"b","version":"$LATEST","memoryMiB":1024,"architecture":"x86_64","requests":1000000,"billedMilliseconds":100000000,"errors":2}
        {"function":"a","version":"1","memoryMiB":512,"architecture":"arm64","requests":1,"billedMilliseconds":2000}

        """

    @Test func `a bill is requests and GB-seconds at AWS's prices`() throws {
        let bill = try Bill(Array(Self.answer.utf8), hasFreeTier: false)
        #expect(bill.lines.map(\.function) == ["a", "b"])
        #expect(bill.lines[0].gbSeconds == 1)
        #expect(abs(bill.lines[0].price - (0.0000133334 + 0.0000002)) < 1e-12)
        #expect(bill.lines[1].gbSeconds == 100_000)
        #expect(abs(bill.lines[1].price - (0.20 + 1.66667)) < 1e-9)
        #expect(abs(bill.total - (0.20 + 1.66667 + 0.0000133334 + 0.0000002)) < 1e-9)
    }

    @Test func `the free tier is taken off when asked for`() throws {
        let bill = try Bill(Array(Self.answer.utf8), hasFreeTier: true)
        #expect(abs(bill.total - 0.0000002) < 1e-12)
    }

    @Test func `the table has a line for each and a total`() throws {
        let bill = try Bill(Array(Self.answer.utf8), hasFreeTier: false)
        let lines = UsageCommand.table(bill, "2025-11").split(separator: "\n")
        #expect(lines.count == 5)
        #expect(Set(lines.dropFirst().map(\.count)).count == 1)
        #expect(lines[4].hasPrefix("Total") && lines[4].contains("1000001"))
        #expect(
            UsageCommand.table(try Bill([], hasFreeTier: false), "2025-11") == "No function was invoked in 2025-11."
        )
        #expect(UsageCommand.document(bill, "2025-11").contains(#""gbSeconds":100001.000000"#))
    }

    @Test(arguments: ["x", "{}", "[]", #"{"function":"a"}"#])
    func `an answer that is no usage is refused`(_ text: String) {
        #expect(throws: ClientError.self) { try Bill(Array(text.utf8), hasFreeTier: false) }
    }

    @Test func months() {
        #expect(UsageCommand.isMonth("2025-11"))
        for text in ["2025-13", "2025-00", "25-11", "2025-1", "2025-11-01", "2025/11", "", "٢٠٢٥-11"] {
            #expect(!UsageCommand.isMonth(text))
        }
        #expect(UsageCommand.month(of: Timestamp(millisecondsSinceEpoch: 1_764_025_947_000)) == "2025-11")
    }
}
