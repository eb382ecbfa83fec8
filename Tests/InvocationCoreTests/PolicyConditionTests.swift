// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import TestSupport
import Testing

struct PolicyConditionTests {
    private static let request = AccessRequest(
        principal: .identity(AccessIdentity(accountID: "123456789012", arn: "arn:aws:iam::123456789012:user/ada")),
        action: "lambda:InvokeFunction",
        resource: "arn:aws:lambda:us-east-1:123456789012:function:f",
        context: [
            "aws:username": ["ada"], "aws:SourceIp": ["203.0.113.77"], "aws:SecureTransport": ["true"],
            "aws:CurrentTime": ["2025-11-24T23:12:27.000Z"], "aws:EpochTime": ["1764025947"],
            "aws:PrincipalArn": ["arn:aws:iam::123456789012:user/ada"], "lambda:Layer": ["arn:l:1", "arn:l:2"],
            "x:number": ["7"], "x:star": ["a*c"], "x:six": ["2001:db8::1"],
        ]
    )

    private func holds(_ operation: String, _ key: String, _ values: String...) throws -> Bool {
        let operation = try #require(PolicyCondition.Operator(operation))
        #expect(values.allSatisfy(operation.accepts))
        return PolicyCondition(operation, key: key, values: values).holds(for: Self.request)
    }

