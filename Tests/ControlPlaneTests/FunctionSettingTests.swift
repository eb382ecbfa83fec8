// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import LambdaModel
import Testing

/// Recursion, runtime management, and the operations that are not there.
struct FunctionSettingTests {
    private let fixture: ControlPlaneFixture
    private let arn = "arn:aws:lambda:us-east-1:000000000000:function:f"

    init() throws { fixture = try ControlPlaneFixture() }

    private var plane: ControlPlane { fixture.controlPlane }

    private func call(
        _ operation: LambdaOperation,
        on name: String = "f",
        qualifier: String? = nil,
        _ members: [String: JSONValue] = [:]
    ) async throws -> JSONValue {
        try await plane.call(
            operation,
            ["FunctionName": name],
            query: qualifier.map { "Qualifier=\($0)" } ?? "",
            body: JSONValue.object(members).bytes
        )
    }

    @Test func `recursion is terminated until it is allowed`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let terminate = JSONValue.object(["RecursiveLoop": .string("Terminate")])
        let allow = JSONValue.object(["RecursiveLoop": .string("Allow")])
        #expect(try await call(.getFunctionRecursionConfig) == terminate)
        #expect(try await call(.putFunctionRecursionConfig, ["RecursiveLoop": .string("Allow")]) == allow)
        #expect(try await call(.getFunctionRecursionConfig) == allow)
        let absent = LambdaError.resourceNotFound(
            message: "Function not found: arn:aws:lambda:us-east-1:000000000000:function:g"
        )
        #expect(try await refusal { try await call(.getFunctionRecursionConfig, on: "g") } == absent)
        #expect(
            try await refusal {
                try await call(.putFunctionRecursionConfig, on: "g", ["RecursiveLoop": .string("Allow")])
            } == absent
        )
        #expect(
            try await refusal { try await call(.putFunctionRecursionConfig, ["RecursiveLoop": .string("Perhaps")]) }
                == .validation(
                    message: "1 validation error detected: Value 'Perhaps' at 'recursiveLoop' failed to satisfy "
                        + "constraint: Member must satisfy enum value set: [Allow, Terminate]"
                )
        )
    }

    @Test func `runtime management is per version`() async throws {
        defer { try? fixture.remove() }
        try await fixture.activating {
            try await fixture.create("f")
            _ = try await fixture.settled("f")
            try await plane.call(.publishVersion, ["FunctionName": "f"])
        }
        let alias = JSONValue.object(["Name": .string("live"), "FunctionVersion": .string("1")])
        try await plane.call(.createAlias, ["FunctionName": "f"], body: alias.bytes)
        #expect(
            try await call(.getRuntimeManagementConfig)
                == .object(["UpdateRuntimeOn": .string("Auto"), "FunctionArn": .string(arn)])
        )
        let runtime = try #require(
            try await fixture.show("f")["RuntimeVersionConfig"]?["RuntimeVersionArn"]?.string
        )
        let manual: [String: JSONValue] = [
            "UpdateRuntimeOn": .string("Manual"), "RuntimeVersionArn": .string(runtime),
        ]
        let put = try await call(.putRuntimeManagementConfig, qualifier: "1", manual)
        #expect(put == .object(manual.merging(["FunctionArn": .string("\(arn):1")]) { $1 }))
        #expect(try await call(.getRuntimeManagementConfig, qualifier: "1") == put)
        _ = try await call(.putRuntimeManagementConfig, ["UpdateRuntimeOn": .string("FunctionUpdate")])
        #expect(
            try await call(.getRuntimeManagementConfig, qualifier: "$LATEST")
                == .object(["UpdateRuntimeOn": .string("FunctionUpdate"), "FunctionArn": .string("\(arn):$LATEST")])
        )
        #expect(
            try await refusal { try await call(.putRuntimeManagementConfig, qualifier: "live", manual) }
                == .invalidParameterValue(
                    message: "The provided function name \(arn):live is invalid. Aliases are not allowed."
                )
        )
        #expect(
            try await refusal { try await call(.getRuntimeManagementConfig, qualifier: "7") }
                == .resourceNotFound(message: "Function not found: \(arn):7")
        )
        #expect(
            try await refusal {
                try await call(.putRuntimeManagementConfig, ["UpdateRuntimeOn": .string("Manual")])
            } == .invalidParameterValue(message: "RuntimeVersionArn is required when UpdateRuntimeOn is Manual.")
        )
        let other = "arn:aws:lambda:us-east-1::runtime:other"
        #expect(
            try await refusal {
                try await call(
                    .putRuntimeManagementConfig,
                    ["UpdateRuntimeOn": .string("Manual"), "RuntimeVersionArn": .string(other)]
                )
            }
                == .invalidParameterValue(
                    message: "Runtime version \(other) is not available: this machine has \(runtime) for python3.12 "
                        + "only."
                )
        )
    }

    @Test func `capacity providers and durable executions are told to be not there`() async throws {
        defer { try? fixture.remove() }
        let scaling = try await refusal { try await call(.getFunctionScalingConfig, qualifier: "1") }
        #expect(
            scaling
                == .unknownOperation(
                    message: "GetFunctionScalingConfig is for functions on capacity providers (Lambda managed "
                        + "instances), which Martlet does not have: its functions run on the server's own machine."
                )
        )
        let listing = try await refusal { try await plane.call(.listCapacityProviders) }
        guard case .unknownOperation(let text)? = listing, text.hasPrefix("ListCapacityProviders is for functions on")
        else {
            Issue.record("\(String(describing: listing))")
            return
        }
        #expect(
            try await refusal { try await call(.listDurableExecutionsByFunction) }
                == .unknownOperation(
                    message: "ListDurableExecutionsByFunction: durable executions are not available in this version of "
                        + "Martlet."
                )
        )
    }
}
