// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import LambdaModel
import Testing

/// Tags of functions and of code signing configurations.
struct TagTests {
    private let fixture: ControlPlaneFixture
    private let arn = "arn:aws:lambda:us-east-1:000000000000:function:f"

    init() throws { fixture = try ControlPlaneFixture() }

    private func tag(_ arn: String, _ tags: [String: String]) async throws {
        let body = JSONValue.object(["Tags": .object(tags.mapValues(JSONValue.string))]).bytes
        try await fixture.controlPlane.call(.tagResource, ["Resource": arn], body: body)
    }

    private func untag(_ arn: String, _ query: String) async throws {
        try await fixture.controlPlane.call(.untagResource, ["Resource": arn], query: query)
    }

    private func tags(_ arn: String) async throws -> [String: String]? {
        let answer = try await fixture.controlPlane.call(.listTags, ["Resource": arn])
        return answer["Tags"]?.object?.compactMapValues(\.string)
    }

    @Test func `tags come and go, of a function that is Pending too`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f", ["Tags": .object(["a": .string("1")])])
        let before = try await fixture.show("f")
        #expect(try await tags(arn) == ["a": "1"])
        try await tag(arn, ["a": "2", "b": "3"])
        #expect(try await tags(arn) == ["a": "2", "b": "3"])
        try await untag(arn, "tagKeys=a&tagKeys=absent")
        #expect(try await tags(arn) == ["b": "3"])
        try await untag(arn, "tagKeys=b")
        #expect(try await tags(arn) == [:])
        #expect(try await fixture.show("f") == before)
        #expect(fixture.retired.isEmpty)
    }

    @Test func `what can't be tagged is refused in AWS's words`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let absent = "arn:aws:lambda:us-east-1:000000000000:function:g"
        for call in [{ try await tag(absent, ["a": "1"]) }, { try await untag(absent, "tagKeys=a") }] {
            #expect(try await refusal(call) == .resourceNotFound(message: "Function not found: \(absent)"))
        }
        #expect(
            try await refusal { try await tags(absent) } == .resourceNotFound(message: "Function not found: \(absent)")
        )
        for qualifier in ["$LATEST", "1", "live"] {
            #expect(
                try await refusal { try await tag("\(arn):\(qualifier)", ["a": "1"]) }
                    == .invalidParameterValue(
                        message: "Tags on function aliases and versions are not supported. Please specify a function "
                            + "ARN."
                    )
            )
        }
        #expect(
            try await refusal { try await tag(arn, [:]) }
                == .invalidParameterValue(message: "An error occurred and the request cannot be processed.")
        )
        #expect(
            try await refusal { try await untag(arn, "") }
                == .validation(
                    message: "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: "
                        + "Member must not be null"
                )
        )
        #expect(
            try await refusal { try await tags("arn:aws:lambda:eu-west-1:000000000000:function:f") }
                == .resourceNotFound(
                    message: "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"
                )
        )
        guard
            case .accessDenied? = try await refusal({
                try await tags(arn.replacing("000000000000", with: "111111111111"))
            })
        else {
            Issue.record("another account's function has been read")
            return
        }
    }

    @Test func `there are 50 tags at most, those that are there among them`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let tooMany = LambdaError.invalidParameterValue(message: "Number of tags exceeds resource tag limit.")
        func numbered(_ range: Range<Int>) -> [String: String] {
            Dictionary(uniqueKeysWithValues: range.map { ("\($0)_key", "\($0)_value") })
        }
        #expect(try await refusal { try await tag(arn, numbered(0..<51)) } == tooMany)
        try await tag(arn, numbered(0..<50))
        try await tag(arn, ["0_key": "other"])
        #expect(try await refusal { try await tag(arn, ["one": "more"]) } == tooMany)
        #expect(try await tags(arn)?.count == 50)
    }

    @Test func `tags of a code signing configuration go with it`() async throws {
        defer { try? fixture.remove() }
        let made = try await fixture.codeSigningConfig("Warn", ["Tags": .object(["team": .string("birds")])])
        #expect(try await tags(made) == ["team": "birds"])
        try await tag(made, ["a": "1"])
        try await untag(made, "tagKeys=team")
        #expect(try await tags(made) == ["a": "1"])
        try await fixture.controlPlane.call(.deleteCodeSigningConfig, ["CodeSigningConfigArn": made])
        #expect(
            try await refusal { try await tags(made) }
                == .untypedResourceNotFound(message: "The Lambda code signing configuration \(made) can not be found.")
        )
    }

    @Test func `tags of an event source mapping are those that it was made with`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let creation = JSONValue.object([
            "FunctionName": .string("f"), "EventSourceArn": .string("arn:aws:sqs:us-east-1:000000000000:q"),
            "Tags": .object(["team": .string("birds")]),
        ])
        let made = try await fixture.controlPlane.call(.createEventSourceMapping, body: creation.bytes)
        let mapping = try #require(made["EventSourceMappingArn"]?.string)
        #expect(try await tags(mapping) == ["team": "birds"])
        try await tag(mapping, ["a": "1"])
        try await untag(mapping, "tagKeys=team")
        #expect(try await tags(mapping) == ["a": "1"])
    }

    @Test func `what is not there says so`() async throws {
        defer { try? fixture.remove() }
        let mapping = "arn:aws:lambda:us-east-1:000000000000:event-source-mapping:00000000-0000-0000-0000-000000000000"
        #expect(
            try await refusal { try await tags(mapping) }
                == .resourceNotFound(message: "Event source mapping not found: \(mapping)")
        )
        let provider = "arn:aws:lambda:us-east-1:000000000000:capacity-provider:p"
        guard case .unknownOperation? = try await refusal({ try await tags(provider) }) else {
            Issue.record("a capacity provider has tags")
            return
        }
    }
}

extension ControlPlaneFixture {
    /// Makes a code signing configuration; its ARN.
    func codeSigningConfig(_ policy: String, _ extra: [String: JSONValue] = [:]) async throws -> String {
        let members: [String: JSONValue] = [
            "AllowedPublishers": .object([
                "SigningProfileVersionArns": .array([
                    .string("arn:aws:signer:us-east-1:000000000000:/signing-profiles/test")
                ])
            ]), "CodeSigningPolicies": .object(["UntrustedArtifactOnDeployment": .string(policy)]),
        ]
        let body = JSONValue.object(members.merging(extra) { $1 }).bytes
        let answer = try await controlPlane.call(.createCodeSigningConfig, body: body)
        return answer["CodeSigningConfig"]?["CodeSigningConfigArn"]?.string ?? ""
    }
}
