// SPDX-License-Identifier: Apache-2.0
import Foundation
import InvocationCore
import LambdaModel
import Logging
import MetadataStore
import Synchronization
import Testing

@testable import ControlPlane
@testable import LogStore

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

    /// A store of so few pages that 5,000 versions' time is too much for it.
    @Test(arguments: [(versions: 1, milliseconds: Int64(20_000)), (versions: 5_000, milliseconds: 0)])
    func `a budget counts what is stored, and nothing else`(versions: Int, milliseconds: Int64) async throws {
        let directory = fixture.directory + "/few-pages"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? fixture.remove() }
        let time = Timestamp(millisecondsSinceEpoch: 1_764_025_947_000)
        let logs = try LogStore(
            directory: directory,
            retention: LogRetention(),
            pagesMax: 60,
            writeMax: .seconds(1),
            now: { time },
            onBackgroundFailure: { _ in }
        )
        let board = BudgetBoard()
        let id = BudgetID(accountID: "000000000000", region: "us-east-1", name: "b")
        let budget = Budget(
            scope: .function(name: "f"),
            unit: .gigabyteSeconds,
            limit: 1_000_000_000,
            period: .day,
            action: .warn
        )
        board.change { $0.put(id, budget, functions: [configuration.key], used: UsageQuantities(), at: time) }
        let clock = CountedClock(sleeps: 2)
        let meter = ProvisionedMeter(
            clock: clock,
            inUse: { [configuration] in
                // At the end there are none any more.
                guard clock.now.offset <= .seconds(20) else { return [] }
                return (1...versions).map { version in
                    var configuration = configuration
                    configuration.version = "\(version)"
                    return (configuration, 1)
                }
            },
            logs: logs,
            board: board,
            now: { time },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let run = Task { try? await meter.run() }
        for await _ in clock.isAtEnd.stream { break }
        run.cancel()
        await run.value
        let query = UsageQuery(accountID: "000000000000", region: "us-east-1", period: budget.period.range(at: time))
        let stored = try await logs.usage(query)
        #expect(stored.reduce(0) { $0 + $1.provisionedMilliseconds } == milliseconds)
        #expect(board.entries[id]?.used == stored.reduce(into: UsageQuantities()) { $0 += UsageQuantities($1) })
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
