package import AWSWire
// SPDX-License-Identifier: Apache-2.0
import CodeStore
import LambdaModel
import MetadataStore

extension ControlPlane {
    /// A function with a URL of its code, which begins with the caller's `Host` header.
    package func getFunction(
        _ name: String,
        qualifier: String?,
        host: String,
        caller: Caller
    ) async throws -> JSONValue {
        let (record, qualifier) = try await read(name, qualifier: qualifier, caller: caller, action: "GetFunction")
        let configuration = record.configuration
        var members: [String: JSONValue] = [
            "Configuration": .object(ConfigurationAnswer.members(configuration, qualifier: qualifier)),
            "Code": .object([
                "RepositoryType": .string("S3"),
                "Location": .string(location.url(of: configuration.code, host: host, now: now())),
            ]),
        ]
        if !configuration.tags.isEmpty { members["Tags"] = .object(configuration.tags.mapValues(JSONValue.string)) }
        return .object(members)
    }

    package func getFunctionConfiguration(
        _ name: String,
        qualifier: String?,
        caller: Caller
    ) async throws -> JSONValue {
        let (record, qualifier) = try await read(
            name,
            qualifier: qualifier,
            caller: caller,
            action: "GetFunctionConfiguration"
        )
        return .object(ConfigurationAnswer.members(record.configuration, qualifier: qualifier))
    }

    /// The bytes behind a URL that `getFunction` gave out.
    ///
    /// - Throws: `LambdaError.accessDenied` when the URL is wrong or older than ten minutes.
    package func downloadCode(objectID: String, query: QueryParameters) async throws -> [UInt8] {
        guard let reference = location.code(objectID: objectID, query: query, now: now()) else {
            throw LambdaError.accessDenied(
                name: "AccessDeniedException",
                message: "The URL is not valid, or has expired. Call GetFunction for a new one."
            )
        }
        return try await withStores { try await code.zip(reference) }
    }

    private func read(
        _ name: String,
        qualifier: String?,
        caller: Caller,
        action: String
    ) async throws -> (FunctionRecord, qualifier: String?) {
        let identifier = try FunctionIdentifier(reading: name, qualifier: qualifier)
        let key = try identifier.key(accountID: caller.accountID, region: caller.region, action: action)
        guard let record = try await withStores({ try await metadata.function(key) }) else { throw Self.notFound(key) }
        guard identifier.qualifier == nil || identifier.qualifier == "$LATEST" else {
            throw Self.notFound(key, qualifier: identifier.qualifier)
        }
        return (record, identifier.qualifier)
    }
}
