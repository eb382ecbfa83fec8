// SPDX-License-Identifier: Apache-2.0
import AWSWire
import EventPattern
import Testing

/// Patterns and events that are made to take long: a pass over the event for each leaf has to be enough.
@Suite(.timeLimit(.minutes(1))) struct HostilePatternTests {
    private func leaf(_ comparison: JSONValue) throws -> EventPattern {
        try EventPattern(.object(["a": .array([comparison])]))
    }

    @Test func `wildcards look at a text once`() throws {
        let text = JSONValue.object(["a": .string(String(repeating: "a", count: 200_000))])
        // To try every place for every asterisk would take 200,000^2,000 steps.
        let asterisks = String(repeating: "*a", count: 2_000)
        #expect(try leaf(.object(["wildcard": .string(asterisks)])).matches(text))
        #expect(try !leaf(.object(["wildcard": .string(asterisks + "*b")])).matches(text))
        // To begin anew at every place, 4,000 × 200,000.
        let long = "*" + String(repeating: "a", count: 4_000) + "b*"
        #expect(try !leaf(.object(["wildcard": .string(long)])).matches(text))
    }

    @Test func `a field that is to be missing is looked for once in an array`() throws {
        let elements = (0..<20_000).map { JSONValue.object(["c": .integer($0)]) }
        let event = JSONValue.object(["a": .array(elements)])
        let pattern = try EventPattern(parsing: #"{"a":{"b":[{"exists":false}],"c":[-1]}}"#)
        #expect(!pattern.matches(event))
        let deeper = try EventPattern(
            parsing: #"{"a":{"b":{"b":[{"exists":false}]},"c":[19999],"d":[{"exists":false}]}}"#
        )
        #expect(deeper.matches(event))
    }

    @Test func `nested arrays and alternatives multiply neither`() throws {
        // 10 levels of arrays with 3 objects each.
        var value = JSONValue.integer(1)
        for _ in 0..<8 { value = .object(["a": .array([value, value, value])]) }
        let path = (0..<8).reduce("[2]") { inner, _ in #"{"a":\#(inner)}"# }
        #expect(try !EventPattern(parsing: path).matches(value))
        let alternatives = (0..<300).map { #"{"x":{"y":[\#($0)]}}"# }.joined(separator: ",")
        let overlapping = try EventPattern(parsing: #"{"x":{"z":[1]},"$or":[\#(alternatives)]}"#)
        let elements = (0..<300).map { JSONValue.object(["y": .integer($0), "z": .integer(2)]) }
        #expect(!overlapping.matches(.object(["x": .array(elements)])))
        #expect(
            overlapping.matches(.object(["x": .array(elements + [.object(["y": .integer(7), "z": .integer(1)])])]))
        )
    }

    @Test func `an event may be nested deeply`() throws {
        let deep = (0..<1_000).reduce(JSONValue.array([.integer(1)])) { inner, _ in .array([inner]) }
        #expect(try leaf(.integer(1)).matches(.object(["a": deep])))
        #expect(try !leaf(.integer(2)).matches(.object(["a": deep])))
        #expect(try EventPattern(parsing: #"{"a":{"b":[{"exists":false}]}}"#).matches(.object(["a": deep])))
    }

    @Test func `numbers may be long`() throws {
        let zeros = String(repeating: "0", count: 100_000)
        #expect(try leaf(.integer(5)).matches(.object(["a": .number("5." + zeros)])))
        #expect(try leaf(.integer(5)).matches(.object(["a": .number("5" + zeros + "e-100000")])))
        #expect(try leaf(.integer(0)).matches(.object(["a": .number("0e" + zeros + "9999999999")])))
        let below = try leaf(.object(["numeric": .array([.string("<"), .integer(5)])]))
        #expect(!below.matches(.object(["a": .number("1e" + String(repeating: "9", count: 100_000))])))
        #expect(!below.matches(.object(["a": .number("1e-" + String(repeating: "9", count: 100_000))])))
        #expect(!below.matches(.object(["a": .number(String(repeating: "1", count: 100_000))])))
    }
}
