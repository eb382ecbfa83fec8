// SPDX-License-Identifier: Apache-2.0
package import CodeStore
package import LambdaModel
package import Logging
package import MetadataStore
import ServiceLifecycle

/// Deletes code that no function uses any more.
///
/// Code that was in use is kept for as long as a download URL is good, so that URLs keep their promise and an environment
/// that is just being built from it still finds it. What a crash leaves over is found at the next start.
package actor CodeCollector: Service {
    /// Longer than `CodeLocation.life` and than any environment takes to be built.
    package static let grace = Duration.seconds(660)
    /// Objects waiting; beyond it the oldest goes early.
    static let waitingMax = 10_000
    private static let interval = Duration.seconds(30)

    private struct Waiting {
        var objectID: String
        var due: Timestamp
    }

    private let code: CodeStore
    private let now: @Sendable () -> Timestamp
    private let clock: any Clock<Duration>
    private let logger: Logger
    /// In the order they fall due.
    private var waiting: [Waiting] = []

    package init(
        code: CodeStore,
        now: @escaping @Sendable () -> Timestamp,
        clock: any Clock<Duration>,
        logger: Logger
    ) {
        self.code = code
        self.now = now
        self.clock = clock
        self.logger = logger
    }

    /// Deletes what an earlier run left over.
    ///
    /// To be called before anything is served: code that is being uploaded
    /// belongs to no function yet.
    package func collectLeftovers(_ metadata: MetadataStore) async throws {
        let used = try await metadata.codeObjectsInUse()
        for objectID in try await code.objectIDs() where !used.contains(objectID) { await delete(objectID) }
    }

    package func discardLater(_ objectID: String) async {
        waiting.append(Waiting(objectID: objectID, due: now().advanced(by: Self.grace)))
        if waiting.count > Self.waitingMax { await delete(waiting.removeFirst().objectID) }
    }

    /// For code that never belonged to a function.
    package func discardNow(_ objectID: String) async {
        await delete(objectID)
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while await self.wait() { await self.deleteDue() }
        }
    }

    /// - Returns: false when it is time to stop.
    private func wait() async -> Bool {
        do {
            try await clock.sleep(for: Self.interval)
            return true
        } catch {
            return false
        }
    }

    /// Deletes what has fallen due.
    package func deleteDue() async {
        let time = now()
        while let first = waiting.first, first.due <= time {
            waiting.removeFirst()
            await delete(first.objectID)
        }
    }

    /// A failure costs disk space until the next start, nothing else.
    private func delete(_ objectID: String) async {
        do {
            try await code.delete(objectID: objectID)
        } catch {
            logger.error("code object not deleted", metadata: ["object": "\(objectID)", "cause": "\(error)"])
        }
    }
}
