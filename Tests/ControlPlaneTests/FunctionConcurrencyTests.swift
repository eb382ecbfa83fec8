// SPDX-License-Identifier: Apache-2.0
import AWSWire
import CodeStore
import LambdaModel
import MetadataStore
import Testing

@testable import ControlPlane

/// Reserved concurrency, and what an account uses.
struct FunctionConcurrencyTests {
    private let fixture: ControlPlaneFixture
    private let arn = "arn:aws:lambda:us-east-1:000000000000:function:f"
    private let beyond = LambdaError.invalidParameterValue(
        message: "Specified ReservedConcurrentExecutions for function decreases account's "
            + "UnreservedConcurrentExecution below its minimum value of [100]."
    )

    init() throws { fixture = try ControlPlaneFixture() }

    private var plane: ControlPlane { fixture.controlPlane }

    @discardableResult
    private func put(_ name: String, _ executions: Int) async throws -> JSONValue {
        try await plane.call(
            .putFunctionConcurrency,
            ["FunctionName": name],
            body: JSONValue.object(["ReservedConcurrentExecutions": .integer(executions)]).bytes
        )
    }

    private func get(_ name: String) async throws -> JSONValue {
        try await plane.call(.getFunctionConcurrency, ["FunctionName": name])
    }

    private func unreserved() async throws -> JSONValue? {
        try await plane.call(.getAccountSettings)["AccountLimit"]?["UnreservedConcurrentExecutions"]
    }

    @Test func `a reservation is shown, in force at once, and gone with its function`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        #expect(try await get("f") == .object([:]))
        for executions in [0, 1] {
            #expect(try await put("f", executions) == .object(["ReservedConcurrentExecutions": .integer(executions)]))
            #expect(fixture.reserved == ["f": executions])
        }
        #expect(try await get("f") == .object(["ReservedConcurrentExecutions": .integer(1)]))
        let shown = try await plane.getFunction("f", qualifier: nil, origin: "", caller: ControlPlaneFixture.caller)
        #expect(shown["Concurrency"] == .object(["ReservedConcurrentExecutions": .integer(1)]))
        try await plane.call(.deleteFunctionConcurrency, ["FunctionName": "f"])
        #expect(try await get("f") == .object([:]))
        #expect(fixture.reserved.isEmpty)
        try await plane.call(.deleteFunctionConcurrency, ["FunctionName": "f"])
        try await put("f", 3)
        try await plane.deleteFunction("f", qualifier: nil, caller: ControlPlaneFixture.caller)
        #expect(fixture.reserved.isEmpty)
        #expect(try await unreserved() == .integer(1_000))
    }

    /// In the place of a reservation, and none.
    private struct Damaged: FunctionDocument {
        static let kind = ReservedConcurrency.kind
        var text = "damaged"
    }

    @Test func `a deletion leaves nothing behind where reservations can't be read afterwards`() async throws {
        defer { try? fixture.remove() }
        for name in ["f", "g"] { try await fixture.create(name) }
        let other = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "g")
        try await fixture.metadata.change { transaction in try transaction.put(Damaged(), of: other) }
        await #expect(throws: MetadataStoreError.self) {
            try await plane.deleteFunction("f", qualifier: nil, caller: ControlPlaneFixture.caller)
        }
        #expect(fixture.retired == ["f all"])
        fixture.advance(by: CodeCollector.grace)
        await plane.collector.deleteDue()
        #expect(try await fixture.code.objectIDs().count == 1)
    }

    @Test func `100 stay unreserved`() async throws {
        defer { try? fixture.remove() }
        for name in ["f", "g"] { try await fixture.create(name) }
        #expect(try await refusal { try await put("f", 901) } == beyond)
        #expect(try await refusal { try await put("f", Int.max) } == beyond)
        try await put("f", 900)
        #expect(try await unreserved() == .integer(100))
        #expect(try await refusal { try await put("g", 1) } == beyond)
        // Nothing is taken from the others.
        try await put("g", 0)
        try await put("f", 899)
        try await put("g", 1)
        #expect(fixture.reserved == ["f": 899, "g": 1])
    }

    @Test func `refusals have AWS's texts`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let absent = "arn:aws:lambda:us-east-1:000000000000:function:g"
        for executions in [1, 5_000] {
            #expect(
                try await refusal { try await put("g", executions) }
                    == .resourceNotFound(message: "Function not found: \(absent):$LATEST")
            )
        }
        #expect(try await refusal { try await get("g") } == .resourceNotFound(message: "Function not found: \(absent)"))
        #expect(
            try await refusal { try await put("\(arn):1", 1) }
                == .invalidParameterValue(
                    message: "This operation is permitted on Lambda functions only. Aliases and versions do not "
                        + "support this operation. Please specify either a function name or an unqualified function "
                        + "ARN."
                )
        )
        guard case .validation? = try await refusal({ try await put("f", -1) }) else {
            Issue.record("a negative number was taken")
            return
        }
    }

    @Test func `many who reserve at once leave what is stored in force`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for executions in 0..<40 { group.addTask { try await put("f", executions) } }
            try await group.waitForAll()
        }
        #expect(try await get("f")["ReservedConcurrentExecutions"]?.integer == fixture.reserved["f"])
    }

    @Test func `an account's settings count its functions and their code`() async throws {
        defer { try? fixture.remove() }
        let empty = try await plane.call(.getAccountSettings)
        #expect(
            empty["AccountLimit"]
                == .object([
                    "TotalCodeSize": .integer(80_530_636_800), "CodeSizeUnzipped": .integer(262_144_000),
                    "CodeSizeZipped": .integer(52_428_800), "ConcurrentExecutions": .integer(1_000),
                    "UnreservedConcurrentExecutions": .integer(1_000),
                ])
        )
        #expect(empty["AccountUsage"] == .object(["TotalCodeSize": .integer(0), "FunctionCount": .integer(0)]))
        let made = try await fixture.create("f")
        let usage = try await plane.call(.getAccountSettings)["AccountUsage"]
        #expect(usage?["FunctionCount"] == .integer(1) && usage?["TotalCodeSize"] == made["CodeSize"])
        let elsewhere = Caller(accountID: ControlPlaneFixture.caller.accountID, region: "eu-west-1")
        let other = try await plane.call(.getAccountSettings, caller: elsewhere)
        #expect(other["AccountUsage"]?["FunctionCount"] == .integer(0))
    }
}
