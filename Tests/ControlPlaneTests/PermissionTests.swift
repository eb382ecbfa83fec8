// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import InvocationCore
import LambdaModel
import Testing

private let arn = "arn:aws:lambda:us-east-1:000000000000:function:f"
private let key = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")

@Suite(.timeLimit(.minutes(10)))
struct PermissionTests {
    private func permission(_ sid: String, _ extra: [String: JSONValue] = [:]) -> [UInt8] {
        var members: [String: JSONValue] = [
            "StatementId": .string(sid), "Action": .string("lambda:InvokeFunction"),
            "Principal": .string("s3.amazonaws.com"),
        ]
        members.merge(extra) { _, new in new }
        return JSONValue.object(members).bytes
    }

    /// Runs `test` with the function `f`, which is active.
    private func withFunction(
        _ test: @Sendable @escaping (ControlPlaneFixture, ControlPlane) async throws -> Void
    ) async throws {
        let fixture = try ControlPlaneFixture()
        defer { try? fixture.remove() }
        try await fixture.activating {
            try await fixture.create("f")
            _ = try await fixture.settled("f")
            try await test(fixture, fixture.controlPlane)
        }
    }

    @Test func `a statement is answered and shown as AWS writes it`() async throws {
        try await withFunction { _, plane async throws in
            let answer = try await plane.call(
                .addPermission,
                ["FunctionName": "f"],
                body: permission(
                    "all",
                    [
                        "Action": .string("lambda:InvokeFunctionUrl"), "Principal": .string("*"),
                        "SourceArn": .string("arn:aws:s3:::b"), "SourceAccount": .string("111111111111"),
                        "PrincipalOrgID": .string("o-1234567890"), "FunctionUrlAuthType": .string("NONE"),
                        "EventSourceToken": .string("t"),
                    ]
                )
            )
            let statement =
                #"{"Sid":"all","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunctionUrl","#
                + #""Resource":"\#(arn)","Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE","#
                + #""aws:PrincipalOrgID":"o-1234567890","AWS:SourceAccount":"111111111111","#
                + #""lambda:EventSourceToken":"t"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"}}}"#
            #expect(answer["Statement"] == .string(statement))
            let policy = try await plane.call(.getPolicy, ["FunctionName": "f"])
            #expect(
                policy["Policy"]
                    == .string(#"{"Version":"2012-10-17","Id":"default","Statement":[\#(statement)]}"#)
            )
        }
    }

