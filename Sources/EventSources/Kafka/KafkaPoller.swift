// SPDX-License-Identifier: Apache-2.0
import AWSWire
import EventPattern
import InvocationCore
import LambdaModel
import Logging

/// Reads one topic for one function: performs what `GroupMember` decides, with a `KafkaConsumer`, and with another where that has ended.
actor KafkaPoller: SourcePoller {
    typealias Report = @Sendable (EventSourceStatus) -> Void

    /// What the reading of topics needs.
    struct Tools: Sendable {
        var secret: Secret.Finder
        var invoke: EventSourceService.Invoke
        var delivery: DiscardDelivery
        /// Of all mappings of topics.
        var share: KafkaShare
        var lag: EventSourceService.Lag
        /// Wall-clock time.
        var time: @Sendable () -> Timestamp
        var now: @Sendable () -> MonotonicTime
        var clock: any Clock<Duration>
        var logger: Logger
    }

    struct Kept {
        var offset: Int64
        var arrival: Timestamp
        var bytes: [UInt8]
        /// Too large for an event: its headers are left out.
        var isCut: Bool
    }

    private static let restartPauseMax = Duration.seconds(60)

    var plan: EventSourcePlan
    var source: EventSourcePlan.KafkaSource
    private var filter: EventFilter
    let tools: Tools
    private let report: Report
    var member: GroupMember
    private var consumer: KafkaConsumer?
    var inHand: [GroupMember.Seat: [Int: Kept]] = [:]
    private var lastNumber = 0
    /// The last invocation of each seat.
    var attempts: [GroupMember.Seat: DiscardedBatch.Attempt] = [:]
    var discards: [GroupMember.Seat: Task<Bool, Never>] = [:]
    private var alarm: Task<Void, Never>?
    private var pause: Task<Void, Never>?
    private let bell: AsyncStream<Void>
    private let ringing: AsyncStream<Void>.Continuation
    /// Why the topic is not read, and why a partition is not processed.
    private var problem: String?
    private var problems: [Int: String] = [:]
    private var unread = 0
    private var waiting = 0
    private var hasProcessed = false
    /// Before that, a mapping is shown as one that begins.
    private var hasBegun = false

    /// - Throws: `EventPatternError` for filters that are none.
    init(
        _ plan: EventSourcePlan,
        _ source: EventSourcePlan.KafkaSource,
        tools: Tools,
        report: @escaping Report
    ) throws(EventPatternError) {
        filter = try EventFilter(patterns: source.filters, source: .kafka)
        self.plan = plan
        self.source = source
        self.tools = tools
        self.report = report
        member = Self.member(source)
        (bell, ringing) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        ringing.yield()
    }

    private static func member(_ source: EventSourcePlan.KafkaSource) -> GroupMember {
        let envelope = KafkaEvent.envelopeBytes(servers: source.servers, topic: source.topic)
        return GroupMember(
            source.settings,
            payloadBytesMax: LimitsProfile.synchronousPayloadBytesMax - envelope
        )
    }

    func change(_ plan: EventSourcePlan) throws(EventPatternError) {
        guard case .kafka(let source) = plan.source else { return }
        filter = try EventFilter(patterns: source.filters, source: .kafka)
        self.plan = plan
        self.source = source
        member.change(source.settings)
        ringing.yield()
    }

    func stop(isHasty: Bool) {
        member.stop(at: tools.now())
        for discard in discards.values { discard.cancel() }
        pause?.cancel()
        tools.lag(plan, nil)
        tell()
        ringing.yield()
    }

    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.consume() }
            for await _ in bell {
                while let action = member.next(at: tools.now()) { perform(action, &group) }
                consumer?.mailbox.hold(member.bytesInHand)
                setAlarm()
                if member.isFinished, consumer == nil { break }
            }
        }
        alarm?.cancel()
        ringing.finish()
    }

    func ring() { ringing.yield() }

    private func setAlarm() {
        alarm?.cancel()
        guard let due = member.due else { return }
        let delay = max(.milliseconds(1), due - tools.now())
        alarm = Task { [ringing, clock = tools.clock] in
            guard (try? await clock.sleep(for: delay)) != nil else { return }
            ringing.yield()
        }
    }

    private func perform(_ action: GroupMember.Action, _ group: inout DiscardingTaskGroup) {
        switch action {
        case .fetch(let seat, let max, let isEmptyHanded):
            consumer?.mailbox.tell(.fetch(seat, max: max, isEmptyHanded: isEmptyHanded))
        case .invoke(let seat, let numbers): group.addTask { await self.invoke(seat, numbers) }
        case .discard(let seat, let numbers, let reason, let invocations):
            group.addTask { await self.discard(seat, numbers, reason, invocations) }
        case .commit(let seat, let offset, let done):
            for number in done { inHand[seat]?[number] = nil }
            consumer?.mailbox.tell(.commit(seat, offset))
        case .drop(let seat):
            inHand[seat] = nil
            attempts[seat] = nil
        case .release: consumer?.mailbox.tell(.release)
        case .leave: consumer?.mailbox.tell(.leave)
        }
    }

    // MARK: Consumers

    /// One consumer after the other, as long as there is to be one; each begins with the secrets of its time.
    private func consume() async {
        var turns = 0
        while !member.isStopping {
            if tools.share.takeTopic(plan.key.accountID) {
                let began = tools.now()
                await session()
                tools.share.giveBackTopic(plan.key.accountID)
                // One that held out for long begins anew.
                turns = tools.now() - began > Self.restartPauseMax ? 0 : turns + 1
            } else {
                set(problem: "As many other topics are read as there may be at one time.")
                turns = 1
            }
            guard !member.isStopping else { break }
            await rest(min(Self.restartPauseMax, .seconds(1 << min(turns, 6))))
        }
        // Where there was no consumer to be told.
        member.lost(at: tools.now())
        ringing.yield()
    }

    private func rest(_ duration: Duration) async {
        let task = Task { [clock = tools.clock] in _ = try? await clock.sleep(for: duration) }
        pause = task
        await task.value
        pause = nil
    }

    private func session() async {
        let configuration: KafkaConfiguration
        do {
            configuration = try KafkaConfiguration(source) {
                [tools, account = plan.key.accountID] arn throws(SecretFailure) in
                try tools.secret(arn, account)
            }
        } catch {
            return set(problem: error.problem)
        }
        guard
            let consumer = KafkaConsumer(
                configuration,
                tools.share,
                account: plan.key.accountID,
                logger: tools.logger
            )
        else {
            return set(problem: "The server has no file descriptor left.")
        }
        self.consumer = consumer
        for await notice in consumer.notices { handle(notice, consumer) }
        self.consumer = nil
        tools.lag(plan, nil)
        member.lost(at: tools.now())
        ringing.yield()
    }

    private func handle(_ notice: KafkaNotice, _ consumer: KafkaConsumer) {
        let now = tools.now()
        switch notice {
        case .assigned(let offsets, let unread, let waiting):
            (self.unread, self.waiting) = (unread, waiting)
            problems = [:]
            member.assigned(offsets, at: now)
            set(problem: nil)
        case .revoked(let isLost): member.revoked(isLost: isLost, at: now)
        case .records(let seat, let records, let hasMore, let bytes):
            receive(seat, records, hasMore: hasMore, at: now)
            consumer.mailbox.hold(member.bytesInHand, settled: bytes)
        case .committed(let seat, let isDone): member.committed(seat, isDone: isDone, at: now)
        case .ends(let ends): tools.lag(plan, member.lag(before: ends))
        case .problem(let problem): set(problem: problem.text, cause: problem.cause)
        case .fine: set(problem: nil)
        case .closed: break
        }
        ringing.yield()
    }

    private func receive(_ seat: GroupMember.Seat, _ records: [KafkaRecord], hasMore: Bool, at now: MonotonicTime) {
        guard member.holds(seat) else { return }
        let time = tools.time()
        let found = records.map { record in
            // Headers take many times their size.
            let isCut = record.jsonBytesMin > LimitsProfile.synchronousPayloadBytesMax
            var shown = record
            if isCut { shown.headers = [] }
            let json = shown.json(topic: source.topic, partition: seat.partition)
            guard filter.matches(record: json, data: record.value) else {
                return GroupMember.Record(offset: record.offset, wanted: nil)
            }
            lastNumber += 1
            let (bytes, arrival) = (json.bytes, record.arrival(time))
            let kept = Kept(offset: record.offset, arrival: arrival, bytes: bytes, isCut: isCut)
            inHand[seat, default: [:]][lastNumber] = kept
            let age = time.millisecondsSinceEpoch - arrival.millisecondsSinceEpoch
            return GroupMember.Record(
                offset: record.offset,
                wanted: .init(
                    number: lastNumber,
                    bytes: isCut ? max(bytes.count, record.jsonBytesMin) : bytes.count,
                    age: .milliseconds(max(0, age)),
                    arrival: arrival
                )
            )
        }
        for number in member.fetched(seat, found, hasMore: hasMore, at: now) { inHand[seat]?[number] = nil }
    }

    // MARK: What is told

    func note(_ seat: GroupMember.Seat, problem: String?) {
        problems[seat.partition] = problem
        if problem == nil { hasProcessed = true }
        tell()
    }

    private func set(problem: String?, cause: String? = nil) {
        hasBegun = true
        guard problem != self.problem else { return tell() }
        self.problem = problem
        if let problem { tools.logger.warning("a topic is not read", metadata: ["cause": "\(cause ?? problem)"]) }
        tell()
    }

    private func tell() {
        guard hasBegun || member.isStopping else { return }
        report(
            EventSourceStatus(
                member.isStopping ? .ending : .reading,
                problem: problem ?? problems.min { $0.key < $1.key }?.value ?? crowd,
                hasProcessed: hasProcessed
            )
        )
    }

    private var crowd: String? {
        if waiting > 0 {
            return "\(waiting) partitions wait for memory: those that are read have what there is (--kafka-memory)."
        }
        guard unread > 0 else { return nil }
        return "\(unread) partitions are not read: a mapping has \(KafkaSession.partitionsMax) at the most."
    }
}
