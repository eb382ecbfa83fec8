// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import LogStore
import Logging
import MetadataStore
import Synchronization
import Testing

@testable import ControlPlane

struct ProvisionedMeterTests {
    /// Passes as much time as is slept, so many times; then 3.5 s, at the end of which whoever sleeps is cancelled.
    private final class CountedClock: Clock, Sendable {
        struct Instant: InstantProtocol {
            var offset: Duration

            func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
            func duration(to other: Instant) -> Duration { other.offset - offset }
            static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
        }

        private let state: Mutex<(now: Instant, sleeps: Int)>
        let isAtEnd = AsyncStream<Void>.makeStream()

        init(sleeps: Int) { state = Mutex((Instant(offset: .zero), sleeps)) }

        var now: Instant { state.withLock { $0.now } }
        var minimumResolution: Duration { .zero }

        func sleep(until deadline: Instant, tolerance: Duration?) async throws {
            try Task.checkCancellation()
            let goesOn = state.withLock { state in
                defer { state.sleeps -= 1 }
                state.now = state.sleeps > 0 ? deadline : state.now.advanced(by: .microseconds(3_500_999))
                return state.sleeps > 0
            }
            if goesOn { return }
            isAtEnd.continuation.yield()
            try await Task.sleep(for: .seconds(3_600))
        }
    }

    private let fixture: ControlPlaneFixture
    private let configuration: FunctionConfiguration

    init() async throws {
        let fixture = try ControlPlaneFixture()
        self.fixture = fixture
        try await fixture.create("f")
        let page = try await fixture.metadata.read { transaction in
            try transaction.functions(accountID: "000000000000", region: "us-east-1", after: nil, limit: 1).page
        }
        configuration = try #require(page.first)
    }

    private func meter(
        _ clock: CountedClock,
        _ inUse: @escaping @Sendable () async -> Void = {}
    ) -> ProvisionedMeter<CountedClock> {
        ProvisionedMeter(
            clock: clock,
            inUse: { [configuration] in
                await inUse()
                return [(configuration, 2)]
            },
            logs: fixture.logs,
            board: BudgetBoard(),
            now: { Timestamp(millisecondsSinceEpoch: 1_764_025_947_000) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    private func provisionedMilliseconds() async throws -> [Int64] {
        let period = Timestamp(millisecondsSinceEpoch: 0)..<Timestamp(millisecondsSinceEpoch: 1_900_000_000_000)
        let query = UsageQuery(accountID: "000000000000", region: "us-east-1", period: period)
        return try await fixture.logs.usage(query).map(\.provisionedMilliseconds)
    }

    @Test func `what was counted until the end is stored`() async throws {
        defer { try? fixture.remove() }
        let clock = CountedClock(sleeps: 3)
        let meter = meter(clock)
        let run = Task { try? await meter.run() }
        for await _ in clock.isAtEnd.stream { break }
        run.cancel()
        await run.value
        #expect(try await provisionedMilliseconds() == [2 * (30_000 + 3_500)])
    }

    @Test func `of what the store does not take for long the first is kept`() {
        func use(_ day: Int64, _ milliseconds: Int64) -> ProvisionedUse {
            let key = UsageLine.Key(
                day: day,
                function: configuration.key,
                version: "1",
                memoryMiB: 128,
                architecture: configuration.architecture
            )
            return ProvisionedUse(key: key, milliseconds: milliseconds)
        }
        defer { try? fixture.remove() }
        var backlog = ProvisionedBacklog()
        for day in 0..<10_003 { backlog.add(use(Int64(day), 1)) }
        #expect(backlog.bound() == 3)
        backlog.add(use(0, 2))
        #expect(backlog.bound() == 0)
        #expect(backlog.uses.first == use(0, 3) && backlog.uses.last == use(9_999, 1))
    }

    @Test func `the end cuts off no write`() async throws {
        defer { try? fixture.remove() }
        let isCounting = AsyncStream<Void>.makeStream()
        let mayGoOn = AsyncStream<Void>.makeStream()
        let meter = meter(CountedClock(sleeps: 1)) {
            isCounting.continuation.yield()
            for await _ in mayGoOn.stream { break }
        }
        let run = Task { try? await meter.run() }
        for await _ in isCounting.stream { break }
        run.cancel()
        mayGoOn.continuation.finish()
        await run.value
        #expect(try await provisionedMilliseconds() == [2 * 10_000])
    }
}
