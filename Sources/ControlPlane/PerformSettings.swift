// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel

extension ControlPlane {
    /// The operations on what is set for functions and accounts beside their configuration.
    func performSettings(_ operation: LambdaOperation, _ input: JSONValue, _ caller: Caller) async throws -> JSONValue?
    {
        switch operation {
        case .tagResource: try await tagResource(.init(wire: input), caller: caller)
        case .untagResource: try await untagResource(.init(wire: input), caller: caller)
        case .listTags: return try await listTags(.init(wire: input), caller: caller).wire
        case .getAccountSettings: return try await getAccountSettings(.init(wire: input), caller: caller).wire
        case .putFunctionConcurrency: return try await putFunctionConcurrency(.init(wire: input), caller: caller).wire
        case .getFunctionConcurrency: return try await getFunctionConcurrency(.init(wire: input), caller: caller).wire
        case .deleteFunctionConcurrency: try await deleteFunctionConcurrency(.init(wire: input), caller: caller)
        case .putProvisionedConcurrencyConfig:
            return try await putProvisionedConcurrencyConfig(.init(wire: input), caller: caller).wire
        case .getProvisionedConcurrencyConfig:
            return try await getProvisionedConcurrencyConfig(.init(wire: input), caller: caller).wire
        case .listProvisionedConcurrencyConfigs:
            return try await listProvisionedConcurrencyConfigs(.init(wire: input), caller: caller).wire
        case .deleteProvisionedConcurrencyConfig:
            try await deleteProvisionedConcurrencyConfig(.init(wire: input), caller: caller)
        case .putFunctionEventInvokeConfig:
            return try await putFunctionEventInvokeConfig(.init(wire: input), caller: caller).wire
        case .updateFunctionEventInvokeConfig:
            return try await updateFunctionEventInvokeConfig(.init(wire: input), caller: caller).wire
        case .getFunctionEventInvokeConfig:
            return try await getFunctionEventInvokeConfig(.init(wire: input), caller: caller).wire
        case .deleteFunctionEventInvokeConfig:
            try await deleteFunctionEventInvokeConfig(.init(wire: input), caller: caller)
        case .listFunctionEventInvokeConfigs:
            return try await listFunctionEventInvokeConfigs(.init(wire: input), caller: caller).wire
        case .putFunctionRecursionConfig:
            return try await putFunctionRecursionConfig(.init(wire: input), caller: caller).wire
        case .getFunctionRecursionConfig:
            return try await getFunctionRecursionConfig(.init(wire: input), caller: caller).wire
        case .putRuntimeManagementConfig:
            return try await putRuntimeManagementConfig(.init(wire: input), caller: caller).wire
        case .getRuntimeManagementConfig:
            return try await getRuntimeManagementConfig(.init(wire: input), caller: caller).wire
        default: return try await performCodeSigning(operation, input, caller)
        }
        return nil
    }

    private func performCodeSigning(
        _ operation: LambdaOperation,
        _ input: JSONValue,
        _ caller: Caller
    ) async throws -> JSONValue? {
        switch operation {
        case .createCodeSigningConfig: return try await createCodeSigningConfig(.init(wire: input), caller: caller).wire
        case .getCodeSigningConfig: return try await getCodeSigningConfig(.init(wire: input), caller: caller).wire
        case .updateCodeSigningConfig: return try await updateCodeSigningConfig(.init(wire: input), caller: caller).wire
        case .deleteCodeSigningConfig: try await deleteCodeSigningConfig(.init(wire: input), caller: caller)
        case .listCodeSigningConfigs: return try await listCodeSigningConfigs(.init(wire: input), caller: caller).wire
        case .putFunctionCodeSigningConfig:
            return try await putFunctionCodeSigningConfig(.init(wire: input), caller: caller).wire
        case .getFunctionCodeSigningConfig:
            return try await getFunctionCodeSigningConfig(.init(wire: input), caller: caller)?.wire ?? .object([:])
        case .deleteFunctionCodeSigningConfig:
            try await deleteFunctionCodeSigningConfig(.init(wire: input), caller: caller)
        case .listFunctionsByCodeSigningConfig:
            return try await listFunctionsByCodeSigningConfig(.init(wire: input), caller: caller).wire
        default: throw Self.unavailable(operation)
        }
        return nil
    }
}
