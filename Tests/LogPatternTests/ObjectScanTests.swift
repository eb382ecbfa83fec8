// SPDX-License-Identifier: Apache-2.0
import AWSWire
import TestSupport
import Testing

@testable import LogPattern

/// Conditions on objects mean what they say of the values that the JSON parser makes.
struct ObjectScanTests {
    private static func object(_ pattern: LogPattern) -> ObjectPattern? {
        if case .object(let object) = pattern.form { object } else { nil }
    }

    /// By the parser, slowly.
    private static func isMet(_ object: ObjectPattern, by message: [UInt8]) -> Bool {
        guard let value = try? JSONValue(parsing: message), value.object != nil else { return false }
        return holds(object.condition, object.selectors.map { Self.value(at: $0, in: value) })
    }

    private static func value(at selector: Selector, in object: JSONValue) -> JSONValue? {
        var value: JSONValue? = object
        for step in selector.steps {
            switch step {
            case .member(let name): value = value?.object?.first { $0.key.utf8.elementsEqual(name) }?.value
            case .element(let number):
                value = value?.array.flatMap { $0.indices.contains(number) ? $0[number] : nil }
            }
        }
        return value
    }

    private static func holds(_ condition: ObjectPattern.Condition, _ values: [JSONValue?]) -> Bool {
        switch condition {
        case .all(let conditions): conditions.allSatisfy { holds($0, values) }
        case .any(let conditions): conditions.contains { holds($0, values) }
        case .test(let selector, .notExists): values[selector] == nil
        case .test(let selector, .isNull): values[selector] == .null
        case .test(let selector, .isTrue): values[selector] == .bool(true)
        case .test(let selector, .isFalse): values[selector] == .bool(false)
        case .test(let selector, .scalar(let test)):
            switch values[selector] {
            case .string(let text), .number(let text): Array(text.utf8).withUnsafeBytes(test.matches)
            case .bool(let flag): Array((flag ? "true" : "false").utf8).withUnsafeBytes(test.matches)
            default: false
            }
        }
    }

    /// Names with escapes, twice or in another's place, of one normal form each, as the parser keeps one of them; and bytes that make it no JSON.
    private struct Messages {
        var random: SplitMix64

        private static let names = [
            "a", "b", #"\u0061"#, #"a\u0062"#, "ab", "é", #"\u00e9"#, "o\u{308}", #"o\u0308"#, "K", "\u{2126}",
            #"\u2126"#, "", "x y", #"\""#, "😀", #"\ud83d\ude00"#, ":", ",", #"b\"a"#,
        ]
        private static let scalars = [
            "1", "-0", "0", "12", "1.5", "15e-1", "9007199254740993", "9007199254740992", "12345678901234567890",
            "1e400",
            "1E+2", "true", "false", "null", #""""#, #""a""#, #""\u0061""#, #""a\nb""#, #""12""#, #""é""#, #""\ud800""#,
            #""\ud83d\ude00""#, #""{\"a\":1}""#, #""]}""#, #""a:5""#, #""\"12""#, #""\/""#, "[]", "{}",
        ]

        mutating func pick<T>(_ list: [T]) -> T { list[random.below(list.count)] }

        mutating func space() -> String { random.below(6) == 0 ? pick([" ", "\t", "\n ", "\r\n"]) : "" }

        mutating func value(_ depth: Int) -> String {
            switch random.below(depth < 4 ? 8 : 5) {
            case 5: "[" + list(depth) { $0.value(depth + 1) } + "]"
            case 6, 7: object(depth)
            default: pick(Self.scalars)
            }
        }

        mutating func object(_ depth: Int) -> String {
            "{"
                + list(depth) { messages in
                    "\"\(messages.pick(Self.names))\"\(messages.space()):\(messages.space())\(messages.value(depth + 1))"
                } + "}"
        }

