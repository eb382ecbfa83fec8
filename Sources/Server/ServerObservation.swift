// SPDX-License-Identifier: Apache-2.0
import ControlPlane
import Egress
import ExecutionEnvironments
import Glibc
import HTTPAPI
import InvocationCore
import Invoker
import LinuxSandbox
import MetricCore
import Monitoring
import NIOCore
import ServerConfiguration

/// What `/metrics` says: the functions' metrics, and the server's own as they are at that moment.
struct ServerObservation: Sendable {
    let registry: MetricRegistry
    let service: MetricsService
    let pool: EnvironmentPool
    let workshop: EnvironmentWorkshop
    let events: AsyncInvokeQueue
    let budget: EgressBudget
    let budgetBoard: BudgetBoard
    let descriptorsMax: Int
    /// Seconds since 1970.
    let started: Double

    /// A loop that does not answer for that long is told of with that.
    private static let lagMax = Duration.seconds(2)

    func text() async -> [UInt8] {
        var exposition = Exposition()
        exposition.add(registry.all)
        exposition.add(await values())
        return exposition.bytes
    }

    private func values() async -> ServerValues {
        var values = ServerValues()
        let census = await pool.census
        for (state, count) in census.counts.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            values.set(.environments, state.rawValue, to: count)
        }
        values.set(.invocationsWaiting, to: census.waiting)
        values.set(.memoryReckoned, to: census.reckonedMiB << 20)
        values.set(.memoryLimit, to: census.memoryMiB << 20)
        for producer in MetricRegistry.Producer.allCases {
            values.set(.environmentStarts, "\(producer)", to: registry.environmentStarts(producer))
        }
        for (runtime, count) in (workshop.blanks?.ready ?? [:]).sorted(by: { $0.key < $1.key }) {
            values.set(.blankEnvironments, runtime, to: count)
        }
        values.set(.zygotes, to: workshop.blanks?.zygotesCount ?? 0)
        values.set(.snapshots, to: workshop.snapshots?.count ?? 0)
        for request in SpawnerClient.Request.allCases {
            if let histogram = workshop.foundation.spawner.latency(of: request) {
                values.set(.spawnerSeconds, request.rawValue, to: histogram)
            }
        }
        values.set(.egressDescriptors, to: budget.takenCount)
        values.set(.egressDescriptorsMax, to: budget.total)
        values.set(.series, to: registry.count)
        values.set(.seriesMax, to: registry.countMax)
        values.set(.pointsLost, to: service.lostCount)
        if let spans = workshop.spans?.counts {
            values.set(.spansSent, to: spans.sent)
            values.set(.spansDropped, to: spans.dropped)
        }
        let told = budgetBoard.eventCounts
        for kind in BudgetEvent.Kind.allCases { values.set(.budgetEvents, kind.rawValue, to: told[kind] ?? 0) }
        // What is known is told, whatever the disk has to say.
        if let counts = try? await events.counts() { add(counts, to: &values) }
        await addLags(to: &values)
        addProcess(to: &values)
        return values
    }

    private func add(_ metrics: AsyncMetrics, to values: inout ServerValues) {
        let (depth, tally) = (metrics.depth, metrics.tally)
        values.set(.asyncWaiting, to: depth.events)
        values.set(.asyncAttempts, to: depth.attempts)
        values.set(.asyncOldest, to: depth.oldestEventAge.inSeconds)
        values.set(.deliveriesWaiting, to: depth.deliveries)
        values.set(.deliveriesOldest, to: depth.oldestDeliveryAge.inSeconds)
        values.set(.asyncWaitingMax, to: depth.countMax)
        values.set(.asyncRefused, to: tally.eventsRefused)
        values.set(.asyncRetries, to: tally.retries)
        values.set(.asyncDelays, to: tally.delays)
        for condition in AsyncRetryPolicy.Condition.allCases {
            values.set(.asyncEnded, condition.rawValue, to: tally.ended[condition] ?? 0)
        }
        for service in DestinationARN.Service.allCases where service != .lambda {
            values.set(.delivered, service.rawValue, to: tally.delivered[service] ?? 0)
        }
    }

    private func addLags(to values: inout ServerValues) async {
        let loops = [("api", workshop.group), ("egress", workshop.egressGroup)]
            .flatMap { name, group in group.makeIterator().enumerated().map { (name: "\(name)-\($0)", loop: $1) } }
        let lags = await withTaskGroup(of: (Int, Double).self) { group in
            for (index, each) in loops.enumerated() {
                group.addTask { (index, await Self.lag(of: each.loop).inSeconds) }
            }
            return await group.reduce(into: [Int: Double]()) { $0[$1.0] = $1.1 }
        }
        for (index, each) in loops.enumerated() { values.set(.eventLoopLag, each.name, to: lags[index] ?? 0) }
    }

    private static func lag(of loop: any EventLoop) async -> Duration {
        let began = MonotonicTime.now
        let (answers, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingOldest(1))
        loop.execute { continuation.yield() }
        let timer = Task {
            try? await Task.sleep(for: lagMax)
            continuation.finish()
        }
        for await _ in answers { break }
        timer.cancel()
        return .now - began
    }

    private func addProcess(to values: inout ServerValues) {
        // POSIX has it in millionths of a second.
        values.set(.processorSeconds, to: Double(clock()) / 1_000_000)
        if let text = try? FileText.read("/proc/self/statm"), let pages = text.split(separator: " ").dropFirst().first {
            values.set(.residentBytes, to: (Int(pages) ?? 0) * sysconf(Int32(_SC_PAGESIZE)))
        }
        if let count = Self.descriptorsCount() { values.set(.openDescriptors, to: count) }
        values.set(.descriptorsMax, to: descriptorsMax)
        values.set(.startTime, to: started)
    }

    /// But the one that counts them.
    private static func descriptorsCount() -> Int? {
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        var count = -3
        while readdir(directory) != nil { count += 1 }
        return count
    }
}

extension MetricsAccess {
    init(_ configured: ServeConfiguration.MetricsAccess) {
        self =
            switch configured {
            case .signed: .signed
            case .open: .open
            case .off: .off
            }
    }
}
