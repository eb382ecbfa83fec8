// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import LambdaModel
import MetadataStore

extension ControlPlane {
    /// The configuration that an invocation of `key` runs with, or why there is none.
    ///
    /// - Throws: `LambdaError.resourceNotFound` with the qualifier, `$LATEST` where none was given, in the ARN;
    ///   `.resourceConflict` while the function has never been active.
    package func invocable(_ key: FunctionKey, qualifier: String?) async throws -> FunctionConfiguration {
        guard let record = try await withStores({ try await metadata.function(key) }),
            qualifier == nil || qualifier == "$LATEST"
        else {
            throw Self.notFound(key, qualifier: qualifier ?? "$LATEST")
        }
        guard let active = record.active else {
            throw LambdaError.resourceConflict(
                message: "The operation cannot be performed at this time. The function is currently in the following "
                    + "state: \(record.configuration.state.rawValue)"
            )
        }
        return active
    }

    /// The function that an Invoke request names.
    package func invoked(
        _ name: String,
        qualifier: String?,
        caller: Caller
    ) throws(LambdaError) -> (key: FunctionKey, qualifier: String?) {
        let identifier = try FunctionIdentifier(reading: name, qualifier: qualifier)
        let key = try identifier.key(accountID: caller.accountID, region: caller.region, action: "InvokeFunction")
        return (key, identifier.qualifier)
    }
}
