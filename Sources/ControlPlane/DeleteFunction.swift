// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import Logging
import MetadataStore

extension ControlPlane {
    /// Deletes a function with all its versions, or one version; one that isn't there is no error, as long as the function is.
    func deleteFunction(_ request: API.DeleteFunctionRequest, caller: Caller) async throws {
        let (key, qualifier) = try Self.target(
            request.functionName,
            qualifier: request.qualifier,
            caller: caller,
            action: .deleteFunction
        )
        let deleted: [FunctionRecord]
        if let qualifier {
            deleted = try await withStores {
                try await metadata.change { transaction in
                    try Self.deleteVersion(key, qualifier, transaction).map { [$0] } ?? []
                }
            }
        } else {
            deleted = try await withStores {
                try await metadata.change { transaction in
                    try transaction.forgetStops(of: key)
                    return try transaction.delete(key)
                }
            }
            guard !deleted.isEmpty else { throw Self.notFound(key) }
        }
        await retire(key, qualifier, nil)
        await collector.discardLater(deleted.reduce(into: []) { $0.formUnion($1.codeObjectIDs) })
        // Last, since it may fail: the function is gone by now, and nothing of it may stay behind.
        try await withStores { try await reservations.refresh() }
        logger.info("function deleted", metadata: ["function": "\(key.arn(qualifier: qualifier))"])
    }

    private static func deleteVersion(
        _ key: FunctionKey,
        _ version: String,
        _ transaction: MetadataTransaction
    ) throws -> FunctionRecord? {
        _ = try transaction.latest(key)
        guard version != FunctionVersionKey.latest else {
            throw LambdaError.invalidParameterValue(
                message: "$LATEST version cannot be deleted without deleting the function."
            )
        }
        guard version.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains) else {
            throw LambdaError.invalidParameterValue(message: "Deletion of aliases is not currently supported.")
        }
        let aliases = try transaction.documents(Alias.self, of: key).filter {
            $0.document.version == version || $0.document.additional?.version == version
        }
        guard aliases.isEmpty else {
            throw LambdaError.resourceConflict(
                message: "Unable to delete version because the following aliases reference it: "
                    + "[\(aliases.map(\.qualifier).joined(separator: ", "))]"
            )
        }
        let record = try transaction.record(key, version)
        try transaction.delete(key, version: version)
        return record
    }
}
