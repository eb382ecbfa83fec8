// SPDX-License-Identifier: Apache-2.0
package import CodeStore
package import LambdaModel
package import Logging
package import MetadataStore
import ServiceLifecycle

/// Deletes code that no function and no layer version uses any more.
///
/// Layers are shared, so what somebody stopped using is deleted only if nobody else uses it when it falls due.
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
    private let metadata: MetadataStore
    private let now: @Sendable () -> Timestamp
    private let clock: any Clock<Duration>
    private let logger: Logger
    /// In the order they fall due.
    private var waiting: [Waiting] = []

    package init(
        code: CodeStore,
        metadata: MetadataStore,
        now: @escaping @Sendable () -> Timestamp,
        clock: any Clock<Duration>,
        logger: Logger
    ) {
        self.code = code
        self.metadata = metadata
        self.now = now
        self.clock = clock
        self.logger = logger
    }

    /// Deletes what an earlier run left over.
    ///
    /// To be called before anything is served: code that is being uploaded belongs to no function yet.
    /// - Throws: `CodeStoreError`, above all when code is kept elsewhere than the store looks.
    package func collectLeftovers() async throws {
        let used = try await metadata.codeObjectsInUse()
        let there = Set(try await code.objectIDs())
        if let first = used.min(), used.isDisjoint(with: there), try await !code.has(objectID: first) {
            throw CodeStoreError.elsewhere(place: code.place, count: used.count)
        }
        let lost = used.subtracting(there)
        if !lost.isEmpty {
            logger.error(
                "code objects that functions or layers use are not there",
                metadata: ["count": "\(lost.count)", "first": "\(lost.min() ?? "")", "place": "\(code.place)"]
            )
        }
        for objectID in there.subtracting(used).sorted() { await delete(objectID) }
    }

    package func discardLater(_ objectIDs: Set<String>) async {
        for objectID in objectIDs.sorted() {
            putOff(objectID)
            if waiting.count > Self.waitingMax { await deleteUnused(waiting.removeFirst().objectID) }
        }
    }

    private func putOff(_ objectID: String) {
        waiting.append(Waiting(objectID: objectID, due: now().advanced(by: Self.grace)))
    }

    /// For code that never belonged to a function or a layer.
    package func discardNow(_ objectID: String) async {
        if await !delete(objectID), waiting.count < Self.waitingMax { putOff(objectID) }
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

    /// Deletes what has fallen due; what can't be deleted falls due again.
    package func deleteDue() async {
        let time = now()
        while let first = waiting.first, first.due <= time {
            waiting.removeFirst()
            guard await deleteUnused(first.objectID) else {
                // The others would fail too, each after as many tries.
                return putOff(first.objectID)
            }
        }
    }

    /// Who has read a layer before its deletion has long written it into a function by now.
    ///
    /// - Returns: whether it is done with.
    @discardableResult
    private func deleteUnused(_ objectID: String) async -> Bool {
        do {
            guard try await !metadata.usesCodeObject(objectID) else { return true }
        } catch {
            logger.error("code object not deleted", metadata: ["object": "\(objectID)", "cause": "\(error)"])
            return false
        }
        return await delete(objectID)
    }

    /// A failure costs room until the next try, at the latest at the next start, and nothing else.
    ///
    /// - Returns: whether it is gone.
    @discardableResult
    private func delete(_ objectID: String) async -> Bool {
        do {
            try await code.delete(objectID: objectID)
            return true
        } catch {
            logger.error("code object not deleted", metadata: ["object": "\(objectID)", "cause": "\(error)"])
            return false
        }
    }
}
