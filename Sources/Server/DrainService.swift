// SPDX-License-Identifier: Apache-2.0
import EventSources
import ExecutionEnvironments
import Invoker
import Logging
import Schedules
import ServiceLifecycle
import Synchronization

/// Hears of the shutdown before all that serves: takes no new work, and lets running invocations end.
///
/// Also ends the server when the spawner has ended, with which every sandbox has.
final class DrainService: Service {
    let spawnerEnding: SpawnerEnding
    private let pool: EnvironmentPool
    private let events: AsyncInvokeQueue
    private let readers: EventSourceService
    private let schedules: ScheduleDriver?
    private let timeout: Duration
    private let logger: Logger

    init(
        pool: EnvironmentPool,
        events: AsyncInvokeQueue,
        readers: EventSourceService,
        schedules: ScheduleDriver?,
        timeout: Duration,
        spawnerEnding: SpawnerEnding,
        logger: Logger
    ) {
        self.pool = pool
        self.events = events
        self.readers = readers
        self.schedules = schedules
        self.timeout = timeout
        self.spawnerEnding = spawnerEnding
        self.logger = logger
    }

    /// A service that returns ends the group, as a signal does.
    func run() async throws {
        await withGracefulShutdownHandler {
            for await _ in self.spawnerEnding.signals { break }
        } onGracefulShutdown: {
            self.spawnerEnding.wake()
        }
        await schedules?.end()
        await events.end()
        await readers.end()
        if await !pool.isEmpty {
            logger.info("no new work; waiting for running invocations", metadata: ["timeout": "\(timeout)"])
        }
        await pool.drain(timeout: spawnerEnding.hasEnded ? .zero : timeout)
    }
}

/// Runs the environments until the drain has ended every one of them.
struct PoolService: Service {
    let pool: EnvironmentPool

    func run() async throws {
        await pool.run()
        // The group takes a service that ends before its turn for one that failed.
        try await gracefulShutdown()
    }
}

/// Whether the spawner has ended, and a way to wait for it.
final class SpawnerEnding: Sendable {
    let signals: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation
    private let state = Mutex(false)

    init() { (signals, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1)) }

    var hasEnded: Bool { state.withLock { $0 } }

    func signal() {
        state.withLock { $0 = true }
        wake()
    }

    func wake() { continuation.yield() }
}