    @Test func `an account is shown as its root`() async throws {
        try await withFunction { _, plane async throws in
            let answer = try await plane.call(
                .addPermission,
                ["FunctionName": "f"],
                body: permission(
                    "a",
                    ["Principal": .string("111111111111"), "InvokedViaFunctionUrl": .bool(true)]
                )
            )
            #expect(
                answer["Statement"]
                    == .string(
                        #"{"Sid":"a","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"#
                            + #""Action":"lambda:InvokeFunction","Resource":"\#(arn)","#
                            + #""Condition":{"Bool":{"lambda:InvokedViaFunctionUrl":"true"}}}"#
                    )
            )
        }
    }

    @Test func `a version and an alias have policies of their own, which go with them`() async throws {
        try await withFunction { fixture, plane async throws in
            try await plane.call(.publishVersion, ["FunctionName": "f"])
            let alias = JSONValue.object(["Name": .string("live"), "FunctionVersion": .string("1")])
            try await plane.call(.createAlias, ["FunctionName": "f"], body: alias.bytes)
            for qualifier in ["1", "live"] {
                let answer = try await plane.call(
                    .addPermission,
                    ["FunctionName": "f"],
                    query: "Qualifier=\(qualifier)",
                    body: permission("s")
                )
                #expect(answer["Statement"]?.string?.contains(#""Resource":"\#(arn):\#(qualifier)""#) == true)
            }
            let missing = LambdaError.resourceNotFound(message: "The resource you requested does not exist.")
            #expect(try await refusal { try await plane.call(.getPolicy, ["FunctionName": "f"]) } == missing)
            #expect(try await plane.call(.getPolicy, ["FunctionName": "f:1"])["Policy"] != nil)
            try await plane.call(.deleteAlias, ["FunctionName": "f", "Name": "live"])
            #expect(try await refusal { try await plane.call(.getPolicy, ["FunctionName": "f:live"]) } == missing)
            try await plane.call(.createAlias, ["FunctionName": "f"], body: alias.bytes)
            #expect(try await refusal { try await plane.call(.getPolicy, ["FunctionName": "f:live"]) } == missing)
        }
    }

    @Test func `a policy's revision is that of what it belongs to, and changes it`() async throws {
        try await withFunction { fixture, plane async throws in
            let before = try await fixture.show("f")["RevisionId"]?.string ?? ""
            let stale = LambdaError.preconditionFailed(
                message: "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to "
                    + "retrieve the latest Revision Id"
            )
            let wrong = permission("s", ["RevisionId": .string("wrong")])
            #expect(
                try await refusal { try await plane.call(.addPermission, ["FunctionName": "f"], body: wrong) } == stale
            )
            try await plane.call(
                .addPermission,
                ["FunctionName": "f"],
                body: permission("s", ["RevisionId": .string(before)])
            )
            let revision = try await plane.call(.getPolicy, ["FunctionName": "f"])["RevisionId"]?.string ?? ""
            #expect(revision != before)
            #expect(try await fixture.show("f")["RevisionId"] == .string(revision))
            let labels = ["FunctionName": "f", "StatementId": "s"]
            #expect(
                try await refusal {
                    try await plane.call(.removePermission, labels, query: "RevisionId=\(before)")
                } == stale
            )
            try await plane.call(.removePermission, labels, query: "RevisionId=\(revision)")
            #expect(try await fixture.show("f")["RevisionId"] != .string(revision))
        }
    }

    @Test(arguments: [
        ("absent", "", LambdaError.resourceNotFound(message: "Function not found: \(arn.dropLast())absent")),
        ("f", "42", .resourceNotFound(message: "Function not found: \(arn):42")),
        ("f", "valid-with-$", .resourceNotFound(message: "Function not found: \(arn):valid-with-$")),
        ("f", "nobody", .resourceNotFound(message: "Cannot find alias arn: \(arn):nobody")),
        ("f", "$LATEST", .invalidParameterValue(message: "We currently do not support adding policies for $LATEST.")),
        ("f:$LATEST", "", .invalidParameterValue(message: "We currently do not support adding policies for $LATEST.")),
        (
            "f:live", "other",
            .invalidParameterValue(
                message: "The derived qualifier from the function name does not match the specified qualifier."
            )
        ),
    ])
    func `where nothing can be added`(name: String, qualifier: String, error: LambdaError) async throws {
        try await withFunction { _, plane async throws in
            let query = qualifier.isEmpty ? "" : "Qualifier=\(qualifier)"
            let refused = try await refusal {
                try await plane.call(.addPermission, ["FunctionName": name], query: query, body: permission("s"))
            }
            #expect(refused == error)
        }
    }

    @Test func `what can't be added`() async throws {
        try await withFunction { _, plane async throws in
            func refused(_ extra: [String: JSONValue]) async throws -> LambdaError? {
                try await refusal {
                    try await plane.call(.addPermission, ["FunctionName": "f"], body: permission("s", extra))
                }
            }
            #expect(
                try await refused(["Principal": .string("invalid.nonaws.com")])
                    == .invalidParameterValue(
                        message: "The provided principal was invalid. Please check the principal and try again."
                    )
            )
            #expect(
                try await refused(["FunctionUrlAuthType": .string("NONE")])
                    == .invalidParameterValue(
                        message: "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action"
                    )
            )
            #expect(try await refused([:]) == nil)
            #expect(
                try await refused([:])
                    == .resourceConflict(
                        message: "The statement id (s) provided already exists. Please provide a new statement id, or "
                            + "remove the existing statement."
                    )
            )
        }
    }

    @Test func `a policy ends at 20 KB`() async throws {
        try await withFunction { _, plane async throws in
            var error: LambdaError?
            var count = 0
            while error == nil, count < 200 {
                let sid = "statement-\(count)"
                error = try await refusal {
                    try await plane.call(.addPermission, ["FunctionName": "f"], body: permission(sid))
                }
                count += 1
            }
            let policy = try await plane.call(.getPolicy, ["FunctionName": "f"])["Policy"]?.string ?? ""
            #expect((20_000...20_480).contains(policy.utf8.count))
            guard case .policyLengthExceeded(let message) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(message.hasSuffix(" is bigger than the limit (20480)."))
            #expect(error?.wire.name == "PolicyLengthExceededException")
        }
    }

    @Test func `what can't be removed`() async throws {
        try await withFunction { _, plane async throws in
            func refused(_ name: String, _ sid: String) async throws -> String? {
                try await refusal {
                    try await plane.call(.removePermission, ["FunctionName": name, "StatementId": sid])
                }?.wire.message
            }
            #expect(try await refused("f", "s") == "No policy is associated with the given resource.")
            #expect(try await refused("absent", "s") == "No policy found for: \(arn.dropLast())absent")
            #expect(try await refused("f:nobody", "s") == "Cannot find alias arn: \(arn):nobody")
            try await plane.call(.addPermission, ["FunctionName": "f"], body: permission("s"))
            #expect(try await refused("f", "other") == "Statement other is not found in resource policy.")
            #expect(try await refused("f", "s") == nil)
            #expect(try await refused("f", "s") == "No policy is associated with the given resource.")
        }
    }

    @Test func `a stored policy decides`() async throws {
        try await withFunction { _, plane async throws in
            try await plane.call(.addPermission, ["FunctionName": "f"], body: permission("s"))
            let service = AccessPrincipal.service("s3.amazonaws.com")
            let request = AccessRequest(principal: service, action: "lambda:InvokeFunction", resource: arn)
            for qualifier in [nil, "$LATEST"] {
                let policy = try await plane.resourcePolicy(of: key, qualifier: qualifier)
                #expect(policy.decision(on: request) == .allow)
            }
            #expect(try await plane.resourcePolicy(of: key, qualifier: "1").statements.isEmpty)
        }
    }

    @Test func `adding and removing does not stop a function from settling`() async throws {
        let fixture = try ControlPlaneFixture()
        defer { try? fixture.remove() }
        try await fixture.create("f")
        try await fixture.controlPlane.call(.addPermission, ["FunctionName": "f"], body: permission("s"))
        let state = try await fixture.activating { try await fixture.settled("f")["State"] }
        #expect(state == .string("Active"))
    }
}