    @Test(arguments: [
        ("StringEquals", "AWS:UserName", "ada", true), ("StringEquals", "aws:username", "Ada", false),
        ("StringEqualsIgnoreCase", "aws:username", "ADA", true), ("StringNotEquals", "aws:username", "bob", true),
        ("StringNotEqualsIgnoreCase", "aws:username", "ADA", false), ("StringLike", "aws:username", "a?a", true),
        ("StringLike", "aws:username", "a*b", false), ("StringNotLike", "aws:username", "b*", true),
        ("StringEquals", "aws:username", "a*", false), ("StringEquals", "aws:username", "${aws:username}", true),
        ("StringLike", "x:star", "${x:star}", true), ("StringLike", "x:star", "a${*}c", true),
        ("StringEquals", "aws:username", "${aws:absent}", false),
        ("StringEquals", "aws:username", "${aws:absent, 'ada'}", true),
        ("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::*:user/*", true),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::123456789012:user/${aws:username}", true),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:*:user/ada", false),
        ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/*", true),
        ("Bool", "aws:SecureTransport", "True", true), ("Bool", "aws:SecureTransport", "false", false),
        ("NumericEquals", "x:number", "7.0", true), ("NumericNotEquals", "x:number", "7", false),
        ("NumericLessThan", "x:number", "8", true), ("NumericLessThan", "x:number", "7", false),
        ("NumericLessThanEquals", "x:number", "7", true), ("NumericGreaterThan", "x:number", "6", true),
        ("NumericGreaterThanEquals", "x:number", "7.5", false),
        ("DateGreaterThan", "aws:CurrentTime", "2025-11-24", true),
        ("DateLessThan", "aws:CurrentTime", "2025-11-24T23:12Z", false),
        ("DateLessThanEquals", "aws:EpochTime", "2025-11-24T23:12:27Z", true),
        ("DateEquals", "aws:CurrentTime", "1764025947", true), ("DateNotEquals", "aws:CurrentTime", "1", true),
        ("IpAddress", "aws:SourceIp", "203.0.113.0/24", true), ("IpAddress", "aws:SourceIp", "203.0.113.64/28", true),
        ("IpAddress", "aws:SourceIp", "203.0.113.0/26", false), ("IpAddress", "aws:SourceIp", "0.0.0.0/0", true),
        ("IpAddress", "aws:SourceIp", "::ffff:203.0.113.77", true), ("IpAddress", "x:six", "2001:db8::/32", true),
        ("IpAddress", "x:six", "2001:db9::/32", false), ("IpAddress", "x:six", "0.0.0.0/0", false),
        ("NotIpAddress", "aws:SourceIp", "10.0.0.0/8", true), ("NotIpAddress", "aws:SourceIp", "203.0.113.77", false),
        ("Null", "aws:absent", "true", true), ("Null", "aws:username", "true", false),
        ("Null", "aws:username", "false", true), ("BinaryEquals", "aws:username", "ada", true),
    ])
    func `operators compare as IAM's do`(
        _ operation: String,
        _ key: String,
        _ value: String,
        _ expected: Bool
    ) throws {
        #expect(try holds(operation, key, value) == expected)
    }

    @Test func `an absent key fulfils what is negated, IfExists and ForAllValues`() throws {
        #expect(try !holds("StringEquals", "x:absent", "a") && !holds("NumericLessThan", "x:absent", "1"))
        #expect(try holds("StringNotEquals", "x:absent", "a") && holds("NotIpAddress", "x:absent", "10.0.0.0/8"))
        #expect(try holds("StringEqualsIfExists", "x:absent", "a") && holds("BoolIfExists", "x:absent", "true"))
        #expect(try !holds("StringEqualsIfExists", "aws:username", "bob"))
        #expect(try holds("ForAllValues:StringEquals", "x:absent", "a"))
        #expect(try !holds("ForAnyValue:StringEquals", "x:absent", "a"))
        #expect(try holds("ForAnyValue:StringEqualsIfExists", "x:absent", "a"))
    }

    @Test func `of several values one or all have to match`() throws {
        #expect(try holds("ForAnyValue:StringEquals", "lambda:Layer", "arn:l:2", "arn:l:3"))
        #expect(try !holds("ForAllValues:StringEquals", "lambda:Layer", "arn:l:2", "arn:l:3"))
        #expect(try holds("ForAllValues:StringLike", "lambda:Layer", "arn:l:?"))
        #expect(try holds("ForAnyValue:StringNotEquals", "lambda:Layer", "arn:l:1"))
        #expect(try !holds("ForAllValues:StringNotEquals", "lambda:Layer", "arn:l:1"))
        #expect(try !holds("StringNotEquals", "lambda:Layer", "arn:l:1"))
        #expect(try holds("StringEquals", "aws:username", "bob", "ada"))
    }

    @Test(arguments: [
        ("NumericEquals", "0x10"), ("NumericEquals", "nan"), ("DateEquals", "2025-13-01"), ("DateEquals", "yesterday"),
        ("IpAddress", "10.0.0.0/33"), ("IpAddress", "10.0.0"), ("IpAddress", "1:2:3::4::5"), ("IpAddress", "::1/129"),
        ("IpAddress", "1:2:3:4:5:6:7:8:9"), ("IpAddress", "::/-1"), ("Bool", "yes"), ("Null", "1"),
    ])
    func `values that can't be compared are refused`(_ operation: String, _ value: String) throws {
        #expect(try !#require(PolicyCondition.Operator(operation)).accepts(value))
    }

    @Test(arguments: [
        "", "stringequals", "StringEqualsifExists", "IfExists", "NullIfExists", "ForAnyValue:Null", "ForAnyValue:",
        "ForSomeValues:StringEquals", "StringLikeIgnoreCase",
    ])
    func `what is no operator`(_ text: String) {
        #expect(PolicyCondition.Operator(text) == nil)
    }

    /// Texts of the characters that mean something, against one another.
    @Test(arguments: [UInt64(1), 2, 3]) func `no text makes a comparison fail`(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let alphabet = Array("$${}*?:/.,'  -+eT09afZé\u{0}😀")
        let names = [
            "StringLike", "StringNotEqualsIgnoreCase", "ArnLike", "ArnNotEquals", "NumericLessThan", "DateGreaterThan",
            "IpAddress", "NotIpAddress", "Bool", "Null", "ForAllValues:StringLike", "ForAnyValue:ArnLikeIfExists",
        ]
        func text() -> String {
            let length = Int.random(in: 0..<24, using: &random)
            return String((0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)] })
        }
        var matched = 0
        for round in 0..<20_000 {
            guard let operation = PolicyCondition.Operator(names[round % names.count]) else { continue }
            let request = AccessRequest(
                principal: .anonymous,
                action: text(),
                resource: text(),
                context: ["k:a": [text()], "k:b": [text(), text()], text(): []]
            )
            let key = ["k:a", "k:b", "k:c"][round % 3]
            if PolicyCondition(operation, key: key, values: [text(), text()]).holds(for: request) { matched += 1 }
        }
        #expect(matched > 0, "seed \(seed)")
    }

    @Test func `a pattern of many stars takes no time`() throws {
        let text = String(repeating: "a", count: 2_000)
        let pattern = String(repeating: "*a", count: 1_000) + "${x}b"
        let request = AccessRequest(
            principal: .anonymous,
            action: "a",
            resource: "b",
            context: ["x": ["*"], "k": [text]]
        )
        let operation = try #require(PolicyCondition.Operator("StringLike"))
        // A second or two on a busy machine; whoever tries every way through the stars would be at it for ever.
        let start = ContinuousClock.now
        #expect(!PolicyCondition(operation, key: "k", values: [pattern]).holds(for: request))
        #expect(ContinuousClock.now - start < .seconds(120))
    }
}
