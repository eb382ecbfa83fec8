// SPDX-License-Identifier: Apache-2.0
package import LambdaModel
package import Logging
package import MetadataStore
import ServiceLifecycle

/// Turns functions from Pending to Active, and updates from InProgress to Successful or Failed.
///
/// The metadata store is the queue: an operation leaves the state behind and rings. So nothing is lost when the server
/// dies, and nothing in memory can grow.
package actor FunctionActivator: Service {
    /// Finds out whether a version can run: its code is read, checked and unpacked.
    package typealias Prepare = @Sendable (FunctionConfiguration) async throws -> Void

    /// Versions that are prepared at one time.
    static let concurrencyMax = 4
    /// Before a function is tried again whose outcome couldn't be written.
    static let retryDelay = Duration.seconds(1)

    private let metadata: MetadataStore
    private let collector: CodeCollector
    private let prepare: Prepare
    private let retire: ControlPlane.Retire
    private let clock: any Clock<Duration>
    private let logger: Logger
    private var inFlight: Set<FunctionKey> = []
    /// Rings while the service runs; one ring is as good as many.
    private var ringing: AsyncStream<Void>.Continuation?

    package init(
        metadata: MetadataStore,
        collector: CodeCollector,
        prepare: @escaping Prepare,
        retire: @escaping ControlPlane.Retire,
        clock: any Clock<Duration>,
        logger: Logger
    ) {
        self.metadata = metadata
        self.collector = collector
        self.prepare = prepare
        self.retire = retire
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

    private func claim() async -> [FunctionKey] {
        let unsettled: [FunctionKey]
        do {
            unsettled = try await metadata.unsettledFunctions()
        } catch is CancellationError {
            // The server ends: the next start reads them.
            return []
        } catch {
            logger.error("unsettled functions not read", metadata: ["cause": "\(error)"])
            return []
        }
        let claimed = unsettled.filter { !inFlight.contains($0) }.prefix(Self.concurrencyMax - inFlight.count)
        inFlight.formUnion(claimed)
        return Array(claimed)
    }

    private func work(on key: FunctionKey) async {
        do {
            try await settle(key)
        } catch {
            logger.error("function not settled", metadata: ["function": "\(key.arn)", "cause": "\(error)"])
            do {
                try await clock.sleep(for: Self.retryDelay)
            } catch {
                // Cancelled: the next start goes on from here.
            }
        }
        inFlight.remove(key)
        wake()
    }

    private func settle(_ key: FunctionKey) async throws {
        guard let seen = try await metadata.function(key)?.configuration, Self.isUnsettled(seen) else { return }
        let failure: FailureReason?
        do {
            try await prepare(seen)
            failure = nil
        } catch {
            // Stopped in the middle: that says nothing about the function.
            if Task.isCancelled { return }
            failure = Self.reason(error)
            logger.error("function code can't be used", metadata: ["function": "\(key.arn)", "cause": "\(error)"])
        }
        let revisionID = RandomIdentifier.uuid()
        let replaced: CodeReference?
        do {
            replaced = try await metadata.updateFunction(key) { record in
                // Deleted and made anew meanwhile: another turn will settle that one.
                guard record.configuration.revisionID == seen.revisionID else { return nil }
                return Self.settle(&record, failure: failure, revisionID: revisionID)
            }
        } catch LambdaError.resourceNotFound {
            return
        }
        if failure == nil { await retire(key, revisionID) }
        if let replaced { await collector.discardLater(replaced.objectID) }
    }

    /// - Returns: the code that no one uses from now on.
    private static func settle(
        _ record: inout FunctionRecord,
        failure: FailureReason?,
        revisionID: String
    ) -> CodeReference? {
        record.configuration.revisionID = revisionID
        record.configuration.failure = failure
        guard failure == nil else {
            if record.configuration.state == .pending { record.configuration.state = .failed }
            if record.configuration.lastUpdateStatus != nil { record.configuration.lastUpdateStatus = .failed }
            return nil
        }
        let old = record.active?.code
        record.configuration.state = .active
        record.configuration.lastUpdateStatus = .successful
        record.active = record.configuration
        return old == record.configuration.code ? nil : old
    }

    private static func isUnsettled(_ configuration: FunctionConfiguration) -> Bool {
        configuration.state == .pending || configuration.lastUpdateStatus == .inProgress
    }

    /// AWS's codes; the cause itself is for the server's log.
    private static func reason(_ error: any Error) -> FailureReason {
        if let error = error as? LambdaError {
            return FailureReason(code: "InvalidZipFileException", message: error.wire.message)
        }
        return FailureReason(code: "InternalError", message: "The function's code could not be prepared.")
    }
}
