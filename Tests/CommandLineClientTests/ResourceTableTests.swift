// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import Testing

@testable import CommandLineClient

@Suite struct ResourceTableTests {
    private func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

    @Test func `columns follow members into objects, and obey no control character`() throws {
        let item = try json(#"{"a":{"b":[1,"x"]},"n":null,"t":"\u001b[31m\nred","o":{"k":true}}"#)
        #expect(TableColumn("", "a.b").text(item) == "1 x")
        #expect(TableColumn("", "n").text(item) == "" && TableColumn("", "absent.b").text(item) == "")
        #expect(TableColumn("", "t").text(item) == "\u{FFFD}[31m red")
        #expect(TableColumn("", "o").text(item) == #"{"k":true}"#)
    }

    @Test func `one resource is its members, one a line`() throws {
        let members = OutputOptions.members(try json(#"{"b":{"c":1,"d":{}},"a":"x"}"#))
        #expect(members.map(\.0) == ["a  ", "b.c"] && members.map(\.1) == ["x", "1"])
        let tags = OutputOptions.members(try json(#"{"t":{"\u001b[2J\n":"x"}}"#))
        #expect(tags.map(\.0) == ["t.\u{FFFD}[2J "])
    }

    @Test func `tables align numbers to the right`() {
        let text = TextTable.text([["N", "Name"], ["10", "a"], ["7", "bcd"]], numbers: [0])
        #expect(text == " N  Name\n10  a\n 7  bcd")
        #expect(TextTable.text([["A", "B"], ["x\ny", "\r\nz\u{1B}[m"]]) == "A    B\nx y  \u{FFFD} z\u{FFFD}[m")
    }

    @Test func `a screen is no longer than the terminal`() throws {
        let environment = #"{"EnvironmentId":1,"FunctionName":"f","Version":"1","State":"idle","MemoryMiB":128}"#
        let text =
            #"{"Functions":[{"FunctionName":"f","ConcurrentExecutions":2,"Errors":0}],"Environments":["#
            + Array(repeating: environment, count: 50).joined(separator: ",")
            + #"],"IsTruncated":false,"MemoryInUseMiB":6400,"MemoryMaxMiB":8000}"#
        let screen = TopScreen(try json(text), at: Timestamp(millisecondsSinceEpoch: 0))
        let whole = screen.text(lines: .max).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(whole.count == 56 && whole[0].hasSuffix("50 environments, 6400 of 8000 MB in use"))
        let none = TopScreen(try json("{}"), at: Timestamp(millisecondsSinceEpoch: 0)).text(lines: 1)
        #expect(none.hasPrefix("1970-01-01T00:00:00.000Z: 0 environments\n"))
        let cut = screen.text(lines: 20).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(cut.count == 20 && cut.last == "… 37 lines more")
    }

    @Test func `key and value are told apart at the first sign`() {
        #expect(KeyValue(argument: "a=b=c") == KeyValue(argument: "a=b=c"))
        #expect(KeyValue(argument: "a=b=c")?.value == "b=c" && KeyValue(argument: "a=")?.value == "")
        #expect(KeyValue(argument: "=b") == nil && KeyValue(argument: "a") == nil)
    }

    @Test func `a query has what has a value`() {
        #expect(LambdaClient.query([("A", "x y"), ("B", nil), ("C", "1")]) == "A=x%20y&C=1")
    }
}
