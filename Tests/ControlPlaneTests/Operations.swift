// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import LambdaModel

/// Operations as requests ask for them: through the model's check, and with the answer's JSON.
extension ControlPlane {
    @discardableResult
    func call(
        _ operation: LambdaOperation,
        _ labels: [String: String] = [:],
        query: String = "",
        body: [UInt8] = [],
        origin: String = "http://localhost:4566",
        caller: Caller = ControlPlaneFixture.caller
    ) async throws -> JSONValue {
        let input = try operation.input(labels: labels, query: QueryParameters(query), body: body)
        return try await perform(operation, input, OperationContext(caller: caller, origin: origin)) ?? .null
    }

    func createFunction(_ body: [UInt8], caller: Caller) async throws -> JSONValue {
        try await call(.createFunction, body: body, caller: caller)
    }

    func updateFunctionConfiguration(_ name: String, _ body: [UInt8], caller: Caller) async throws -> JSONValue {
        try await call(.updateFunctionConfiguration, ["FunctionName": name], body: body, caller: caller)
    }

    func updateFunctionCode(_ name: String, _ body: [UInt8], caller: Caller) async throws -> JSONValue {
        try await call(.updateFunctionCode, ["FunctionName": name], body: body, caller: caller)
    }

    func getFunction(_ name: String, qualifier: String?, origin: String, caller: Caller) async throws -> JSONValue {
        let query = qualifier.map { "Qualifier=\($0)" } ?? ""
        return try await call(.getFunction, ["FunctionName": name], query: query, origin: origin, caller: caller)
    }

    func getFunctionConfiguration(_ name: String, qualifier: String?, caller: Caller) async throws -> JSONValue {
        let query = qualifier.map { "Qualifier=\($0)" } ?? ""
        return try await call(.getFunctionConfiguration, ["FunctionName": name], query: query, caller: caller)
    }

    func listFunctions(_ query: String, caller: Caller) async throws -> JSONValue {
        try await call(.listFunctions, query: query, caller: caller)
    }

    func deleteFunction(_ name: String, qualifier: String?, caller: Caller) async throws {
        let query = qualifier.map { "Qualifier=\($0)" } ?? ""
        try await call(.deleteFunction, ["FunctionName": name], query: query, caller: caller)
    }

    @discardableResult
    func publishLayerVersion(
        _ name: String,
        _ body: [UInt8],
        origin: String,
        caller: Caller
    ) async throws -> JSONValue {
        try await call(.publishLayerVersion, ["LayerName": name], body: body, origin: origin, caller: caller)
    }

    func getLayerVersion(_ name: String, number: String, origin: String, caller: Caller) async throws -> JSONValue {
        try await call(
            .getLayerVersion,
            ["LayerName": name, "VersionNumber": number],
            origin: origin,
            caller: caller
        )
    }

    func getLayerVersionByARN(_ arn: String, origin: String, caller: Caller) async throws -> JSONValue {
        try await call(.getLayerVersionByArn, query: "find=LayerVersion&Arn=\(arn)", origin: origin, caller: caller)
    }

    func deleteLayerVersion(_ name: String, number: String, caller: Caller) async throws {
        try await call(.deleteLayerVersion, ["LayerName": name, "VersionNumber": number], caller: caller)
    }

    func listLayers(_ query: String, caller: Caller) async throws -> JSONValue {
        try await call(.listLayers, query: query, caller: caller)
    }

    func listLayerVersions(_ name: String, _ query: String, caller: Caller) async throws -> JSONValue {
        try await call(.listLayerVersions, ["LayerName": name], query: query, caller: caller)
    }
}
