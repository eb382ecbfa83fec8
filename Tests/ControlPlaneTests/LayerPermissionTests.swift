// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import InvocationCore
import LambdaModel
import Testing

private let arn = "arn:aws:lambda:us-east-1:000000000000:layer:l:1"
private let labels = ["LayerName": "l", "VersionNumber": "1"]

@Suite(.timeLimit(.minutes(10)))
struct LayerPermissionTests {
    private func permission(_ sid: String, _ extra: [String: JSONValue] = [:]) -> [UInt8] {
        var members: [String: JSONValue] = [
            "StatementId": .string(sid), "Action": .string("lambda:GetLayerVersion"), "Principal": .string("*"),
        ]
        members.merge(extra) { _, new in new }
        return JSONValue.object(members).bytes
    }

    private func withLayer(_ test: (ControlPlane) async throws -> Void) async throws {
        let fixture = try ControlPlaneFixture()
        defer { try? fixture.remove() }
        try await publish(fixture.controlPlane)
        try await test(fixture.controlPlane)
    }

    private func publish(_ plane: ControlPlane) async throws {
        let body = JSONValue.object(["Content": .object(["ZipFile": .string(SampleCode.echo)])])
        try await plane.publishLayerVersion("l", body.bytes, origin: "http://h", caller: ControlPlaneFixture.caller)
    }

    @Test func `a layer version's policy is written, shown and taken apart again`() async throws {
        try await withLayer { plane async throws in
            let answer = try await plane.call(.addLayerVersionPermission, labels, body: permission("s1"))
            let statement =
                #"{"Sid":"s1","Effect":"Allow","Principal":"*","Action":"lambda:GetLayerVersion","Resource":"\#(arn)"}"#
            #expect(answer["Statement"] == .string(statement))
            let shown = try await plane.call(.getLayerVersionPolicy, labels)
            #expect(
                shown["Policy"] == .string(#"{"Version":"2012-10-17","Id":"default","Statement":[\#(statement)]}"#)
            )
            #expect(shown["RevisionId"] == answer["RevisionId"])
            let second = try await plane.call(
                .addLayerVersionPermission,
                labels,
                query: "RevisionId=\(answer["RevisionId"]?.string ?? "")",
                body: permission("s2", ["OrganizationId": .string("o-1234567890")])
            )
            #expect(
                second["Statement"]?.string?
                    .hasSuffix(#""Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1234567890"}}}"#) == true
            )
            for sid in ["s1", "s2"] {
                try await plane.call(.removeLayerVersionPermission, labels.merging(["StatementId": sid]) { $1 })
            }
            #expect(
                try await refusal { try await plane.call(.getLayerVersionPolicy, labels) }
                    == .resourceNotFound(message: "No policy is associated with the given resource.")
            )
        }
    }

    @Test func `what is refused`() async throws {
        try await withLayer { plane async throws in
            func refused(
                _ operation: LambdaOperation,
                _ extra: [String: String] = [:],
                query: String = "",
                body: [UInt8] = []
            ) async throws -> LambdaError? {
                try await refusal {
                    try await plane.call(operation, labels.merging(extra) { $1 }, query: query, body: body)
                }
            }
            let stale = LambdaError.preconditionFailed(
                message: "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API "
                    + "to retrieve the latest Revision Id"
            )
            try await plane.call(.addLayerVersionPermission, labels, body: permission("s1"))
            #expect(
                try await refused(.addLayerVersionPermission, body: permission("s1"))
                    == .resourceConflict(
                        message: "The statement id (s1) provided already exists. Please provide a new statement id, or "
                            + "remove the existing statement."
                    )
            )
            #expect(
                try await refused(.addLayerVersionPermission, query: "RevisionId=wrong", body: permission("s2"))
                    == stale
            )
            #expect(
                try await refused(.removeLayerVersionPermission, ["StatementId": "s1"], query: "RevisionId=wrong")
                    == stale
            )
            #expect(
                try await refused(.removeLayerVersionPermission, ["StatementId": "other"])
                    == .resourceNotFound(message: "Statement other is not found in resource policy.")
            )
            let absent = LambdaError.resourceNotFound(message: "Layer version \(arn.dropLast())2 does not exist.")
            let second = ["VersionNumber": "2"]
            #expect(try await refused(.addLayerVersionPermission, second, body: permission("s")) == absent)
            #expect(try await refused(.getLayerVersionPolicy, second) == absent)
            #expect(
                try await refused(.removeLayerVersionPermission, second.merging(["StatementId": "s1"]) { $1 }) == absent
            )
            #expect(
                try await refused(
                    .addLayerVersionPermission,
                    body: permission(
                        "s",
                        ["Principal": .string("111111111111"), "OrganizationId": .string("o-1234567890")]
                    )
                ) == .invalidParameterValue(message: "OrganizationId is only supported with * as the principal.")
            )
        }
    }

    @Test func `a policy goes with its layer version`() async throws {
        try await withLayer { plane async throws in
            let key = LayerKey(accountID: "000000000000", region: "us-east-1", name: "l")
            try await plane.call(.addLayerVersionPermission, labels, body: permission("s1"))
            let other = AccessIdentity.root(of: "111111111111")
            let request = AccessRequest(principal: .identity(other), action: "lambda:GetLayerVersion", resource: arn)
            #expect(try await plane.resourcePolicy(of: key, number: 1).decision(on: request) == .allow)
            try await plane.call(.deleteLayerVersion, labels)
            #expect(try await plane.resourcePolicy(of: key, number: 1).statements.isEmpty)
        }
    }
}
