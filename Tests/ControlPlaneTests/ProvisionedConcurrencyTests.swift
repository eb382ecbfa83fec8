// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import InvocationCore
import LambdaModel
import Testing

/// Provisioned concurrency: what may be asked for, what is shown, what is in force, and what it goes with.
struct ProvisionedConcurrencyTests {
    private let fixture: ControlPlaneFixture
    private let arn = "arn:aws:lambda:us-east-1:000000000000:function:f"

    init() throws { fixture = try ControlPlaneFixture() }

    private var plane: ControlPlane { fixture.controlPlane }

    /// A function with two versions and an alias of the first.
    private func prepare(_ name: String = "f") async throws {
        let (fixture, plane) = (fixture, plane)
        try await fixture.activating {
            try await fixture.create(name)
            _ = try await fixture.settled(name)
            try await plane.call(.publishVersion, ["FunctionName": name], body: Array("{}".utf8))
            _ = try await plane.updateFunctionConfiguration(
                name,
                JSONValue.object(["Description": .string("changed")]).bytes,
                caller: ControlPlaneFixture.caller
            )
            _ = try await fixture.settled(name)
            try await plane.call(.publishVersion, ["FunctionName": name], body: Array("{}".utf8))
        }
        try await alias("live", version: "1", of: name)
    }

    private func alias(_ alias: String, version: String, of name: String = "f") async throws {
        try await plane.call(
            .createAlias,
            ["FunctionName": name],
            body: JSONValue.object(["Name": .string(alias), "FunctionVersion": .string(version)]).bytes
        )
    }

    private func move(_ alias: String, to version: String, weights: [String: JSONValue]? = nil) async throws {
        var members: [String: JSONValue] = ["FunctionVersion": .string(version)]
        if let weights { members["RoutingConfig"] = .object(["AdditionalVersionWeights": .object(weights)]) }
        try await plane.call(
            .updateAlias,
            ["FunctionName": "f", "Name": alias],
            body: JSONValue.object(members).bytes
        )
    }

    @discardableResult
    private func put(_ qualifier: String, _ executions: Int, of name: String = "f") async throws -> JSONValue {
        try await plane.call(
            .putProvisionedConcurrencyConfig,
            ["FunctionName": name],
            query: "Qualifier=\(qualifier)",
            body: JSONValue.object(["ProvisionedConcurrentExecutions": .integer(executions)]).bytes
        )
    }

    private func get(_ qualifier: String, of name: String = "f") async throws -> JSONValue {
        try await plane.call(
            .getProvisionedConcurrencyConfig,
            ["FunctionName": name],
            query: "Qualifier=\(qualifier)"
        )
    }

    private func delete(_ qualifier: String, of name: String = "f") async throws {
        try await plane.call(
            .deleteProvisionedConcurrencyConfig,
            ["FunctionName": name],
            query: "Qualifier=\(qualifier)"
        )
    }

    private func list(_ query: String = "") async throws -> JSONValue {
        try await plane.call(.listProvisionedConcurrencyConfigs, ["FunctionName": "f"], query: "List=ALL&" + query)
    }

    private func unreserved() async throws -> JSONValue? {
        try await plane.call(.getAccountSettings)["AccountLimit"]?["UnreservedConcurrentExecutions"]
    }

    private func reserve(_ executions: Int, for name: String = "f") async throws {
        try await plane.call(
            .putFunctionConcurrency,
            ["FunctionName": name],
            body: JSONValue.object(["ReservedConcurrentExecutions": .integer(executions)]).bytes
        )
    }

    private func invalid(_ message: String) -> LambdaError { .invalidParameterValue(message: message) }
    private let none = LambdaError.provisionedConcurrencyConfigNotFound(
        message: "No Provisioned Concurrency Config found for this function"
    )

