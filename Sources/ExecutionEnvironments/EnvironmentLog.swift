// SPDX-License-Identifier: Apache-2.0
import Egress
import InvocationCore
import LambdaModel
import LinuxSandbox
import LogStore
import Logging
import Synchronization

/// An environment's log stream, and the usage records of its invocations.
///
/// An invocation's last lines and its usage record are one write to the log store, and the caller is answered after it: what was
/// answered is on record even if the server is killed at that moment.
final class EnvironmentLog: Sendable {
    private enum Work: Sendable {
        case flush
        case finish(InvocationInHand, [LoggedEvent], UsageRecord, tail: [UInt8])
    }

    let collector: LogCollector
    /// Name of the log stream.
    let stream: String
    let meter = EgressMeter()
    private let configuration: FunctionConfiguration
    private let group: LogGroupKey
    private let workshop: EnvironmentWorkshop
    private let work = AsyncStream<Work>.makeStream(bufferingPolicy: .bufferingOldest(16))
    private let meteredAtStart = Mutex(EgressMeter.Snapshot())

    init(_ configuration: FunctionConfiguration, workshop: EnvironmentWorkshop) throws(SyscallError) {
        self.configuration = configuration
        self.workshop = workshop
        let key = configuration.key
        group = LogGroupKey(accountID: key.accountID, region: key.region, name: configuration.logging.logGroup)
        stream =
            LogStreamName(
                startedAt: workshop.now(),
                version: configuration.version,
                random: (.random(in: 0...UInt64.max), .random(in: 0...UInt64.max))
            ).description
        collector = try LogCollector(reactor: workshop.reactor, now: workshop.now)
    }

    /// Writes to the store until `finish`, and closes the pipes then.
    func run() async {
        for await work in work.stream {
            switch work {
            case .flush: await store(events(), usage: nil)
            case .finish(let inHand, let events, let usage, let tail):
                await store(events, usage: usage)
                inHand.answer(logTail: tail)
            }
        }
        collector.drain()
        await store(events(), usage: nil)
        collector.close()
    }

    func finish() { work.continuation.finish() }

    // MARK: - Lines

    func add(_ line: PlatformLogLine) {
        guard let text = line.text else { return }
        collector.add(platformLine: text)
    }

    func begin(_ id: InvocationID) {
        collector.beginTail()
        meteredAtStart.withLock { $0 = meter.snapshot() }
        add(.start(id, version: configuration.version))
    }

    /// What was written so far becomes readable while the invocation runs.
    func flush() { work.continuation.yield(.flush) }

    func finish(_ report: InvocationReport, of inHand: InvocationInHand, maxMemoryUsedMiB: Int) {
        collector.drain()
        add(.end(report.id))
        add(.report(report, memoryMiB: configuration.memoryMiB, maxMemoryUsedMiB: maxMemoryUsedMiB))
        let usage = usageRecord(report, inHand, maxMemoryUsedMiB)
        let result = work.continuation.yield(.finish(inHand, events(), usage, tail: collector.tail()))
        guard case .enqueued = result else {
            workshop.logger.error("usage record lost", metadata: ["requestID": "\(report.id)"])
            return inHand.answer(logTail: collector.tail())
        }
    }

    private func events() -> [LoggedEvent] {
        do {
            return try collector.takeEvents()
        } catch {
            workshop.logger.error("log reading stopped", metadata: ["stream": "\(stream)", "error": "\(error)"])
            return []
        }
    }

    private func store(_ events: [LoggedEvent], usage: UsageRecord?) async {
        guard !events.isEmpty || usage != nil else { return }
        do {
            try await workshop.logs.append(JournalEntry(group: group, stream: stream, events: events, usage: usage))
        } catch {
            // A full disk must not stop synchronous invocations: the loss is told here.
            workshop.logger.error("log events lost", metadata: ["stream": "\(stream)", "error": "\(error)"])
        }
    }

    private func usageRecord(
        _ report: InvocationReport,
        _ inHand: InvocationInHand,
        _ maxMemoryUsedMiB: Int
    ) -> UsageRecord {
        let bytes = meter.snapshot() - meteredAtStart.withLock { $0 }
        let outcome =
            switch report.status {
            case .success: "success"
            case .functionError, .runtimeError: "error"
            case .timeout: "timeout"
            case .environmentLost: "lost"
            }
        return UsageRecord(
            requestID: inHand.request.requestID,
            function: configuration.key,
            version: configuration.version,
            startedAt: inHand.startedAt,
            memoryMiB: configuration.memoryMiB,
            durationMicroseconds: report.duration.wholeNanoseconds / 1_000,
            billedMilliseconds: report.status == .environmentLost ? 0 : report.billed.milliseconds,
            initMicroseconds: report.initDuration.map { $0.wholeNanoseconds / 1_000 },
            maxMemoryUsedMiB: min(maxMemoryUsedMiB, configuration.memoryMiB),
            ephemeralStorageMiB: configuration.ephemeralStorageMiB,
            egressBytes: bytes.sent,
            ingressBytes: bytes.received,
            outcome: outcome,
            architecture: configuration.architecture,
            executedEnvironmentID: stream
        )
    }
}
