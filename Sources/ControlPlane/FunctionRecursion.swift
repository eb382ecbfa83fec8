// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import LambdaModel
import MetadataStore

/// What is to be done about a function that calls itself over other services.
struct RecursionConfiguration: FunctionDocument, Equatable {
    static let kind = "recursion"
    /// Of a function that has never been given one.
    static let standard = "Terminate"
    static let allowing = "Allow"

    /// `Allow` or `Terminate`.
    var recursiveLoop: String
}

extension ControlPlane {
    func putFunctionRecursionConfig(
        _ request: API.PutFunctionRecursionConfigRequest,
        caller: Caller
    ) async throws -> API.PutFunctionRecursionConfigResponse {
        let key = try Self.function(request.functionName, caller: caller, action: .putFunctionRecursionConfig)
        try await withStores {
            try await metadata.change { transaction in
                _ = try transaction.latest(key)
                try transaction.put(RecursionConfiguration(recursiveLoop: request.recursiveLoop), of: key)
            }
        }
        return .init(recursiveLoop: request.recursiveLoop)
    }

    func getFunctionRecursionConfig(
        _ request: API.GetFunctionRecursionConfigRequest,
        caller: Caller
    ) async throws -> API.GetFunctionRecursionConfigResponse {
        let key = try Self.function(request.functionName, caller: caller, action: .getFunctionRecursionConfig)
        let configuration = try await withStores {
            try await metadata.read { transaction in
                _ = try transaction.latest(key)
                return try transaction.document(RecursionConfiguration.self, of: key)
            }
        }
        return .init(recursiveLoop: configuration?.recursiveLoop ?? RecursionConfiguration.standard)
    }

    /// Whether a function is not to be stopped as part of a loop.
    package func allowsLoops(_ key: FunctionKey) async throws -> Bool {
        let configuration = try await withStores {
            try await metadata.read { try $0.document(RecursionConfiguration.self, of: key) }
        }
        return configuration?.recursiveLoop == RecursionConfiguration.allowing
    }
}
