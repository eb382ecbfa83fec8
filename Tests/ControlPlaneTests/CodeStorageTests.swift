// SPDX-License-Identifier: Apache-2.0
import AWSWire
import CodeStore
import ControlPlane
import LambdaModel
import Testing

/// What an account's code may come to in a region.
struct CodeStorageTests {
    private let caller = ControlPlaneFixture.caller
    private let echo = Base64.decode(SampleCode.echo)?.count ?? 0
    private let two = Base64.decode(SampleCode.two)?.count ?? 0
    private let exceeded = LambdaError.codeStorageExceeded(message: "Code storage limit exceeded.")

    private func used(_ fixture: ControlPlaneFixture, _ caller: Caller) async throws -> Int? {
        try await fixture.controlPlane.call(.getAccountSettings, caller: caller)["AccountUsage"]?["TotalCodeSize"]?
            .integer
    }

    @Test func `what brings more than there may be is refused, and leaves nothing`() async throws {
        let fixture = try ControlPlaneFixture(storedCodeBytesMax: 2 * echo + two)
        defer { try? fixture.remove() }
        let plane = fixture.controlPlane
        let limit = try await plane.call(.getAccountSettings)["AccountLimit"]
        #expect(limit?["TotalCodeSize"] == .integer(2 * echo + two))
        try await fixture.create("f", ["Publish": .bool(true)])
        _ = try await fixture.activating { try await fixture.settled("f") }
        #expect(try await used(fixture, caller) == 2 * echo)
        let layer = JSONValue.object(["Content": .object(["ZipFile": .string(SampleCode.two)])]).bytes
        try await plane.publishLayerVersion("l", layer, origin: "", caller: caller)
        let full = 2 * echo + two
        #expect(try await used(fixture, caller) == full)
        let objects = try await fixture.code.objectIDs().count

        #expect(try await refusal { try await fixture.create("g") } == exceeded)
        #expect(
            try await refusal { try await plane.publishLayerVersion("l", layer, origin: "", caller: caller) }
                == exceeded
        )
        let other = JSONValue.object(["ZipFile": .string(SampleCode.two), "Publish": .bool(true)]).bytes
        #expect(try await refusal { try await plane.updateFunctionCode("f", other, caller: caller) } == exceeded)
        let timeout = JSONValue.object(["Timeout": .integer(9)]).bytes
        _ = try await plane.updateFunctionConfiguration("f", timeout, caller: caller)
        _ = try await fixture.activating { try await fixture.settled("f") }
        #expect(try await refusal { try await plane.call(.publishVersion, ["FunctionName": "f"]) } == exceeded)
        #expect(try await used(fixture, caller) == full)
        #expect(try await fixture.code.objectIDs().count == objects)
        let versions = try await plane.call(.listVersionsByFunction, ["FunctionName": "f"])["Versions"]?.array
        #expect(versions?.count == 2)

        // Other regions have their own, and what takes no more room is allowed.
        let elsewhere = Caller(accountID: caller.accountID, region: "eu-west-1")
        _ = try await plane.createFunction(ControlPlaneFixture.creation("f"), caller: elsewhere)
        let smaller = JSONValue.object(["ZipFile": .string(SampleCode.two)]).bytes
        #expect(two <= echo)
        _ = try await plane.updateFunctionCode("f", smaller, caller: caller)
        #expect(try await used(fixture, caller) == echo + 2 * two)
    }

    @Test func `what was deleted makes room at once`() async throws {
        let fixture = try ControlPlaneFixture(storedCodeBytesMax: 2 * echo)
        defer { try? fixture.remove() }
        let plane = fixture.controlPlane
        try await fixture.create("f", ["Publish": .bool(true)])
        #expect(try await refusal { try await fixture.create("g") } == exceeded)
        try await plane.deleteFunction("f", qualifier: "1", caller: caller)
        #expect(try await used(fixture, caller) == echo)
        try await fixture.create("g")
        try await plane.deleteFunction("f", qualifier: nil, caller: caller)
        try await plane.deleteFunction("g", qualifier: nil, caller: caller)
        #expect(try await used(fixture, caller) == 0)
    }
}
