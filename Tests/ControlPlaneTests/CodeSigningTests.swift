// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import LambdaModel
import Testing

/// Code signing configurations, and functions under them.
struct CodeSigningTests {
    private let fixture: ControlPlaneFixture
    private let caller = ControlPlaneFixture.caller
    private let arn = "arn:aws:lambda:us-east-1:000000000000:function:f"
    private let absent = "arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-00000000000000000"
    private let unsigned = LambdaError.codeVerificationFailed(
        message: "Lambda cannot deploy the function. The function or layer might be signed using a signature that the "
            + "client is not configured to accept. Check the provided signature for f."
    )

    init() throws { fixture = try ControlPlaneFixture() }

    private var plane: ControlPlane { fixture.controlPlane }

    private func attach(_ config: String, to name: String = "f") async throws -> JSONValue {
        try await plane.call(
            .putFunctionCodeSigningConfig,
            ["FunctionName": name],
            body: JSONValue.object(["CodeSigningConfigArn": .string(config)]).bytes
        )
    }

    private func setPolicy(_ config: String, _ policy: String) async throws -> JSONValue {
        let policies = JSONValue.object(["UntrustedArtifactOnDeployment": .string(policy)])
        return try await plane.call(
            .updateCodeSigningConfig,
            ["CodeSigningConfigArn": config],
            body: JSONValue.object(["CodeSigningPolicies": policies]).bytes
        )
    }

    private func update() async throws -> JSONValue {
        let body = JSONValue.object(["ZipFile": .string(SampleCode.two)]).bytes
        return try await plane.updateFunctionCode("f", body, caller: caller)
    }

