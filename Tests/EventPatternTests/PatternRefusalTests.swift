// SPDX-License-Identifier: Apache-2.0
import AWSWire
import EventPattern
import Testing

/// What is no pattern, with what is said about it.
@Suite struct PatternRefusalTests {
    @Test(arguments: [
        ("", "Unexpected end-of-input at byte 0", ""),
        ("[]", "Filter is not an object", ""),
        (#""a""#, "Filter is not an object", ""),
        ("{}", "Empty objects are not allowed", ""),
        (#"{"a":{}}"#, "Empty objects are not allowed", "a"),
        (#"{"a":"b"}"#, #""a" must be an object or an array"#, "a"),
        (#"{"a":{"b":1}}"#, #""b" must be an object or an array"#, "a.b"),
        (#"{"$or":null}"#, #""$or" must be an object or an array"#, "$or"),
        (#"{"a":[]}"#, "Empty arrays are not allowed", "a"),
        (#"{"$or":[]}"#, "Empty arrays are not allowed", "$or"),
        (#"{"a":["x",["b"]]}"#, "Match value must be String, number, true, false, or null", "a[1]"),
        (#"{"a":[{}]}"#, "Match expression name not found", "a[0]"),
        (#"{"a":[{"prefix":"x","suffix":"y"}]}"#, "Only one key allowed in match expression", "a[0]"),
        (#"{"a":[{"other":"x"}]}"#, "Unrecognized match type other", "a[0]"),
        (#"{"a":[{"other":[]}]}"#, "Unrecognized match type other", "a[0]"),
        (#"{"a":[{"prefix":1}]}"#, "prefix match pattern must be a string", "a[0]"),
        (#"{"a":[{"prefix":["x"]}]}"#, "prefix match pattern must be a string", "a[0]"),
        (#"{"a":[{"suffix":null}]}"#, "suffix match pattern must be a string", "a[0]"),
        (#"{"a":[{"prefix":{}}]}"#, "prefix expression name not found", "a[0]"),
        (#"{"a":[{"prefix":{"suffix":"x"}}]}"#, "Unsupported prefix pattern: suffix", "a[0]"),
        (#"{"a":[{"suffix":{"equals-ignore-case":1}}]}"#, "equals-ignore-case match pattern must be a string", "a[0]"),
        (#"{"a":[{"equals-ignore-case":["x"]}]}"#, "equals-ignore-case match pattern must be a string", "a[0]"),
        (#"{"a":[{"exists":"yes"}]}"#, "exists match pattern must be either true or false.", "a[0]"),
        (#"{"a":[{"wildcard":{"prefix":"x"}}]}"#, "wildcard match pattern must be a string", "a[0]"),
        (#"{"a":[{"wildcard":"a**"}]}"#, "Consecutive wildcard characters at pos 2", "a[0]"),
        (#"{"a":[{"wildcard":"a\\b"}]}"#, "Invalid escape character at pos 2", "a[0]"),
        (#"{"a":[{"wildcard":"a\\"}]}"#, "Invalid escape character at pos 2", "a[0]"),
        (#"{"a":[{"cidr":1}]}"#, "cidr match pattern must be a string", "a[0]"),
        (#"{"a":[{"cidr":"10.0.0.0"}]}"#, "Malformed CIDR, one '/' required", "a[0]"),
        (#"{"a":[{"cidr":"10.0.0.0/x"}]}"#, "Malformed CIDR, mask bits must be an integer", "a[0]"),
        (#"{"a":[{"cidr":"10.0.0.0/-1"}]}"#, "Malformed CIDR, mask bits must not be negative", "a[0]"),
        (#"{"a":[{"cidr":"10.0.0/8"}]}"#, "Nonstandard IP address: 10.0.0", "a[0]"),
        (#"{"a":[{"cidr":"10.0.0.1/32"}]}"#, "IPv4 mask bits must be < 32", "a[0]"),
        (#"{"a":[{"cidr":"2001:db8::1/128"}]}"#, "IPv6 mask bits must be < 128", "a[0]"),
    ])
    func `an error says what is wrong and where`(_ pattern: String, _ reason: String, _ path: String) {
        check(pattern, reason, path)
    }

    @Test(arguments: [
        (#"5"#, "Value of numeric must be an array."),
        (#"[]"#, "Invalid member in numeric match"),
        (#"[5]"#, "Invalid member in numeric match"),
        (#"["<"]"#, "Value of < must be numeric"),
        (#"["=","5"]"#, "Value of equals must be numeric"),
        (#"["~",5]"#, "Unrecognized numeric range operator: ~"),
        (#"["=",5,"<",6]"#, "Too many elements in numeric expression"),
        (#"["<",5,">",1]"#, "Too many elements in numeric expression"),
        (#"[">",5,6]"#, "Bad value in numeric range"),
        (#"[">",5,">",6]"#, "Bad numeric range operator: >"),
        (#"[">",5,"<"]"#, "Value of < must be numeric"),
        (#"[">",5,"<",6,"x"]"#, "Too many terms in numeric range expression"),
        (#"[">",5,"<",1]"#, "Bottom must be less than top"),
        (#"[">=",5,"<=",5.0]"#, "Bottom must be less than top"),
        (#"["<",5000000000.1]"#, bounds), (#"[">",-5e9,"<",1e10]"#, bounds), (#"["=",0.0000001]"#, bounds),
    ])
    func `numeric takes one bound, or a lower and an upper one`(_ operand: String, _ reason: String) {
        check(#"{"a":[{"numeric":\#(operand)}]}"#, reason, "a[0]")
    }

    @Test(arguments: [
        ("[]", "Empty arrays are not allowed"), ("true", listed), ("null", listed), ("[null]", mixed),
        (#"["x",1]"#, mixed), ("[true]", mixed), ("[5e10]", bounds), ("{}", "Anything-But expression name not found"),
        (#"{"exists":true}"#, "Unsupported anything-but pattern: exists"),
        (#"{"numeric":["=",1]}"#, "Unsupported anything-but pattern: numeric"),
        (#"{"prefix":""}"#, "Null prefix/suffix not allowed"),
        (#"{"suffix":["x",""]}"#, "Null prefix/suffix not allowed"),
        (#"{"prefix":[]}"#, "Empty arrays are not allowed"),
        (#"{"prefix":[1]}"#, "prefix match pattern must be a string"),
        (#"{"prefix":{"equals-ignore-case":"x"}}"#, listed),
        (#"{"wildcard":["a","**"]}"#, "Consecutive wildcard characters at pos 1"),
        (#"{"wildcard":"a","prefix":"b"}"#, "Only one key allowed in match expression"),
    ])
    func `anything-but takes strings, numbers or one comparison of strings`(_ operand: String, _ reason: String) {
        check(#"{"a":[{"anything-but":\#(operand)}]}"#, reason, "a[0]")
    }

    @Test(arguments: [
        (#"{"$or":[{"a":[1]},{}]}"#, "Empty objects are not allowed", "$or[1]"),
        (#"{"b":{"$or":[{"a":[1]},{"c":[{"prefix":1}]}]}}"#, "prefix match pattern must be a string", "b.$or[1].c[0]"),
        // One alternative is none, so that it is a field, and objects in its list are comparisons.
        (#"{"$or":[{"a":[1]}]}"#, "Unrecognized match type a", "$or[0]"),
        (#"{"$or":[{"a":[1]},5]}"#, "Unrecognized match type a", "$or[0]"),
        (
            #"{"$or":[{"a":{"prefix":["x"]}},{"b":[1]}]}"#,
            "prefix is Ruler reserved fieldName which cannot be used inside $or.", "$or[0].a"
        ),
        (#"{"a":[1],"$or":[{"a":[2]},{"b":[1]}]}"#, "Path `a` cannot be allowed multiple times", "a"),
        (
            #"{"a":{"b":[1]},"$or":[{"a":{"b":[2]}},{"b":[1]}]}"#,
            "Path `a.b` cannot be allowed multiple times", "a.b"
        ),
    ])
    func `alternatives are patterns, and name no leaf twice`(_ pattern: String, _ reason: String, _ path: String) {
        check(pattern, reason, path)
    }

    @Test func `a pattern has 1,000 combinations at most`() throws {
        func or(_ count: Int, _ name: String) -> String {
            #""$or":[\#((0..<count).map { #"{"\#(name)":[\#($0)]}"# }.joined(separator: ","))]"#
        }
        let thousand = #"{\#(or(10, "a")),"b":{\#(or(10, "c")),"d":{\#(or(10, "e"))}}}"#
        let pattern = try EventPattern(parsing: thousand)
        #expect(try pattern.matches(json(#"{"a":9,"b":{"c":0,"d":{"e":5}}}"#)))
        #expect(try !pattern.matches(json(#"{"a":9,"b":{"c":0,"d":{"e":10}}}"#)))
        let more = "The pattern has more than 1000 rule combinations"
        check(#"{\#(or(10, "a")),"b":{\#(or(10, "c")),"d":{\#(or(11, "e"))}}}"#, more, "")
        check(#"{\#(or(1_001, "a"))}"#, more, "")
        // 2^60 would not fit a multiplication of the numbers of alternatives.
        let deep = (0..<60).map { #""n\#($0)":{"$or":[{"a":[1]},{"b":[1]}]}"# }.joined(separator: ",")
        check("{\(deep)}", more, "")
    }

    @Test func `a pattern that is multiplied out has a limit in leaves`() throws {
        let fields = (0..<300).map { #""f\#($0)":[1]"# }.joined(separator: ",")
        let alternatives = (0..<1_000).map { #"{"a":[\#($0)]}"# }.joined(separator: ",")
        // Without `exists: false` nothing is multiplied.
        #expect(throws: Never.self) { try EventPattern(parsing: #"{\#(fields),"$or":[\#(alternatives)]}"#) }
        check(
            #"{\#(fields),"g":[{"exists":false}],"$or":[\#(alternatives)]}"#,
            "The combinations of $or are too many",
            ""
        )
    }

    @Test func `a pattern is nested 64 deep at most`() {
        func nested(_ depth: Int) -> JSONValue {
            (0..<depth).reduce(.array([.null])) { inner, _ in .object(["a": inner]) }
        }
        #expect(throws: Never.self) { try EventPattern(nested(64)) }
        let path = Array(repeating: "a", count: 64).joined(separator: ".")
        #expect(throws: EventPatternError(reason: "The pattern is nested too deeply", path: path)) {
            try EventPattern(nested(65))
        }
    }

    private static let bounds = "Value must be between -5.0E9 and 5.0E9, inclusive, with up to 6 decimals"
    private static let listed = "Value of anything-but must be an array or single string/number value."
    private static let mixed =
        "Inside anything but list, either all values are number or string, mixed type is not supported"

    private func check(_ pattern: String, _ reason: String, _ path: String) {
        #expect(throws: EventPatternError(reason: reason, path: path), "\(pattern)") {
            try EventPattern(parsing: pattern)
        }
    }
}
