// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import LambdaModel
import MetadataStore
import Testing

/// SnapStart: from a version's making to its snapshot, or the reason why it has none.
struct SnapStartTests {
    private let fixture: ControlPlaneFixture
    private let on: [String: JSONValue] = ["SnapStart": .object(["ApplyOn": .string("PublishedVersions")])]

    init() throws { fixture = try ControlPlaneFixture() }

    private func publish() async throws -> JSONValue {
        try await fixture.controlPlane.call(.publishVersion, ["FunctionName": "f"])
    }

    private func settledVersion() async throws -> JSONValue {
        for _ in 0..<24_000 {
            let shown = try await fixture.show("f", qualifier: "1")
            if shown["State"] != .string("Pending") { return shown }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw LambdaError.service(message: "the version was not settled in two minutes")
    }

    private func invocable(_ version: String) async throws -> FunctionConfiguration {
        let caller = ControlPlaneFixture.caller
        let key = FunctionKey(accountID: caller.accountID, region: caller.region, name: "f")
        return try await fixture.controlPlane.invocable(key, qualifier: version)
    }

    @Test func `a version is Pending until it has its snapshot`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f", on)
        let latest = try await fixture.activating { try await fixture.settled("f") }
        #expect(latest["SnapStart"]?["OptimizationStatus"] == .string("Off"))
        let published = try await publish()
        #expect(published["State"] == .string("Pending"))
        #expect(published["SnapStart"]?["OptimizationStatus"] == .string("Off"))
        #expect(try await refusal { try await invocable("1") } == .snapStartNotReady)
        let version = try await fixture.activating { try await settledVersion() }
        #expect(version["State"] == .string("Active"))
        #expect(version["SnapStart"]?["OptimizationStatus"] == .string("On"))
        #expect(try await invocable("1").isSnapStartOptimized)
        #expect(try await fixture.metadata.optimizedVersions(limit: 16).map(\.version) == ["1"])
        #expect(try await publish()["Version"] == .string("1"), "the same again is the same version")
        #expect(try await !invocable("$LATEST").isSnapStartOptimized)
    }

    @Test func `one that can have none is Active without`() async throws {
        defer { try? fixture.remove() }
        fixture.answerSnapshot(.noSnapshot(reason: "it has started threads"))
        try await fixture.create("f", on)
        _ = try await fixture.activating { try await fixture.settled("f") }
        _ = try await publish()
        let version = try await fixture.activating { try await settledVersion() }
        #expect(version["State"] == .string("Active"))
        #expect(version["SnapStart"]?["OptimizationStatus"] == .string("Off"))
        #expect(try await fixture.metadata.optimizedVersions(limit: 16).isEmpty)
    }

    @Test func `one whose initialisation fails is Failed`() async throws {
        defer { try? fixture.remove() }
        fixture.answerSnapshot(.failed(FailureReason(code: "FunctionError", message: "no")))
        try await fixture.create("f", on)
        _ = try await fixture.activating { try await fixture.settled("f") }
        _ = try await publish()
        let version = try await fixture.activating { try await settledVersion() }
        #expect(version["State"] == .string("Failed"))
        #expect(version["StateReasonCode"] == .string("FunctionError") && version["StateReason"] == .string("no"))
        #expect(try await refusal { try await invocable("1") } != nil)
    }

    @Test func `a larger storage than AWS has snapshots of is refused`() async throws {
        let fixture = try ControlPlaneFixture(limits: .current)
        defer { try? fixture.remove() }
        let storage: [String: JSONValue] = ["EphemeralStorage": .object(["Size": .number("1024")])]
        let error = try await refusal { try await fixture.create("f", on.merging(storage) { $1 }) }
        let message = "SnapStart does not support an ephemeral storage of more than 512 MB."
        #expect(error == .invalidParameterValue(message: message))
        #expect(try await refusal { try await fixture.create("f", storage) } == nil)
    }
}