    @Test func `a configuration is made, shown, changed, listed and deleted`() async throws {
        defer { try? fixture.remove() }
        let config = try await fixture.codeSigningConfig("Enforce", ["Description": .string("d")])
        let id = String(config.split(separator: ":").last ?? "")
        #expect(id.hasPrefix("csc-") && id.count == 21)
        let shown = try await plane.call(.getCodeSigningConfig, ["CodeSigningConfigArn": config])["CodeSigningConfig"]
        #expect(shown?["CodeSigningConfigId"] == .string(id) && shown?["Description"] == .string("d"))
        #expect(shown?["LastModified"] == .string("2025-11-24T23:12:27.000+0000"))
        #expect(shown?["CodeSigningPolicies"]?["UntrustedArtifactOnDeployment"] == .string("Enforce"))
        #expect(shown?["AllowedPublishers"]?["SigningProfileVersionArns"]?.array?.count == 1)
        let changed = try await setPolicy(config, "Warn")["CodeSigningConfig"]
        #expect(changed?["CodeSigningPolicies"]?["UntrustedArtifactOnDeployment"] == .string("Warn"))
        #expect(changed?["Description"] == .string("d") && changed?["AllowedPublishers"] == shown?["AllowedPublishers"])
        let others = [try await fixture.codeSigningConfig("Warn"), try await fixture.codeSigningConfig("Warn")]
        let first = try await plane.call(.listCodeSigningConfigs, query: "MaxItems=2")
        let marker = try #require(first["NextMarker"]?.string)
        let second = try await plane.call(.listCodeSigningConfigs, query: "MaxItems=2&Marker=\(marker)")
        let all = [first, second].flatMap { $0["CodeSigningConfigs"]?.array ?? [] }
        #expect(Set(all.compactMap { $0["CodeSigningConfigArn"]?.string }) == Set(others + [config]))
        #expect(second["NextMarker"] == nil)
        try await plane.call(.deleteCodeSigningConfig, ["CodeSigningConfigArn": config])
        for operation in [LambdaOperation.getCodeSigningConfig, .deleteCodeSigningConfig, .updateCodeSigningConfig] {
            #expect(
                try await refusal { try await plane.call(operation, ["CodeSigningConfigArn": config]) }
                    == .untypedResourceNotFound(
                        message: "The Lambda code signing configuration \(config) can not be found."
                    )
            )
        }
    }

    @Test func `a configuration that a function has is not deleted`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let config = try await fixture.codeSigningConfig("Warn")
        let attached = JSONValue.object(["CodeSigningConfigArn": .string(config), "FunctionName": .string("f")])
        #expect(try await plane.call(.getFunctionCodeSigningConfig, ["FunctionName": "f"]) == .object([:]))
        #expect(try await attach(config) == attached)
        #expect(try await plane.call(.getFunctionCodeSigningConfig, ["FunctionName": "f"]) == attached)
        let list = try await plane.call(.listFunctionsByCodeSigningConfig, ["CodeSigningConfigArn": config])
        #expect(list == .object(["FunctionArns": .array([.string(arn)])]))
        guard
            case .resourceConflict? = try await refusal({
                try await plane.call(.deleteCodeSigningConfig, ["CodeSigningConfigArn": config])
            })
        else {
            Issue.record("a configuration in use was deleted")
            return
        }
        try await plane.call(.deleteFunctionCodeSigningConfig, ["FunctionName": "f"])
        try await plane.call(.deleteFunctionCodeSigningConfig, ["FunctionName": "f"])
        try await plane.call(.deleteCodeSigningConfig, ["CodeSigningConfigArn": config])
    }

    @Test func `who is not there is refused in AWS's words`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let config = try await fixture.codeSigningConfig("Warn")
        let noFunction = LambdaError.resourceNotFound(
            message: "Function not found: arn:aws:lambda:us-east-1:000000000000:function:g"
        )
        let noConfig = LambdaError.codeSigningConfigNotFound(
            message: "The code signing configuration cannot be found. Check that the provided configuration is not "
                + "deleted: \(absent)."
        )
        #expect(try await refusal { try await attach(config, to: "g") } == noFunction)
        #expect(try await refusal { try await attach(absent) } == noConfig)
        #expect(try await refusal { try await attach(absent, to: "g") } == noConfig)
        for operation in [LambdaOperation.getFunctionCodeSigningConfig, .deleteFunctionCodeSigningConfig] {
            #expect(try await refusal { try await plane.call(operation, ["FunctionName": "g"]) } == noFunction)
        }
        #expect(
            try await refusal { try await fixture.create("h", ["CodeSigningConfigArn": .string(absent)]) } == noConfig
        )
        let elsewhere = Caller(accountID: "111111111111", region: caller.region)
        #expect(
            try await refusal {
                try await plane.call(.getCodeSigningConfig, ["CodeSigningConfigArn": config], caller: elsewhere)
            }
                == .untypedResourceNotFound(
                    message: "The Lambda code signing configuration \(config) can not be found."
                )
        )
        #expect(noConfig.wire.status == 404 && noConfig.wire.messageKey == .upper && noConfig.wire.type == "User")
        #expect(unsigned.wire.status == 400 && unsigned.wire.name == "CodeVerificationFailedException")
    }

    @Test func `code without a signature is refused where signatures are enforced`() async throws {
        defer { try? fixture.remove() }
        let config = try await fixture.codeSigningConfig("Enforce")
        let signing: [String: JSONValue] = ["CodeSigningConfigArn": .string(config)]
        #expect(try await refusal { try await fixture.create("f", signing) } == unsigned)
        #expect(try await plane.call(.getAccountSettings)["AccountUsage"]?["FunctionCount"] == .integer(0))
        _ = try await setPolicy(config, "Warn")
        try await fixture.activating {
            try await fixture.create("f", signing)
            _ = try await fixture.settled("f")
            _ = try await update()
            _ = try await fixture.settled("f")
            _ = try await setPolicy(config, "Enforce")
            // What is there goes on; what is new is refused.
            #expect(try await refusal { try await update() } == unsigned)
            let layer = JSONValue.object(["Content": .object(["ZipFile": .string(SampleCode.two)])]).bytes
            let made = try await plane.publishLayerVersion("l", layer, origin: "", caller: caller)
            let layers = JSONValue.object(["Layers": .array([try #require(made["LayerVersionArn"])])]).bytes
            #expect(
                try await refusal { try await plane.updateFunctionConfiguration("f", layers, caller: caller) }
                    == unsigned
            )
            let timeout = JSONValue.object(["Timeout": .integer(9)]).bytes
            _ = try await plane.updateFunctionConfiguration("f", timeout, caller: caller)
            _ = try await fixture.settled("f")
            try await plane.call(.deleteFunctionCodeSigningConfig, ["FunctionName": "f"])
            _ = try await update()
        }
    }
}
