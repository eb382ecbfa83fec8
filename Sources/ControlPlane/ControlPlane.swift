// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import CodeStore
package import LambdaModel
package import Logging
package import MetadataStore

/// The operations that make, change, show and delete functions; one file for each of them.
///
/// Every operation checks in AWS's order: first the front door (all faults in one `ValidationException`), then whether
/// the function is there and may be changed, then what the values mean here.
package struct ControlPlane: Sendable {
    /// Tells the pool that the environments of a function are out of date, but those of the revision named.
    package typealias Retire = @Sendable (_ function: FunctionKey, _ keepingRevision: String?) async -> Void

    package var metadata: MetadataStore
    package var code: CodeStore
    package var location: CodeLocation
    package var activator: FunctionActivator
    package var collector: CodeCollector
    var rules: ConfigurationRules
    let retire: Retire
    let now: @Sendable () -> Timestamp
    let logger: Logger

    /// Puts the operations together over their stores.
    ///
    /// `runtimes` says what of a runtime name can run on this machine. `activator` and `collector` are to be run as
    /// services: the one turns what the operations leave Pending or InProgress into Active or Failed, the other deletes
    /// code that is no longer used.
    package init(
        metadata: MetadataStore,
        code: CodeStore,
        location: CodeLocation,
        limits: LimitsProfile,
        runtimes: @escaping @Sendable (String) -> RuntimeAvailability,
        activator: FunctionActivator,
        collector: CodeCollector,
        retire: @escaping Retire,
        now: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.metadata = metadata
        self.code = code
        self.location = location
        self.rules = ConfigurationRules(limits: limits, runtimes: runtimes)
        self.activator = activator
        self.collector = collector
        self.retire = retire
        self.now = now
        self.logger = logger
    }

    /// The function that a request to change one names.
    func key(changing name: String, caller: Caller, action: String) throws(LambdaError) -> FunctionKey {
        var violations = ConstraintViolations()
        let identifier = FunctionIdentifier.checked(name, namespaced: false, &violations)
        try violations.throwIfAny()
        guard let identifier else { preconditionFailure("an identifier that isn't parsed is a violation") }
        return try key(changing: identifier, caller: caller, action: action)
    }

    func key(changing identifier: FunctionIdentifier, caller: Caller, action: String) throws(LambdaError) -> FunctionKey
    {
        guard identifier.qualifier == nil || identifier.qualifier == "$LATEST" else {
            throw .invalidParameterValue(
                message:
                    "This operation is permitted on Lambda functions only. Aliases and versions do not support this "
                    + "operation. Please specify either a function name or an unqualified function ARN."
            )
        }
        return try identifier.key(accountID: caller.accountID, region: caller.region, action: action)
    }

    /// Throws when the function may not be changed now, or isn't the revision that the caller saw.
    static func checkChangeable(_ record: FunctionRecord, revisionID: String?) throws(LambdaError) {
        let configuration = record.configuration
        guard configuration.state != .pending else {
            throw .resourceConflict(
                message: "The operation cannot be performed at this time. The function is currently in the following "
                    + "state: Pending"
            )
        }
        guard configuration.lastUpdateStatus != .inProgress else {
            throw .resourceConflict(
                message: "The operation cannot be performed at this time. An update is in progress for resource: "
                    + configuration.key.arn
            )
        }
        if let revisionID, revisionID != configuration.revisionID {
            throw .preconditionFailed(
                message:
                    "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias "
                    + "API to retrieve the latest Revision Id"
            )
        }
    }

    static func notFound(_ key: FunctionKey, qualifier: String? = nil) -> LambdaError {
        .resourceNotFound(message: "Function not found: \(key.arn(qualifier: qualifier))")
    }
}
