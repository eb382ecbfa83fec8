// SPDX-License-Identifier: Apache-2.0
package import AWSWire

/// What a request is beside its input.
package struct OperationContext: Sendable {
    package var caller: Caller
    /// What URLs in the answer begin with, such as `http://127.0.0.1:4566`.
    package var origin: String

    package init(caller: Caller, origin: String) {
        self.caller = caller
        self.origin = origin
    }
}

extension ControlPlane {
    /// Does what an operation asks for, all but those that invoke.
    ///
    /// `input` is as `LambdaOperation.input` made it, so the model's constraints hold.
    /// - Returns: the answer's JSON; nil where it has none.
    /// - Throws: `LambdaError` for every refusal.
    package func perform(
        _ operation: LambdaOperation,
        _ input: JSONValue,
        _ context: OperationContext
    ) async throws -> JSONValue? {
        let caller = context.caller
        switch operation {
        case .createFunction: return try await createFunction(.init(wire: input), caller: caller).wire
        case .getFunction:
            return try await getFunction(.init(wire: input), origin: context.origin, caller: caller).wire
        case .getFunctionConfiguration:
            return try await getFunctionConfiguration(.init(wire: input), caller: caller).wire
        case .listFunctions: return try await listFunctions(.init(wire: input), caller: caller).wire
        case .updateFunctionCode: return try await updateFunctionCode(.init(wire: input), caller: caller).wire
        case .updateFunctionConfiguration:
            return try await updateFunctionConfiguration(.init(wire: input), caller: caller).wire
        case .deleteFunction: try await deleteFunction(.init(wire: input), caller: caller)
        case .publishVersion: return try await publishVersion(.init(wire: input), caller: caller).wire
        case .listVersionsByFunction: return try await listVersionsByFunction(.init(wire: input), caller: caller).wire
        case .createAlias: return try await createAlias(.init(wire: input), caller: caller).wire
        case .getAlias: return try await getAlias(.init(wire: input), caller: caller).wire
        case .listAliases: return try await listAliases(.init(wire: input), caller: caller).wire
        case .updateAlias: return try await updateAlias(.init(wire: input), caller: caller).wire
        case .deleteAlias: try await deleteAlias(.init(wire: input), caller: caller)
        case .addPermission: return try await addPermission(.init(wire: input), caller: caller).wire
        case .getPolicy: return try await getPolicy(.init(wire: input), caller: caller).wire
        case .removePermission: try await removePermission(.init(wire: input), caller: caller)
        case .createFunctionUrlConfig: return try await createFunctionURL(.init(wire: input), context).wire
        case .getFunctionUrlConfig: return try await getFunctionURL(.init(wire: input), context).wire
        case .updateFunctionUrlConfig: return try await updateFunctionURL(.init(wire: input), context).wire
        case .deleteFunctionUrlConfig: try await deleteFunctionURL(.init(wire: input), caller: caller)
        case .listFunctionUrlConfigs: return try await listFunctionURLs(.init(wire: input), context).wire
        case .publishLayerVersion:
            return try await publishLayerVersion(.init(wire: input), origin: context.origin, caller: caller).wire
        case .listLayers: return try await listLayers(.init(wire: input), caller: caller).wire
        case .listLayerVersions: return try await listLayerVersions(.init(wire: input), caller: caller).wire
        case .getLayerVersion:
            return try await getLayerVersion(.init(wire: input), origin: context.origin, caller: caller).wire
        case .getLayerVersionByArn:
            return try await getLayerVersionByArn(.init(wire: input), origin: context.origin, caller: caller).wire
        case .deleteLayerVersion: try await deleteLayerVersion(.init(wire: input), caller: caller)
        case .addLayerVersionPermission:
            return try await addLayerVersionPermission(.init(wire: input), caller: caller).wire
        case .getLayerVersionPolicy: return try await getLayerVersionPolicy(.init(wire: input), caller: caller).wire
        case .removeLayerVersionPermission:
            try await removeLayerVersionPermission(.init(wire: input), caller: caller)
        case .createEventSourceMapping:
            return try await createEventSourceMapping(.init(wire: input), caller: caller).wire
        case .getEventSourceMapping: return try await getEventSourceMapping(.init(wire: input), caller: caller).wire
        case .listEventSourceMappings:
            return try await listEventSourceMappings(.init(wire: input), caller: caller).wire
        case .updateEventSourceMapping:
            return try await updateEventSourceMapping(.init(wire: input), caller: caller).wire
        case .deleteEventSourceMapping:
            return try await deleteEventSourceMapping(.init(wire: input), caller: caller).wire
        default: return try await performSettings(operation, input, caller)
        }
        return nil
    }
}