        private mutating func list(_ depth: Int, _ element: (inout Messages) -> String) -> String {
            let elements = (0..<random.below(depth == 0 ? 9 : 4)).map { _ in space() + element(&self) + space() }
            return elements.joined(separator: ",")
        }

        mutating func next() -> [UInt8] {
            var message = Array((space() + object(0) + space()).utf8)
            if random.below(4) == 0 {
                for _ in 0...random.below(2) where !message.isEmpty {
                    let place = random.below(message.count)
                    switch random.below(4) {
                    case 0: message.remove(at: place)
                    case 1: message.insert(pick(Array("{}[],:\"\\ux0-.e\u{B}\0".utf8)), at: place)
                    case 2: message.removeLast(message.count - place)
                    default: message[place] = UInt8(random.below(256))
                    }
                }
            }
            return message
        }

        mutating func selector() -> String {
            (0...random.below(2) * random.below(3)).map { _ in
                random.below(5) == 0
                    ? "[\(random.below(3))]"
                    : pick([
                        ".a", ".a", ".a", ".b", ".b", ".ab", ".K", "['é']", "['e\u{301}']", "['']", "['x y']", "['\"']",
                        "['😀']", "['\u{212A}']", "['o\u{308}']", "['ö']", "['\u{2126}']", "['\u{3A9}']",
                        "[',']", "[':']",
                    ])
            }.joined()
        }

        mutating func condition(_ depth: Int) -> String {
            guard depth < 2, random.below(3) == 0 else {
                let test = pick([
                    "= a", "= *", "!= a", "= 1", "= 12", "> 1", "<= 9007199254740992", "= 9007199254740993", "< 0.5",
                    ">= 1.5",
                    "= \"\"", "= *b", "= %a%", "IS NULL", "IS TRUE", "IS FALSE", "NOT EXISTS", "= é", "= 😀", "> 1e300",
                ])
                return "$\(selector()) \(test)"
            }
            return "(\(condition(depth + 1)) \(random.below(2) == 0 ? "&&" : "||") \(condition(depth + 1)))"
        }
    }

    @Test(arguments: UInt64(0)..<16)
    func `conditions hold as of what the parser makes`(seed: UInt64) {
        var messages = Messages(random: SplitMix64(seed: seed))
        var met = 0
        for _ in 0..<50 {
            let text = "{ \(messages.condition(0)) }"
            // Too many regular expressions are none.
            guard let pattern = try? LogPattern(text), case .object(let object) = pattern.form else { continue }
            for _ in 0..<10 {
                let message = messages.next()
                let expected = Self.isMet(object, by: message)
                met += expected ? 1 : 0
                let shown = String(decoding: message, as: UTF8.self)
                #expect(message.withUnsafeBytes(object.isMet) == expected, "seed \(seed): \(text), \(shown)")
                #expect(message.withUnsafeBytes(pattern.matches) == expected, "seed \(seed): \(text), \(shown)")
            }
        }
        #expect(met > 0)
    }

