// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import LogPattern

/// The user guide's examples ("Using filter patterns to match terms in unstructured log events"), and what is around them.
struct TermPatternTests {
    private let lines = [
        "[ERROR 400] BAD REQUEST", "[ERROR 401] UNAUTHORIZED REQUEST", "[ERROR 419] MISSING ARGUMENTS",
        "[ERROR 420] INVALID ARGUMENTS", "[WARN] slow", "[INFO] fine",
    ]

    @Test(
        arguments: [
            ("", [0, 1, 2, 3, 4, 5]), ("  ", [0, 1, 2, 3, 4, 5]), ("ERROR", [0, 1, 2, 3]), ("error", []),
            ("ERROR ARGUMENTS", [2, 3]), ("ARGUMENTS ERROR", [2, 3]), ("\"INVALID ARGUMENTS\"", [3]),
            ("?ERROR ?WARN", [0, 1, 2, 3, 4]), ("ERROR -ARGUMENTS", [0, 1]), ("-ERROR", [4, 5]),
            ("-\"BAD REQUEST\" ERROR", [1, 2, 3]), ("REQUEST ?WARN", [0, 1]), ("?WARN -ERROR", [4, 5]),
            ("%AUTHORIZED%", [1]), ("%4(%", nil), ("%^.ERROR 4[12]%", [2, 3]), ("ERROR %4\\d0%", [0, 3]),
            ("?%4[12]%", [2, 3]), ("\"[WARN]\"", [4]), ("\"\"", [0, 1, 2, 3, 4, 5]),
        ] as [(String, [Int]?)]
    )
    func `terms`(text: String, found: [Int]?) throws {
        guard let found else {
            #expect(throws: LogPatternFailure.self) { try LogPattern(text) }
            return
        }
        let pattern = try LogPattern(text)
        #expect(lines.indices.filter { pattern.matches(lines[$0]) } == found)
    }

    @Test(arguments: [
        ("a-b", "a-b"), ("foo:bar x", "foo:bar"), ("- x", ""), ("x [y]", "[y]"), ("4*", "4*"), ("'a'", "'a'"),
    ])
    func `a term with other characters needs quotation marks`(text: String, term: String) {
        let failure = #expect(throws: LogPatternFailure.self) { try LogPattern(text) }
        #expect(failure?.reason == "Invalid character(s) in term '\(term)'")
    }

    @Test func `quoted terms are taken to the letter`() throws {
        #expect(try LogPattern(#""say \"hi\" to C:\\x""#).matches(#"they say "hi" to C:\x now"#))
        #expect(try LogPattern(#""a\nb""#).matches(#"a\nb"#))
        #expect(try LogPattern("\"ünï\"").matches("xünïx"))
        #expect(throws: LogPatternFailure.self) { try LogPattern("\"no end") }
        #expect(throws: LogPatternFailure.self) { try LogPattern("%no end") }
    }

    @Test func `bytes that are no text are searched too`() throws {
        let bytes: [UInt8] = [0xFF, 0, 0x45, 0x52, 0x52, 0xFE]
        let (found, not) = (try LogPattern("ERR"), try LogPattern("ERRO"))
        #expect(bytes.withUnsafeBytes(found.matches))
        #expect(!bytes.withUnsafeBytes(not.matches))
        #expect(!found.matches(""))
    }

    @Test func `the regular expressions of a pattern share one limit`() throws {
        #expect(try LogPattern(Array(repeating: "-%a%", count: 16).joined(separator: " ")).matches("b"))
        for text in [Array(repeating: "-%a%", count: 17), Array(repeating: "?%a{500}%", count: 3)] {
            #expect(throws: LogPatternFailure.self) { try LogPattern(text.joined(separator: " ")) }
        }
    }

    @Test func `a pattern costs what its parts do`() throws {
        let texts = ["", "a", "a \"b c\" -d", "%a%", "%a{999}%", "{ $.a = 1 }", "[a = 1, b = %x%]"]
        #expect(try texts.map { try LogPattern($0).cost } == [1, 2, 4, 3, 97, 8, 12])
    }

    @Test func `a pattern has 1,024 characters at most`() throws {
        #expect(try LogPattern(String(repeating: "x", count: 1_024)).matches(String(repeating: "x", count: 1_024)))
        #expect(throws: LogPatternFailure.self) { try LogPattern(String(repeating: "x", count: 1_025)) }
    }
}
