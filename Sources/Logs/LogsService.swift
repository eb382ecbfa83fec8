// SPDX-License-Identifier: Apache-2.0
package import AWSWire
package import LambdaModel
package import LogStore
package import Logging
import ServiceLifecycle
import Synchronization

/// CloudWatch Logs over the log store: groups, streams and events, for the API.
///
/// Runs until the shutdown begins; drops what is too old and packs older events every few seconds.
package final class LogsService: Service {
    static let sweepInterval = Duration.seconds(10)
    /// AWS's, of one PutLogEvents: events, and bytes of their messages with 26 more for each.
    static let putEventsMax = 10_000
    static let putBytesMax = 1_048_576
    /// Also AWS's: of one answer with events.
    static let pageEventsMax = 10_000
    static let pageBytesMax = 1_048_576

    let store: LogStore
    let now: @Sendable () -> Timestamp
    let clock: any Clock<Duration>
    let liveTails = LiveTailCount()
    private let logger: Logger

    package init(
        store: LogStore,
        now: @escaping @Sendable () -> Timestamp,
        clock: any Clock<Duration>,
        logger: Logger
    ) {
        self.store = store
        self.now = now
        self.clock = clock
        self.logger = logger
    }

    package func run() async throws {
        await withGracefulShutdownHandler {
            await cancelWhenGracefulShutdown { [self] in
                await withDiscardingTaskGroup { group in
                    group.addTask { await self.store.fold(by: self.clock) }
                    group.addTask { await self.sweep() }
                }
            }
        } onGracefulShutdown: { [liveTails] in
            liveTails.close()
        }
    }

    /// Until the task is cancelled.
    private func sweep() async {
        while !Task.isCancelled {
            do {
                try await store.sweep()
                try await clock.sleep(for: Self.sweepInterval)
            } catch is CancellationError {
                return
            } catch {
                logger.error("old log events not dropped or packed", metadata: ["error": "\(error)"])
                try? await clock.sleep(for: Self.sweepInterval)
            }
        }
    }

    /// Does what an operation of CloudWatch Logs' API asks for, all but StartLiveTail.
    ///
    /// - Returns: the answer's JSON; nil where it has none.
    /// - Throws: `LogsError` for every refusal.
    package func perform(
        _ operation: LogsOperation,
        _ input: LogsInput,
        _ caller: LogsCaller
    ) async throws -> JSONValue? {
        do { return try await answer(operation, input, caller) } catch let error as LogStoreError {
            throw Self.refusal(error) ?? error
        }
    }

    /// nil for what is the server's own failure.
    static func refusal(_ error: LogStoreError) -> LogsError? {
        switch error {
        case .noGroup: .noGroup
        case .noStream: .noStream
        case .overloaded: LogsError(.serviceUnavailable, "Too much waits to be written: try again later.")
        case .diskFull:
            LogsError(
                .serviceUnavailable,
                "The server's disk is full: nothing is written, and the newest can't be read."
            )
        case .tooManyGroups:
            LogsError(
                .limitExceeded,
                "Resource limit exceeded: an account has \(LogStore.groupsMax) log groups in a region."
            )
        case .tooManyStreams:
            LogsError(
                .limitExceeded,
                "Resource limit exceeded: CreateLogStream makes \(LogStore.keptStreamsMax) log streams in a log group, "
                    + "\(LogStore.accountKeptStreamsMax) in an account, and \(LogStore.allKeptStreamsMax) in all of this "
                    + "server's: delete some first."
            )
        case .newerDatabase, .entryTooLarge, .exists, .damagedJournal, .undivertedJournal, .linesLost, .unreserved,
            .failed:
            nil
        }
    }

    private func answer(
        _ operation: LogsOperation,
        _ input: LogsInput,
        _ caller: LogsCaller
    ) async throws -> JSONValue? {
        var input = input
        switch operation {
        case .createLogGroup: try await createLogGroup(&input, caller)
        case .deleteLogGroup: try await deleteLogGroup(&input, caller)
        case .describeLogGroups: return try await describeLogGroups(&input, caller)
        case .putRetentionPolicy: try await putRetentionPolicy(&input, caller)
        case .deleteRetentionPolicy: try await deleteRetentionPolicy(&input, caller)
        case .createLogStream: try await createLogStream(&input, caller)
        case .deleteLogStream: try await deleteLogStream(&input, caller)
        case .describeLogStreams: return try await describeLogStreams(&input, caller)
        case .putLogEvents: return try await putLogEvents(&input, caller)
        case .getLogEvents: return try await getLogEvents(&input, caller)
        case .filterLogEvents: return try await filterLogEvents(&input, caller)
        case .tagResource: try await tag(&input, taggedGroup(&input, caller))
        case .tagLogGroup: try await tag(&input, namedGroup(&input, caller))
        case .untagResource: try await untag(&input, taggedGroup(&input, caller), names: "tagKeys")
        case .untagLogGroup: try await untag(&input, namedGroup(&input, caller), names: "tags")
        case .listTagsForResource: return try await listTags(input, taggedGroup(&input, caller))
        case .listTagsLogGroup: return try await listTags(input, namedGroup(&input, caller))
        case .startLiveTail: preconditionFailure("a live tail has its own way in")
        }
        return nil
    }

    func existing(_ key: LogGroupKey) async throws -> LogGroupRecord {
        guard let group = try await store.group(key) else { throw LogsError.noGroup }
        return group
    }
}
