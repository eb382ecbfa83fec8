// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import MetadataStore

/// Transactions of one step.
extension MetadataStore {
    func createFunction(_ configuration: FunctionConfiguration) async throws {
        try await change { try $0.insert(FunctionRecord(configuration: configuration, active: nil)) }
    }

    @discardableResult
    func updateFunction<T: Sendable>(
        _ key: FunctionKey,
        _ change: @escaping @Sendable (inout FunctionRecord) throws -> T
    ) async throws -> T {
        try await self.change { transaction in
            guard var record = try transaction.record(key) else {
                throw LambdaError.resourceNotFound(message: "Function not found: \(key.arn)")
            }
            let result = try change(&record)
            try transaction.update(record)
            return result
        }
    }

    func publishLayerVersion(_ layer: LayerVersion) async throws -> LayerVersion {
        try await change { try $0.publish(layer) }
    }

    func deleteFunction(_ key: FunctionKey) async throws -> FunctionRecord? {
        try await change { try $0.delete(key).first }
    }

    func functions(
        accountID: String,
        region: String,
        after position: FunctionPosition?,
        limit: Int
    ) async throws -> (page: [FunctionConfiguration], next: FunctionPosition?) {
        try await read {
            try $0.functions(accountID: accountID, region: region, after: position, limit: limit)
        }
    }
}
