// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import LambdaModel
import MetadataStore

extension ControlPlane {
    /// The configuration that an invocation of `key` runs with, or why there is none.
    ///
    /// An alias with two versions draws one of them.
    /// - Throws: `LambdaError.resourceNotFound` with the qualifier, `$LATEST` where none was given, in the ARN;
    ///   `.resourceConflict`, or `.snapStartNotReady`, while the version has never been active.
    package func invocable(_ key: FunctionKey, qualifier: String?) async throws -> FunctionConfiguration {
        let named = qualifier ?? FunctionVersionKey.latest
        let found = try await withStores {
            try await invocables.entry(FunctionVersionKey(function: key, version: named))
        }
        guard let record = found?.record(at: .random(in: 0..<1)) else { throw Self.notFound(key, qualifier: named) }
        guard let active = record.active else {
            if record.configuration.hasSnapStart, record.configuration.state == .pending {
                throw LambdaError.snapStartNotReady
            }
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
        try Self.target(name, qualifier: qualifier, caller: caller, action: .invoke)
    }
}
