// SPDX-License-Identifier: Apache-2.0
package import CodeStore
package import LambdaModel
package import Logging
package import MetadataStore

/// The operations that make, change, show and delete functions; one file for each of them.
///
/// Every operation checks in AWS's order: first the front door (all faults in one `ValidationException`), then whether
/// the function is there and may be changed, then what the values mean here.
package struct ControlPlane: Sendable {
    /// Tells the pool that the environments of a function, or of one version of it, are out of date, but those of the
    /// revision named.
    package typealias Retire =
        @Sendable (_ function: FunctionKey, _ version: String?, _ keepingRevision: String?) async -> Void

    package var metadata: MetadataStore
    package var code: CodeStore
    package var location: CodeLocation
    package var s3Events: S3EventAddress
    package var activator: FunctionActivator
    package var collector: CodeCollector
    package var reservations: ConcurrencyReservations
    /// Who reads event sources; nobody, until this is set.
    package var sources = EventSourceReading()
    var rules: ConfigurationRules
    /// All zips of an account's functions, their versions and layers in a region.
    let storedCodeBytesMax: Int
    let invocables: InvocableCache
    let buckets: CodeBuckets
    let retire: Retire
    let now: @Sendable () -> Timestamp
    let logger: Logger

    /// Puts the operations together over their stores.
    ///
    /// `runtimes` says what of a runtime name can run on this machine. `activator` and `collector` are to be run as
    /// services: the one turns what the operations leave Pending or InProgress into Active or Failed, the other deletes
    /// code that is no longer used. `reservations` has been refreshed once.
    package init(
        metadata: MetadataStore,
        code: CodeStore,
        location: CodeLocation,
        s3Events: S3EventAddress,
        limits: LimitsProfile,
        runtimes: @escaping @Sendable (String) -> RuntimeAvailability,
        activator: FunctionActivator,
        invocables: InvocableCache,
        collector: CodeCollector,
        reservations: ConcurrencyReservations,
        storedCodeBytesMax: Int = LimitsProfile.storedCodeBytesDefault,
        buckets: CodeBuckets = .notConfigured,
        retire: @escaping Retire,
        now: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.metadata = metadata
        self.code = code
        self.location = location
        self.s3Events = s3Events
        self.rules = ConfigurationRules(limits: limits, runtimes: runtimes)
        self.activator = activator
        self.invocables = invocables
        self.collector = collector
        self.reservations = reservations
        self.storedCodeBytesMax = storedCodeBytesMax
        self.buckets = buckets
        self.retire = retire
        self.now = now
        self.logger = logger
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
        try check(revisionID, isCurrent: configuration.revisionID)
    }

    /// Throws when what the caller saw is not what is there now.
    static func check(
        _ revisionID: String?,
        isCurrent current: String,
        operation: String = "GetFunction/GetAlias"
    ) throws(LambdaError) {
        if let revisionID, revisionID != current {
            throw .preconditionFailed(
                message: "The Revision Id provided does not match the latest Revision Id. Call the \(operation) API to "
                    + "retrieve the latest Revision Id"
            )
        }
    }
}