    @Test func `a configuration is shown as its environments come, and is gone when it is deleted`() async throws {
        defer { try? fixture.remove() }
        try await prepare()
        #expect(try await refusal { try await get("1") } == none)
        let made = try await put("1", 5)
        let expected: [String: JSONValue] = [
            "RequestedProvisionedConcurrentExecutions": .integer(5),
            "AvailableProvisionedConcurrentExecutions": .integer(0),
            "AllocatedProvisionedConcurrentExecutions": .integer(0), "Status": .string("IN_PROGRESS"),
            "LastModified": .string("2025-11-24T23:12:27+0000"),
        ]
        #expect(made == .object(expected))
        #expect(fixture.provisioned == ["1>1=5"])
        fixture.setState(of: "1", ProvisionedState(allocated: 4, available: 3))
        let halfway = expected.merging([
            "AvailableProvisionedConcurrentExecutions": .integer(3),
            "AllocatedProvisionedConcurrentExecutions": .integer(4),
        ]) { $1 }
        #expect(try await get("1") == .object(halfway))
        fixture.setState(of: "1", ProvisionedState(allocated: 4, available: 3, failure: .initialization))
        let failed = halfway.merging([
            "Status": .string("FAILED"), "StatusReason": .string("FUNCTION_ERROR_INIT_FAILURE"),
        ]) { $1 }
        #expect(try await get("1") == .object(failed))
        fixture.setState(of: "1", ProvisionedState(allocated: 5, available: 5))
        #expect(try await get("1")["Status"] == .string("READY"))
        for _ in 0..<2 { try await delete("1") }
        #expect(try await refusal { try await get("1") } == none)
        #expect(fixture.provisioned.isEmpty)
    }

    @Test func `configurations are listed by page`() async throws {
        defer { try? fixture.remove() }
        try await prepare()
        #expect(try await list() == .object(["ProvisionedConcurrencyConfigs": .array([])]))
        for qualifier in ["2", "live"] { try await put(qualifier, 1) }
        let first = try await list("MaxItems=1")
        let items = first["ProvisionedConcurrencyConfigs"]?.array ?? []
        #expect(items.map { $0["FunctionArn"] } == [.string("\(arn):2")])
        #expect(items.first?["Status"] == .string("IN_PROGRESS"))
        let rest = try await list("MaxItems=1&Marker=\(first["NextMarker"]?.string ?? "")")
        #expect(rest["ProvisionedConcurrencyConfigs"]?.array?.map { $0["FunctionArn"] } == [.string("\(arn):live")])
        #expect(rest["NextMarker"] == nil)
    }

