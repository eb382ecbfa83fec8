// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import InvocationCore
import LambdaModel
import Testing

struct PolicyDocumentTests {
    private let caller = Caller(
        accountID: "000000000000",
        region: "us-east-1",
        identity: AccessIdentity(accountID: "000000000000", arn: "arn:aws:iam::000000000000:user/ada")
    )

    private func decision(
        _ document: String,
        _ action: String = "lambda:GetFunction",
        _ resource: String = "arn:aws:lambda:us-east-1:000000000000:function:f",
        _ context: [String: [String]] = [:]
    ) throws -> AccessDecision {
        try PolicyDocument.parse(Array(document.utf8)).decision(
            on: AccessRequest(
                principal: .identity(caller.identity),
                action: action,
                resource: resource,
                context: context
            )
        )
    }

    @Test func `what is named is allowed, a deny wins, and the rest is nothing`() throws {
        let document = """
            {"Version": "2012-10-17", "Id": "x", "Statement": [
              {"Sid": "A", "Effect": "Allow", "Action": ["lambda:Get*", "lambda:invokefunction"],
               "Resource": "arn:aws:lambda:*:*:function:f*"},
              {"Sid": "B", "Effect": "Deny", "Action": "lambda:GetPolicy", "Resource": "*"}]}
            """
        #expect(try decision(document) == .allow)
        #expect(try decision(document, "lambda:InvokeFunction") == .allow)
        #expect(try decision(document, "lambda:GetPolicy") == .explicitDeny)
        #expect(try decision(document, "lambda:DeleteFunction") == .noMatch)
        #expect(
            try decision(document, "lambda:GetFunction", "arn:aws:lambda:us-east-1:000000000000:function:g") == .noMatch
        )
        #expect(try decision(document, "lambda:GetFunction", "*") == .noMatch)
    }

    @Test func `NotAction and NotResource are all the others`() throws {
        let document = """
            {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "NotAction": "lambda:Delete*",
             "NotResource": "arn:aws:lambda:*:*:function:secret"}}
            """
        #expect(try decision(document) == .allow)
        #expect(try decision(document, "lambda:DeleteFunction") == .noMatch)
        #expect(
            try decision(document, "lambda:GetFunction", "arn:aws:lambda:us-east-1:1:function:secret") == .noMatch
        )
    }

    @Test func `variables came with the later version`() throws {
        func document(_ version: String) -> String {
            """
            {\(version) "Statement": {"Effect": "Allow", "Action": "*", "Resource":
             "arn:aws:lambda:us-east-1:000000000000:function:${aws:username}"}}
            """
        }
        let context = ["aws:username": ["f"]]
        let name = "lambda:GetFunction"
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:"
        #expect(try decision(document(#""Version": "2012-10-17","#), name, arn + "f", context) == .allow)
        #expect(try decision(document(#""Version": "2012-10-17","#), name, arn + "f") == .noMatch)
        #expect(try decision(document(""), name, arn + "f", context) == .noMatch)
        #expect(try decision(document(#""Version": "2008-10-17","#), name, arn + "${aws:username}", context) == .allow)
    }

    @Test func `values of conditions may be numbers and booleans`() throws {
        let document = """
            {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
             "Condition": {"Bool": {"aws:SecureTransport": true}, "NumericLessThan": {"x:y": [3, "4"]}}}}
            """
        let name = "lambda:GetFunction"
        #expect(try decision(document, name, "*", ["aws:securetransport": ["true"], "x:y": ["3.5"]]) == .allow)
        #expect(try decision(document, name, "*", ["aws:securetransport": ["true"], "x:y": ["4"]]) == .noMatch)
        #expect(try decision(document, name, "*", ["x:y": ["1"]]) == .noMatch)
    }

    /// Documents of valid and of broken members: each is a policy or a refusal with a place.
    @Test(arguments: [UInt64(11), 12, 13]) func `no document makes the reader fail`(_ seed: UInt64) throws {
        var random = Generator(state: seed)
        func pick(_ values: [JSONValue]) -> JSONValue { values[Int(random.next() % UInt64(values.count))] }
        let texts = ["*", "lambda:*", "lambda", "arn:aws:lambda:*", "${aws:username}", "Allow", "Deny", "", "::", "é"]
        func value(_ depth: Int) -> JSONValue {
            switch random.next() % (depth > 3 ? 4 : 6) {
            case 0, 1: return pick(texts.map(JSONValue.string))
            case 2: return pick([.null, .bool(true), .number("1e400"), .number("-0")])
            case 3: return .string("arn:aws:lambda:us-east-1:000000000000:function:f")
            case 4: return .array((0..<Int(random.next() % 4)).map { _ in value(depth + 1) })
            default:
                let names = [
                    "Version", "Statement", "Effect", "Action", "NotAction", "Resource", "Condition", "Sid",
                    "StringLike", "IpAddress", "aws:SourceIp", "Bool", "x",
                ]
                var members: [String: JSONValue] = [:]
                for _ in 0..<Int(random.next() % 4) { members[names[Int(random.next() % 13)]] = value(depth + 1) }
                return .object(members)
            }
        }
        var accepted = 0
        for _ in 0..<5_000 {
            var statement: [String: JSONValue] = [
                "Effect": .string("Allow"), "Action": .string("lambda:*"), "Resource": .string("*"),
            ]
            let broken = ["Effect", "Action", "Resource", "Condition", "Sid"][Int(random.next() % 5)]
            statement[broken] = value(0)
            let document = JSONValue.object([
                "Statement": pick([.object(statement), .array([.object(statement)]), value(0)])
            ])
            do {
                _ = try decision(document.text)
                accepted += 1
            } catch let error as LambdaError {
                #expect(error.wire.message.hasPrefix("Malformed policy document: "), "seed \(seed)")
            }
        }
        #expect(accepted > 100, "seed \(seed)")
    }

    private struct Generator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }
    }

    @Test func `a resource's policy says whom it speaks of, and never nobody`() throws {
        func parsed(_ principal: String) throws -> AccessStatement.Principals? {
            let text =
                #"{"Statement": {"Sid": "a-b", "Effect": "Allow", \#(principal), "Action": "sqs:*", "Resource": "*"}}"#
            return try PolicyDocument.parse(Array(text.utf8), isOfResource: true).statements[0].principals
        }
        #expect(try parsed(#""Principal": "*""#) == .everybody)
        #expect(
            try parsed(#""Principal": {"AWS": ["111111111111", "*"]}"#) == .listed([.aws("111111111111"), .aws("*")])
        )
        #expect(
            try parsed(#""NotPrincipal": {"Service": "s3.amazonaws.com"}"#) == .allBut([.service("s3.amazonaws.com")])
        )
        for principal in [
            #""NotPrincipal": {}"#, #""Principal": {}"#, #""Principal": {"AWS": []}"#, #""Principal": "111111111111""#,
            #""Principal": {"Who": "*"}"#, #""Principal": "*", "NotPrincipal": "*""#, #""Version": "2012-10-17""#,
        ] {
            #expect(throws: LambdaError.self, "\(principal)") { try parsed(principal) }
        }
    }
}
