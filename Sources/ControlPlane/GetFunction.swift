// SPDX-License-Identifier: Apache-2.0
package import AWSWire
import CodeStore
import LambdaModel
import MetadataStore

extension ControlPlane {
    /// A function with a URL of its code at `origin`, such as `http://127.0.0.1:4566`.
    func getFunction(
        _ request: API.GetFunctionRequest,
        origin: String,
        caller: Caller
    ) async throws -> API.GetFunctionResponse {
        let (key, qualifier) = try Self.target(
            request.functionName,
            qualifier: request.qualifier,
            caller: caller,
            action: .getFunction
        )
        let (configuration, tags, reserved) = try await withStores {
            try await metadata.read { transaction in
                (
                    try transaction.resolve(key, qualifier: qualifier).configuration,
                    try transaction.latest(key).configuration.tags,
                    try transaction.document(ReservedConcurrency.self, of: key)
                )
            }
        }
        return .init(
            configuration: ConfigurationAnswer.of(configuration, qualifier: qualifier),
            code: .init(
                repositoryType: "S3",
                location: location.url(of: configuration.code, origin: origin, now: now())
            ),
            tags: tags.isEmpty ? nil : tags,
            concurrency: reserved.map { .init(reservedConcurrentExecutions: $0.executions) }
        )
    }

    func getFunctionConfiguration(
        _ request: API.GetFunctionConfigurationRequest,
        caller: Caller
    ) async throws -> API.FunctionConfiguration {
        let (key, qualifier) = try Self.target(
            request.functionName,
            qualifier: request.qualifier,
            caller: caller,
            action: .getFunctionConfiguration
        )
        let record = try await withStores {
            try await metadata.read { transaction in try transaction.resolve(key, qualifier: qualifier) }
        }
        return ConfigurationAnswer.of(record.configuration, qualifier: qualifier)
    }

    /// The bytes behind a URL that `getFunction` gave out.
    ///
    /// - Throws: `LambdaError.accessDenied` when the URL is wrong or older than ten minutes.
    package func downloadCode(objectID: String, query: QueryParameters) async throws -> [UInt8] {
        guard let reference = location.code(objectID: objectID, query: query, now: now()) else {
            throw LambdaError.accessDenied(
                name: "AccessDeniedException",
                message: "The URL is not valid, or has expired. Call GetFunction or GetLayerVersion for a new one."
            )
        }
        return try await withStores { try await code.zip(reference) }
    }
}