    @Test func `only a published version or an alias of one can have it`() async throws {
        defer { try? fixture.remove() }
        try await prepare()
        try await alias("newest", version: "$LATEST")
        let unpublished = invalid(
            "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
        )
        let unprovisionable = invalid("The function resource provided must be an alias or a published version.")
        for qualifier in ["$LATEST", "newest"] {
            #expect(try await refusal { try await put(qualifier, 1) } == unpublished)
        }
        #expect(try await refusal { try await get("$LATEST") } == unprovisionable)
        #expect(try await refusal { try await delete("$LATEST") } == unprovisionable)
        let calls: [(String, String) async throws -> Void] = [
            { try await put($0, 1, of: $1) }, { _ = try await get($0, of: $1) }, { try await delete($0, of: $1) },
        ]
        for call in calls {
            for name in ["f", "g"] {
                let function = "arn:aws:lambda:us-east-1:000000000000:function:\(name)"
                #expect(
                    try await refusal { try await call("10", name) }
                        == .resourceNotFound(message: "Function not found: \(function):10")
                )
                #expect(
                    try await refusal { try await call("absent", name) }
                        == .resourceNotFound(message: "Cannot find alias arn: \(function):absent")
                )
            }
        }
        guard case .validation? = try await refusal({ try await put("1", 0) }) else {
            Issue.record("nothing was provisioned")
            return
        }
    }

    @Test func `a version is provisioned once`() async throws {
        defer { try? fixture.remove() }
        try await prepare()
        try await alias("other", version: "1")
        let taken = LambdaError.resourceConflict(
            message: "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
        )
        try await put("live", 1)
        #expect(
            try await refusal { try await put("1", 1) }
                == .resourceConflict(message: "Version is pointed by a Provisioned Concurrency alias")
        )
        #expect(try await refusal { try await put("other", 1) } == taken)
        try await put("2", 1)
        #expect(try await refusal { try await move("live", to: "2") } == taken)
        #expect(try await refusal { try await move("live", to: "1", weights: ["2": .number("0.5")]) } == taken)
        try await delete("2")
        try await move("live", to: "2")
        try await put("1", 1)
        #expect(fixture.provisioned.sorted() == ["1>1=1", "live>2=1"])
    }

    @Test func `an alias takes what it has provisioned along, and divides it by its weights`() async throws {
        defer { try? fixture.remove() }
        try await prepare()
        try await put("live", 10)
        #expect(fixture.provisioned == ["live>1=10"])
        try await move("live", to: "1", weights: ["2": .number("0.25")])
        #expect(fixture.provisioned == ["live>1=7", "live>2=3"])
        #expect(
            try await refusal { try await put("live", 5) }
                == invalid("Alias with weights can not be used with Provisioned Concurrency")
        )
        fixture.setState(of: "1", ProvisionedState(allocated: 7, available: 7))
        fixture.setState(of: "2", ProvisionedState(allocated: 3, available: 2))
        let shown = try await get("live")
        #expect(shown["AvailableProvisionedConcurrentExecutions"] == .integer(9))
        #expect(shown["Status"] == .string("IN_PROGRESS"))
        try await move("live", to: "2", weights: [:])
        #expect(fixture.provisioned == ["live>2=10"])
        #expect(
            try await refusal { try await move("live", to: "$LATEST") }
                == invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
        )
    }

    @Test func `it goes with its alias, its version and its function`() async throws {
        defer { try? fixture.remove() }
        try await prepare()
        for qualifier in ["2", "live"] { try await put(qualifier, 1) }
        try await plane.deleteFunction("f", qualifier: "2", caller: ControlPlaneFixture.caller)
        #expect(fixture.provisioned == ["live>1=1"])
        try await plane.call(.deleteAlias, ["FunctionName": "f", "Name": "live"])
        #expect(fixture.provisioned.isEmpty)
        try await alias("live", version: "1")
        #expect(try await refusal { try await get("live") } == none)
        try await put("live", 1)
        try await plane.deleteFunction("f", qualifier: nil, caller: ControlPlaneFixture.caller)
        #expect(fixture.provisioned.isEmpty)
        #expect(try await unreserved() == .integer(1_000))
    }

    @Test func `it takes from what the account shares, of which 100 stay`() async throws {
        defer { try? fixture.remove() }
        try await prepare()
        #expect(
            try await refusal { try await put("1", 1_001) }
                == invalid(
                    "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [1000]."
                )
        )
        let decreases = invalid(
            "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
                + "minimum value of [100]."
        )
        #expect(try await refusal { try await put("1", 901) } == decreases)
        #expect(try await refusal { try await put("1", Int.max) } != nil)
        try await put("1", 800)
        #expect(try await unreserved() == .integer(200))
        #expect(try await refusal { try await put("2", 101) } == decreases)
        try await put("2", 100)
        try await put("1", 700)
        #expect(try await unreserved() == .integer(200))
        try await prepare("g")
        #expect(
            try await refusal { try await reserve(101, for: "g") }
                == invalid(
                    "Specified ReservedConcurrentExecutions for function decreases account's "
                        + "UnreservedConcurrentExecution below its minimum value of [100]."
                )
        )
        try await reserve(100, for: "g")
        #expect(try await unreserved() == .integer(100))
    }

    @Test func `it is part of the function's reservation`() async throws {
        defer { try? fixture.remove() }
        try await prepare()
        try await put("1", 2)
        #expect(
            try await refusal { try await reserve(1) }
                == invalid(
                    " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned concurrency "
                        + "[2]."
                )
        )
        try await reserve(3)
        #expect(try await unreserved() == .integer(997))
        let beyond = invalid(
            "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
        )
        #expect(try await refusal { try await put("2", 2) } == beyond)
        #expect(try await refusal { try await put("2", Int.max) } == beyond)
        try await put("2", 1)
        try await plane.call(.deleteFunctionConcurrency, ["FunctionName": "f"])
        #expect(try await unreserved() == .integer(997))
        #expect(fixture.provisioned.sorted() == ["1>1=2", "2>2=1"])
    }

    @Test func `many changes at once leave what is stored in force`() async throws {
        defer { try? fixture.remove() }
        try await prepare()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for executions in 1...40 { group.addTask { try await put("live", executions) } }
            try await group.waitForAll()
        }
        let stored = try await get("live")["RequestedProvisionedConcurrentExecutions"]?.integer ?? 0
        #expect(fixture.provisioned == ["live>1=\(stored)"])
    }

    @Test func `what is provisioned outlives a restart`() async throws {
        defer { try? fixture.remove() }
        try await prepare()
        try await put("live", 3)
        let again = try ControlPlaneFixture(in: fixture.directory)
        try await again.controlPlane.reservations.refresh()
        #expect(again.provisioned == ["live>1=3"])
    }
}
