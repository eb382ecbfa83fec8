// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Testing

struct JSONValueTests {
    @Test func `texts become values`() throws {
        let text =
            #" {"s" : "a\u00e9\ud83d\ude00\n\/", "n": -1.50e2, "i": 42, "b": true, "z": null, "a": [ 1 , [] , {} ]} "#
        let value = try JSONValue(parsing: Array(text.utf8))
        #expect(
            value
                == .object([
                    "s": .string("aé😀\n/"), "n": .number("-1.50e2"), "i": .integer(42), "b": .bool(true), "z": .null,
                    "a": .array([.integer(1), .array([]), .object([:])]),
                ])
        )
        #expect(value["i"]?.integer == 42)
        #expect(value["n"]?.integer == nil)
    }

    @Test func `of two members with one name the later one counts`() throws {
        #expect(try JSONValue(parsing: Array(#"{"a":1,"a":2}"#.utf8)) == .object(["a": .integer(2)]))
    }

    @Test(arguments: [#""\ud83d""#, #""\ude00""#, #""\ud83d\u0041""#, #""\ud83dx""#])
    func `lone surrogates are refused`(text: String) {
        #expect(throws: JSONSyntax.Failure.self) { try JSONValue(parsing: Array(text.utf8)) }
    }

    @Test func `depth and count are limited`() {
        let deep = String(repeating: "[", count: 65) + String(repeating: "]", count: 65)
        #expect(throws: JSONSyntax.Failure.self) { try JSONValue(parsing: Array(deep.utf8)) }
        let many = "[" + String(repeating: "0,", count: 100_000) + "0]"
        #expect(throws: JSONSyntax.Failure.self) { try JSONValue(parsing: Array(many.utf8)) }
    }

    @Test func `who expects more says so`() throws {
        let item = String(repeating: #"{"M":{"a":"#, count: 31) + "1" + String(repeating: "}}", count: 31)
        let text = #"{"Records":[{"dynamodb":{"NewImage":{"a":\#(item)}}}]}"#
        #expect(throws: JSONSyntax.Failure.self) { try JSONValue(parsing: Array(text.utf8)) }
        #expect(try JSONValue(parsing: Array(text.utf8), depthMax: 96)["Records"]?.array?.count == 1)
        let deep = String(repeating: "[", count: 97) + String(repeating: "]", count: 97)
        #expect(throws: JSONSyntax.Failure.self) { try JSONValue(parsing: Array(deep.utf8), depthMax: 96) }
        #expect(throws: JSONSyntax.Failure.self) { try JSONValue(parsing: Array("[1,2]".utf8), valuesMax: 2) }
        #expect(try JSONValue(parsing: Array("[1,2]".utf8), valuesMax: 3).array?.count == 2)
    }

    @Test func `written compactly, in order of names`() {
        let value = JSONValue.object(["b": .array([.null, .bool(false)]), "a": .string("\"\\\u{1}\n日")])
        #expect(value.text == #"{"a":"\"\\\u0001\n日","b":[null,false]}"#)
    }

    @Test(arguments: [
        ("", #""""#), ("plain", #""plain""#), ("\n\r\t", #""\n\r\t""#), ("\"in\"", #""\"in\"""#),
        ("a\\b\u{1F}", #""a\\b\u001f""#),
        ("日\u{0}本", #""日\u0000本""#), ("/\u{7F}", "\"/\u{7F}\""),
    ]) func `what needs an escape has one, and nothing else`(text: String, written: String) throws {
        #expect(JSONValue.string(text).text == written)
        #expect(try JSONValue(parsing: Array(written.utf8)) == .string(text))
    }

    /// Texts are looked at in words of eight bytes.
    @Test func `what needs an escape is found wherever it is`() {
        let units: [(plain: String, written: String)] = (0..<128).map { unit in
            let text = String(UnicodeScalar(UInt8(unit)))
            switch unit {
            case 0x22: return (text, #"\""#)
            case 0x5C: return (text, #"\\"#)
            case 0x0A: return (text, #"\n"#)
            case 0x0D: return (text, #"\r"#)
            case 0x09: return (text, #"\t"#)
            case ..<0x20: return (text, #"\u00"# + (unit < 16 ? "0" : "") + String(unit, radix: 16))
            default: return (text, text)
            }
        }
        for unit in units + [("é", "é"), ("\u{FF}", "\u{FF}"), ("日", "日")] {
            for before in 0..<17 {
                for other in ["x", "\u{7F}", "é"] {
                    let (head, tail) = (String(repeating: other, count: before), String(repeating: other, count: 9))
                    let written = JSONValue.string(head + unit.plain + tail).text
                    #expect(written == "\"\(head)\(unit.written)\(tail)\"")
                }
            }
        }
    }
}
