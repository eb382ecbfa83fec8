// SPDX-License-Identifier: Apache-2.0
import CodeStore
package import InvocationCore
package import LambdaModel
package import LogStore
package import Logging
package import MetadataStore
import ServiceLifecycle

/// Turns functions from Pending to Active, and updates from InProgress to Successful or Failed.
///
/// The metadata store is the queue: an operation leaves the state behind and rings. So nothing is lost when the server
/// dies, and nothing in memory can grow.
package actor FunctionActivator: Service {
    /// Finds out whether a version can run: its code is read, checked and unpacked; with SnapStart it is initialised.
    package typealias Prepare = @Sendable (FunctionConfiguration) async throws -> Preparation

    package enum Preparation: Equatable, Sendable {
        case ready
        /// Its environments come from a snapshot.
        case snapshot
        /// They come without one, and this is why.
        case noSnapshot(reason: String)
        /// The initialisation for the snapshot failed: the version can't be used.
        case failed(FailureReason)
    }

    /// Versions that are prepared at one time.
    static let concurrencyMax = 4
    /// The same of those that are initialised for a snapshot, which may take minutes: none of the others waits for them.
    static let snapshotsMax = 16
    /// Before a function is tried again whose outcome couldn't be written.
    static let retryDelay = Duration.seconds(1)

    private let metadata: MetadataStore
    private let invocables: InvocableCache
    private let collector: CodeCollector
    private let prepare: Prepare
    private let activated: ControlPlane.Retire
    private let logs: LogStore
    /// Services that nothing can be sent to here, and why.
    let unreached: [DestinationARN.Service: String]
    private let now: @Sendable () -> Timestamp
    private let clock: any Clock<Duration>
    private let logger: Logger
    private var inFlight: Set<FunctionVersionKey> = []
    /// Of those, the ones that are to have a snapshot.
    private var snapshots: Set<FunctionVersionKey> = []
    /// Rings while the service runs; one ring is as good as many.
    private var ringing: AsyncStream<Void>.Continuation?

    package init(
        metadata: MetadataStore,
        invocables: InvocableCache,
        collector: CodeCollector,
        prepare: @escaping Prepare,
        activated: @escaping ControlPlane.Retire,
        logs: LogStore,
        unreached: [DestinationARN.Service: String] = [:],
        now: @escaping @Sendable () -> Timestamp,
        clock: any Clock<Duration>,
        logger: Logger
    ) {
        self.metadata = metadata
        self.invocables = invocables
        self.collector = collector
        self.prepare = prepare
        self.activated = activated
        self.logs = logs
        self.unreached = unreached
        self.now = now
        self.clock = clock
        self.logger = logger
    }

    /// Says that there is something to do.
    package func wake() {
        ringing?.yield()
    }

    /// Begins with what an earlier run left unsettled.
    package func run() async throws {
        let (bell, ringing) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        self.ringing = ringing
        wake()
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                for await _ in bell {
                    for key in await self.claim() {
                        group.addTask { await self.work(on: key) }
                    }
                }
            }
        }
    }

    func claim() async -> [FunctionVersionKey] {
        let unsettled: [FunctionVersionKey]
        do {
            unsettled = try await metadata.unsettledFunctions()
        } catch is CancellationError {
            // The server ends: the next start reads them.
            return []
        } catch {
            logger.error("unsettled functions not read", metadata: ["cause": "\(error)"])
            return []
        }
        let places = Self.concurrencyMax - (inFlight.count - snapshots.count)
        let claimed = unsettled.filter { !inFlight.contains($0) }.prefix(places)
        inFlight.formUnion(claimed)
        return Array(claimed)
    }

    func work(on key: FunctionVersionKey) async {
        do {
            try await settle(key)
        } catch {
            logger.error(
                "function not settled",
                metadata: ["function": "\(key.function.arn(qualifier: key.version))", "cause": "\(error)"]
            )
            do {
                try await clock.sleep(for: Self.retryDelay)
            } catch {
                // Cancelled: the next start goes on from here.
            }
        }
        inFlight.remove(key)
        snapshots.remove(key)
        wake()
    }

    /// One that has a place for itself gives back the one that it was claimed with, unless too many have.
    private func givePlaceBack(_ key: FunctionVersionKey) {
        guard snapshots.count < Self.snapshotsMax else { return }
        snapshots.insert(key)
        wake()
    }

    private func settle(_ key: FunctionVersionKey) async throws {
        guard let seen = try await metadata.function(key.function, version: key.version)?.configuration,
            Self.isUnsettled(seen)
        else { return }
        if seen.hasSnapStart { givePlaceBack(key) }
        let revisionID = RandomIdentifier.uuid()
        var preparation = Preparation.ready
        var failure: FailureReason?
        do {
            // As which it is to be known.
            var prepared = seen
            prepared.revisionID = revisionID
            preparation = try await prepare(prepared)
            if case .failed(let reason) = preparation { failure = reason }
        } catch {
            // Stopped in the middle: that says nothing about the function.
            if Task.isCancelled { return }
            // Nor does a bucket that can't be reached for a moment: it is tried again.
            if let error = error as? CodeStoreError, error.mayPass { throw error }
            failure = Self.reason(error)
            logger.error(
                "function code can't be used",
                metadata: ["function": "\(key.function.arn(qualifier: key.version))", "cause": "\(error)"]
            )
        }
        let settled = try await metadata.change {
            [unreached, failure, preparation] transaction -> (unused: Set<String>, notes: [String])? in
            // Deleted, or deleted and made anew meanwhile: another turn will settle that one.
            guard var record = try transaction.record(key.function, key.version),
                record.configuration.revisionID == seen.revisionID
            else { return nil }
            let before = record.active
            record.configuration.isSnapStartOptimized = preparation == .snapshot
            let unused = Self.settle(&record, failure: failure, revisionID: revisionID)
            try transaction.update(record)
            var notes = record.active.map {
                IneffectiveParameters.notes($0, before: before, unreached: unreached)
            }
            if case .noSnapshot(let reason) = preparation { notes?.append(IneffectiveParameters.noSnapshot(reason)) }
            return (unused, notes ?? [])
        }
        guard let settled else {
            // What was made for a version that is gone serves nobody.
            if preparation == .snapshot { await activated(key.function, key.version, nil) }
            return
        }
        if failure == nil {
            await invocables.prepare(key)
            await activated(key.function, key.version, revisionID)
        }
        await collector.discardLater(settled.unused)
        await write(settled.notes, seen, topic: "configuration")
    }

    /// Nobody waits for these lines, and no function fails for want of them.
    nonisolated func write(_ notes: [String], _ configuration: FunctionConfiguration, topic: String) async {
        guard !notes.isEmpty else { return }
        do {
            try await logs.append(FunctionNotes.entry(notes, configuration, topic: topic, at: now()))
        } catch {
            logger.error("notes on a function not written", metadata: ["cause": "\(error)"])
        }
    }

    /// - Returns: the code and layers that this function does not use from now on.
    private static func settle(
        _ record: inout FunctionRecord,
        failure: FailureReason?,
        revisionID: String
    ) -> Set<String> {
        record.configuration.revisionID = revisionID
        record.configuration.failure = failure
        guard failure == nil else {
            if record.configuration.state == .pending { record.configuration.state = .failed }
            if record.configuration.lastUpdateStatus != nil { record.configuration.lastUpdateStatus = .failed }
            return []
        }
        let before = record.codeObjectIDs
        record.configuration.state = .active
        record.configuration.lastUpdateStatus = .successful
        record.active = record.configuration
        return before.subtracting(record.codeObjectIDs)
    }

    private static func isUnsettled(_ configuration: FunctionConfiguration) -> Bool {
        configuration.state == .pending || configuration.lastUpdateStatus == .inProgress
    }

    /// AWS's codes; the cause itself is for the server's log.
    private static func reason(_ error: any Error) -> FailureReason {
        if let error = error as? LambdaError ?? (error as? ArchiveRefusal)?.lambdaError {
            return FailureReason(code: "InvalidZipFileException", message: error.wire.message)
        }
        return FailureReason(code: "InternalError", message: "The function's code could not be prepared.")
    }
}
