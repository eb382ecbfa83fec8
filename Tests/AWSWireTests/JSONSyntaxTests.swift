// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Testing

struct JSONSyntaxTests {
    @Test(arguments: [
        "{}", "[]", "null", "true", "false", "0", "-0", "-1.5e+10", "1E5", "\"\"", " \t\r\n{}\n", "[1,2]", "[[],{}]",
        #"{"a":{"b":[1,"x",null]}}"#, #""\"\\\/\b\f\n\r\t\u00e9""#, "\"日本語 😀\"", "[[[[]]]]", #"{"":""}"#, "\"\u{7F}\"",
        #"{"a":1,"a":2}"#, #""\ud83d\ude00""#, #""\ud83d""#,
    ])
    func `valid`(text: String) {
        #expect(JSONSyntax.failure(in: Array(text.utf8)) == nil)
    }

    @Test(arguments: [
        "", " ", "{", "[", "]", "}", "{]", "[}", "[1,]", "{,}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "[1 2]",
        "01", "-", "1.", ".5", "1e", "+1", "0x1", "NaN", "Infinity", "nul", "nulll", "True", "'a'", "\"", "\"\\",
        "\"\\x\"",
        "\"\\u12\"", "\"\\u12g4\"", "\"\n\"", "\"\u{0}\"", "{}{}", "1 1", "[1]]", "// c\n1", "\u{FEFF}{}", "[,1]",
        "{\"a\" 1}",
        "-01", "1e+", "\"a\" \"b\"", "{\"a\":1 \"b\":2}",
    ])
    func `invalid`(text: String) {
        #expect(JSONSyntax.failure(in: Array(text.utf8)) != nil)
    }

    @Test(
        arguments: [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xC3], [0xE2, 0x82], [0xE2, 0x28, 0xA1],
            [0xF0, 0x9F, 0x98],
        ] as [[UInt8]]
    )
    func `bytes that are no UTF-8`(bytes: [UInt8]) {
        #expect(JSONSyntax.failure(in: [0x22] + bytes + [0x22]) != nil)
        #expect(JSONSyntax.failure(in: [0x22] + bytes) != nil)
        #expect(JSONSyntax.failure(in: bytes) != nil)
    }

    @Test func `the depth is limited, and a deep text costs no stack`() {
        func nested(_ depth: Int) -> [UInt8] {
            [UInt8](repeating: UInt8(ascii: "["), count: depth) + [UInt8](repeating: UInt8(ascii: "]"), count: depth)
        }
        #expect(JSONSyntax.failure(in: nested(1_000)) == nil)
        #expect(JSONSyntax.failure(in: nested(1_001))?.offset == 1_000)
        #expect(JSONSyntax.failure(in: nested(1_000_000)) != nil)
    }

    @Test func `a failure says where`() {
        #expect(JSONSyntax.failure(in: Array("{\"a\": x}".utf8))?.offset == 6)
        #expect(
            JSONSyntax.failure(in: Array("x".utf8))?.description
                == "Unexpected character ('x' (code 120)): expected a valid value (JSON String, Number, Array, Object or "
                + "token 'null', 'true' or 'false') at byte 0"
        )
    }

    /// What is written is valid and reads back as what it was; any prefix of it is invalid, and any change is survived.
    @Test(arguments: UInt64(0)..<32)
    func `random values and damaged texts`(seed: UInt64) throws {
        var random = SplitMix64(state: seed)
        for step in 0..<50 {
            let value = JSONValue.array([Self.value(depth: 0, &random)])
            let bytes = value.bytes
            #expect(JSONSyntax.failure(in: bytes) == nil, "seed \(seed), step \(step)")
            #expect(try JSONValue(parsing: bytes) == value, "seed \(seed), step \(step)")
            let cut = Int.random(in: 0..<bytes.count, using: &random)
            #expect(JSONSyntax.failure(in: Array(bytes[..<cut])) != nil, "seed \(seed), step \(step)")
            var damaged = bytes
            damaged[cut] = UInt8.random(in: 0...255, using: &random)
            let isValid = JSONSyntax.failure(in: damaged) == nil
            do {
                let parsed = try JSONValue(parsing: damaged)
                #expect(isValid && parsed.array != nil, "seed \(seed), step \(step)")
            } catch let failure {
                #expect(!isValid || failure.reason.contains("surrogate"), "seed \(seed), step \(step)")
            }
        }
    }

    @Test(arguments: [
        (#" { "a" : [ 1 , {"b" : " x\" ]}, " } ] , "b" : 2 } "#, #"[1,{"b":" x\" ]}, "}]"#),
        (#"{"b":1,"a":-2.50e+1}"#, "-2.50e+1"),
        (#"{"b":{"a":1},"c":["a",{"a":2}],"d":"a"}"#, nil), (#"{"a":1,"b":2,"a":"\ud800"}"#, #""\ud800""#),
        (#"{"\u0061":true}"#, "true"), (#"{"\ud800":1,"a":{}}"#, "{}"), (#"{"a\\":1}"#, nil), ("{}", nil),
        ("[{\"a\":1}]", nil),
        (#""a""#, nil), ("1", nil), ("null", nil),
    ])
    func `an object's member is found in its text`(_ text: String, _ member: String?) throws {
        #expect(try JSONSyntax.member("a", of: Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) } == member)
    }

    @Test func `what is no text has no member`() {
        for text in ["", "{", #"{"a":1"#, #"{"a":1}}"#, #"{"a":1,}"#, #"{"a":01}"#] {
            #expect(throws: JSONSyntax.Failure.self, "\(text)") { try JSONSyntax.member("a", of: Array(text.utf8)) }
        }
    }

    @Test(arguments: UInt64(0)..<32)
    func `a member is what its value says`(_ seed: UInt64) throws {
        var random = SplitMix64(state: seed)
        for _ in 0..<50 {
            let (first, second) = (Self.value(depth: 0, &random), Self.value(depth: 0, &random))
            let text =
                Array(#"{"x": "#.utf8) + first.bytes + Array(#" , "a" : "#.utf8) + second.bytes + Array("\n}".utf8)
            #expect(try JSONSyntax.member("a", of: text) == second.bytes)
        }
    }

    private static func value(depth: Int, _ random: inout SplitMix64) -> JSONValue {
        switch Int.random(in: 0..<(depth > 5 ? 4 : 6), using: &random) {
        case 0: .null
        case 1: .bool(Bool.random(using: &random))
        case 2: .integer(Int.random(in: -1_000_000...1_000_000, using: &random))
        case 3: .string(text(&random))
        case 4: .array((0..<Int.random(in: 0..<4, using: &random)).map { _ in value(depth: depth + 1, &random) })
        default:
            .object(
                Dictionary(
                    (0..<Int.random(in: 0..<4, using: &random)).map { _ in
                        (text(&random), value(depth: depth + 1, &random))
                    }
                ) { $1 }
            )
        }
    }

    private static func text(_ random: inout SplitMix64) -> String {
        let scalars: [Unicode.Scalar] = ["a", "\"", "\\", "\n", "\u{0}", "é", "日", "😀", "/", "\u{7F}", "\u{1F}"]
        return (0..<Int.random(in: 0..<8, using: &random)).reduce(into: "") { text, _ in
            text.unicodeScalars.append(scalars[Int.random(in: 0..<scalars.count, using: &random)])
        }
    }
}

/// A small generator with a seed (Steele, Lea and Flood 2014).
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
