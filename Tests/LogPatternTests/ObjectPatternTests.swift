// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import LogPattern

/// The user guide's examples ("Using filter patterns to match terms in JSON log events").
struct ObjectPatternTests {
    private let event = """
        {"eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "arrayKey": ["value", "another value"],
         "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}], "SomeObject": null, "ThisFlag": true,
         "ThatFlag": false, "latency": 500, "cluster.name": "c", "code": "404", "large": 9007199254740993,
         "user": {"id": 1, "email": "John.Stiles@example.com"},
         "users": [{"id": 2, "email": "John.Doe@example.com"}, {"id": 3, "email": "Jane.Doe@example.com"}],
         "actions": ["GET", "PUT", "DELETE"], "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]]}
        """

    @Test(arguments: [
        #"{ $.eventType = "UpdateTrail" }"#, "{ $.eventType = UpdateTrail }", "{$.eventType=Update*}",
        #"{ $.eventType = "*Trail" }"#, "{ $.eventType = *date* }", "{ $.eventType = * }", #"{ $.eventType = "*" }"#,
        "{ $.sourceIPAddress != 123.123.* }", "{ $.sourceIPAddress = 111.111.* }",
        #"{ $.arrayKey[0] = "value" }"#, #"{ $.arrayKey[1] = "another value" }"#, "{ $.objectList[1].id = 2 }",
        "{ $.SomeObject IS NULL }", "{ $.SomeOtherObject NOT EXISTS }", "{ $.ThisFlag IS TRUE }",
        "{ $.ThatFlag IS FALSE }", "{ $.ThisFlag = true }", "{ $.latency >= 500 }", "{ $.latency <= 500.0 }",
        "{ $.latency = 5e2 }", "{ $.latency < +1000 }", "{ $.latency > 10e-3 }", "{ $.latency != 501 }",
        "{ $.code = 404 }", "{ $.code > 403 }", "{ $.code = 4* }", "{ $.['cluster.name'] = c }",
        "{ $['cluster.name'] = c && $.user.id = 1 }", "{ $.large = 9007199254740993 }",
        "{ $.large != 9007199254740992 }", "{ $.large > 9007199254740992 }", "{ $.eventType = %^Up.*l$% }",
        #"{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }"#,
        #"{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch && $.actions[2] = nomatch }"#,
        "{ (($.user.id = 2)||((($.user.id = 1)))) }", "{ $.coordinates[2][0] = 7 }",
    ])
    func `matches`(text: String) throws { #expect(try LogPattern(text).matches(event)) }

    @Test(arguments: [
        #"{ $.eventType = "updatetrail" }"#, "{ $.eventType = Up*ail }", "{ $.eventType != UpdateTrail }",
        #"{ $.eventType = "\*Trail" }"#, "{ $.arrayKey = 1 }", "{ $.arrayKey != 1 }", "{ $.user != 1 }",
        "{ $.arrayKey[2] = * }", "{ $.eventType[0] = * }", "{ $.SomeObject NOT EXISTS }", "{ $.SomeObject = * }",
        "{ $.missing IS NULL }", "{ $.missing != x }", "{ $.ThisFlag IS FALSE }", "{ $.eventType IS TRUE }",
        "{ $.latency > 500 }", "{ $.eventType > 500 }", "{ $.latency = 5000e-2 }",
        #"{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }"#,
        #"{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch) && $.actions[2] = nomatch }"#,
    ])
    func `does not match`(text: String) throws { #expect(try !LogPattern(text).matches(event)) }

    @Test(arguments: ["", "x", "[1]", "null", #"{"eventType":"#, #"{"a":1} {"#, "{}"])
    func `what is no object, or has no such member, does not match`(message: String) throws {
        #expect(try !LogPattern("{ $.eventType = * }").matches(message))
    }

    @Test(arguments: [
        "{", "{}", "{ }", "{ $ }", "{ $.a }", "{ $.a = }", "{ $.a > b }", "{ $.a = 1 } x", "{ $.a = 1", "{ $. = 1 }",
        "{ a = 1 }", "{ $.a = 1 && }", "{ ($.a = 1 }", "{ $.a IS }", "{ $.a IS MAYBE }", "{ $.a NOT }",
        "{ $.a[b] = 1 }", "{ $.a[] = 1 }", "{ $.a[0 = 1 }", "{ $.a = \"x }", "{ $.a = 1 || || $.b = 1 }",
        "{ $.a = %a% && $.b = %b% && $.c = %c% }", "{ $.a[9999999999] = 1 }", "{ $.a ~ 1 }",
    ])
    func `what is no condition is refused`(text: String) {
        #expect(throws: LogPatternFailure.self) { try LogPattern(text) }
    }

    @Test func `parentheses have their depth`() throws {
        func nested(_ depth: Int) -> String {
            "{ " + String(repeating: "(", count: depth) + "$.a = 1" + String(repeating: ")", count: depth) + " }"
        }
        #expect(try LogPattern(nested(ObjectPattern.depthMax)).matches(#"{"a": 1}"#))
        #expect(throws: LogPatternFailure.self) { try LogPattern(nested(ObjectPattern.depthMax + 1)) }
        #expect(throws: LogPatternFailure.self) { try LogPattern("{ " + String(repeating: "(", count: 1_000)) }
        // An event is bounded as well.
        let deep = String(repeating: "[", count: 100_000)
        #expect(try !LogPattern("{ $.a = 1 }").matches(#"{"a": \#(deep)"#))
    }

    /// What is told without reading the object is never told otherwise by reading it.
    @Test(arguments: UInt64(0)..<64)
    func `what a condition looks for is found in every message that meets it`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let values = [
            #""error""#, #""\u0065rror""#, #""terror\n""#, "404", "4.04e2", #""404""#, "null", "true", "false", #""""#,
            #""\"""#, "[1]", #""é""#, #""x\/y""#,
        ]
        let tests = [
            "= error", "= err*", "= *or", "= *rro*", "= *", #"= """#, "= 404", "= 4*", "!= error", "> 400", "= true",
            "= null", "IS NULL", "IS TRUE", "IS FALSE", "NOT EXISTS", "= %rro%", #"= "x/y""#, #"= "é""#,
        ]
        func condition(_ depth: Int) -> String {
            guard depth < 3, random.below(3) > 0 else {
                return "$.\(["a", "b", "c"][random.below(3)]) \(tests[random.below(tests.count)])"
            }
            return "(\(condition(depth + 1)) \(random.below(2) == 0 ? "&&" : "||") \(condition(depth + 1)))"
        }
        var met = 0
        for _ in 0..<200 {
            let text = "{ \(condition(0)) }"
            // Too many regular expressions are none.
            guard let pattern = try? LogPattern(text), case .object(let object) = pattern.form else { continue }
            for _ in 0..<10 {
                let members = ["a", "b"].filter { _ in random.below(4) > 0 }
                    .map { "\"\($0)\": \(values[random.below(values.count)])" }
                let message = Array("{\(members.joined(separator: ","))}".utf8)
                let isMet = message.withUnsafeBytes(object.isMet)
                met += isMet ? 1 : 0
                #expect(message.withUnsafeBytes(object.matches) == isMet, "seed \(seed): \(text), \(members)")
            }
        }
        #expect(met > 50)
    }
}
