import AWSWire
import LambdaModel
// SPDX-License-Identifier: Apache-2.0
import Logging
import MetadataStore

extension ControlPlane {
    /// Deletes a function; a version that isn't there is no error, as long as the function is.
    package func deleteFunction(_ name: String, qualifier: String?, caller: Caller) async throws {
        let identifier = try FunctionIdentifier(reading: name, qualifier: qualifier)
        let key = try identifier.key(accountID: caller.accountID, region: caller.region, action: "DeleteFunction")
        if let qualifier = identifier.qualifier {
            guard try await metadata.function(key) != nil else { throw Self.notFound(key) }
            guard qualifier != "$LATEST" else {
                throw LambdaError.invalidParameterValue(
                    message: "$LATEST version cannot be deleted without deleting the function."
                )
            }
            guard qualifier.utf8.allSatisfy(\.isDigit) else {
                throw LambdaError.invalidParameterValue(message: "Deletion of aliases is not currently supported.")
            }
            return
        }
        guard let record = try await withStores({ try await metadata.deleteFunction(key) }) else {
            throw Self.notFound(key)
        }
        await retire(key, nil)
        for objectID in Set([record.configuration.code.objectID, record.active?.code.objectID].compactMap(\.self)) {
            await collector.discardLater(objectID)
        }
        logger.info("function deleted", metadata: ["function": "\(key.arn)"])
    }
}