    @Test(arguments: [
        (#"{"a":1,"a":2}"#, "$.a = 2", true), (#"{"a":1,"a":2}"#, "$.a = 1", false),
        (#"{"a":1,"\u0061":2}"#, "$.a = 2", true), (#"{"a":{"b":1},"a":{"c":1}}"#, "$.a.b NOT EXISTS", true),
        (#"{"a":{"b":1},"a":2}"#, "$.a.b = 1", false), (#"{"a":[1,[2,3]],"a":[4]}"#, "$.a[1][0] NOT EXISTS", true),
        (#"{"a":{"b":{"c":1}},"a":{"x":1},"a":{"b":{}}}"#, "$.a.b.c NOT EXISTS", true),
        (#"{"a":{"b":{"c":1},"d":2},"a":{"b":3}}"#, "$.a.b.c NOT EXISTS && $.a.b = 3 && $.a.d NOT EXISTS", true),
        (#"{"K":1}"#, "$['\u{212A}'] NOT EXISTS", true), ("{\"\u{212A}\":1}", "$.K NOT EXISTS", true),
        ("{\"é\":1,\"e\u{301}\":2}", "$.é = 1 && $['e\u{301}'] = 2", true),
        (#"{"\u00e9":1,"e\u0301":2}"#, "$.é = 1 && $['e\u{301}'] = 2", true),
        (#"{"a":1} x"#, "$.a = 1", false), (#"{"a":01}"#, "$.a = 1", false), (#"{"a":1,}"#, "$.a = 1", false),
        (#"{"a":1,"b":tru}"#, "$.a = 1", false), (#"{"a":1,"b":"\ud800"}"#, "$.a = 1", false),
        (#"{"a":1,"\udc00":1}"#, "$.a = 1", false), (#"{"a":1,"b":"\"#, "$.a = 1", false),
        (#"\{"a":1}"#, "$.a = 1", false),
    ])
    func `the last member counts, and all must be JSON`(message: String, condition: String, isMet: Bool) throws {
        #expect(try LogPattern("{ \(condition) }").matches(message) == isMet)
    }

    @Test func `each place that is asked for counts, and a text that all of them need is searched for once`() throws {
        let names = (0x100..<0x13C).compactMap(Unicode.Scalar.init).map(String.init)
        let pattern = try LogPattern("{ \(names.map { "$.\($0) NOT EXISTS" }.joined(separator: "&&")) }")
        #expect(pattern.cost == 6 + 60)
        let object = try #require(Self.object(pattern))
        let other = String(repeating: #""é":1,"#, count: 5_000)
        for name in ["é", "A\u{304}", "a", names[0], names[59], #"\u0113"#] {
            let message = Array("{\(other)\"\(name)\":null}".utf8)
            let expected = Self.isMet(object, by: message)
            #expect(message.withUnsafeBytes(pattern.matches) == expected, "\(name)")
            #expect(expected == ["é", "A\u{304}", "a"].contains { Array($0.utf8) == Array(name.utf8) }, "\(name)")
        }
        let condition = names.map { "$.\($0) IS NULL" }.joined(separator: "||")
        let nulls = try LogPattern("{ \(condition) }")
        #expect(try Self.required(condition) == .text(Array("null".utf8)))
        #expect(nulls.cost == 6 + 60)
        #expect(nulls.matches("{\(other)\"\(names[59])\":null}"))
        #expect(!nulls.matches("{\(other)\"A\u{304}\":null}"))
    }

    private static func required(_ condition: String) throws -> RequiredText {
        let object = try #require(object(try LogPattern("{ \(condition) }")))
        return RequiredText(of: object.condition, object.selectors)
    }

    @Test(arguments: [
        ("$.a IS NULL && $.b IS NULL", RequiredText.text(Array("null".utf8))),
        ("($.a IS NULL && $.b IS NULL) || $.c IS NULL", .text(Array("null".utf8))),
        ("$.a IS NULL || $.b IS TRUE || $.c IS NULL", .any([.text(Array("null".utf8)), .text(Array("true".utf8))])),
        ("$.a = x && $.b IS TRUE && $.c = x", .all([.text(Array("x".utf8)), .text(Array("true".utf8))])),
        ("$.a NOT EXISTS && $.b NOT EXISTS", .nothing), ("$.a IS NULL || $.b NOT EXISTS", .nothing),
        ("$.a[0] > 1", .nothing), (#"$.a = "\"x""#, .nothing),
    ])
    func `a message needs each text once`(condition: String, text: RequiredText) throws {
        #expect(try Self.required(condition) == text)
    }

    @Test func `a message needs a member where no text is needed, and none of many`() throws {
        func member(_ name: String, _ test: String) throws -> RequiredText {
            var scanner = PatternScanner(Array(test.utf8))
            return .member(Array("\"\(name)\"".utf8), try ScalarTest(&scanner, .object))
        }
        #expect(try Self.required("$.a.b > 1") == member("b", "> 1"))
        #expect(try Self.required("$.a = x && $.b != x") == .all([.text(Array("x".utf8)), member("b", "!= x")]))
        let needed = try RequiredText.any([.text(Array("null".utf8)), member("b", "> 1")])
        #expect(try Self.required("$.a IS NULL || ($.b > 1 && $.c NOT EXISTS)") == needed)
        func numbers(_ count: Int) -> [String] { (1...count).map { "> \($0)" } }
        func condition(_ count: Int) -> String { numbers(count).map { "$.a \($0)" }.joined(separator: "||") }
        #expect(try Self.required(condition(8)) == .any(numbers(8).map { try member("a", $0) }))
        #expect(try Self.required(condition(9)) == .nothing)
    }

    @Test(arguments: [
        (#"{"a":"x",":":1,",":5}"#, "$[','] > 4", true), (#"{"a" : 1, "b" : {"a" : 5}}"#, "$.b.a > 4", true),
        (#"{"a":"say \"a\"","b":{"a":"\"5"}}"#, "$.b.a != 5", true), (#"{"b\"a":5}"#, "$.a > 4", false),
        (#"{"\u0061":5}"#, "$.a > 4", true), (#"{"b\/a":5}"#, "$['b/a'] > 4", true),
        (#"{"a":"\u0035"}"#, "$.a > 4", true), (#"{"b":"\n","a":5}"#, "$.a > 4", true), (#"{"":5}"#, "$[''] > 4", true),
        (#"{"a":5,"b":"\"#, "$.a > 4", false), (#"{"b":1,"a":5"#, "$.a > 4", false),
        (#"{"b":1,"a":"#, "$.a > 4", false),
    ])
    func `members are found wherever they are, however they are written`(
        message: String,
        condition: String,
        isMet: Bool
    ) throws {
        #expect(try LogPattern("{ \(condition) }").matches(message) == isMet)
    }

    @Test func `what the parser refuses for its size does not match`() throws {
        let pattern = try LogPattern("{ $.a = 1 }")
        func nested(_ depth: Int) -> String {
            #"{"a":1,"b":"# + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + "}"
        }
        #expect(pattern.matches(nested(JSONValue.depthMax - 1)))
        #expect(!pattern.matches(nested(JSONValue.depthMax)))
        func long(_ count: Int) -> String {
            #"{"a":1,"b":[0"# + String(repeating: ",0", count: count - 1) + "]}"
        }
        #expect(pattern.matches(long(JSONValue.valuesMax - 3)))
        #expect(!pattern.matches(long(JSONValue.valuesMax - 2)))
    }

    /// As the standard library reads them.
    @Test(arguments: UInt64(0)..<64)
    func `numbers are read as they are by others`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        func digits(_ most: Int) -> String { (0..<random.below(most + 1)).map { _ in "\(random.below(10))" }.joined() }
        for _ in 0..<500 {
            var text = ["", "", "-", "+"][random.below(4)] + digits([3, 20][random.below(2)])
            if random.below(2) == 0 { text += "." + digits([3, 20][random.below(2)]) }
            if random.below(3) == 0 { text += ["e", "E", "e-", "E+"][random.below(4)] + digits(3) }
            if random.below(10) == 0 { text += ["x", " ", ".", "-"][random.below(4)] }
            let found = Array(text.utf8).withUnsafeBytes(ComparedNumber.init)
            let isPlain = text.wholeMatch(of: /[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?/) != nil
            let isInteger = text.wholeMatch(of: /[+-]?\d+/) != nil
            let integer = isInteger ? Int64(text).map(ComparedNumber.integer) : nil
            let fraction = Double(text.hasSuffix(".") ? text + "0" : text).map(ComparedNumber.fraction)
            #expect(found == (isPlain ? integer ?? fraction : nil), "seed \(seed): \(text)")
        }
    }
}
