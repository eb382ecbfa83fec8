// SPDX-License-Identifier: Apache-2.0
import CRDKafka
import InvocationCore
import LambdaModel
import Logging

/// What the thread of one consumer does, from its configuration to its end; used by that thread alone.
///
/// librdkafka tells of everything through queues, which wake the thread by the mailbox's descriptor: no callback of ours runs on
/// its threads. Each partition has a queue of its own, which is read when the mailbox asks for it; what is fetched ahead
/// has librdkafka's own limits.
final class KafkaSession {
    typealias Say = (KafkaNotice) -> Void

    /// Of one mapping; each has a queue, and what is fetched ahead.
    static let partitionsMax = 1_000
    /// Of one page, about: one record may be larger.
    private static let pageBytesMax = 4 << 20
    /// What a broker is asked for in passing is waited for so long, in milliseconds.
    private static let askMilliseconds: CInt = 10_000
    private static let probeMilliseconds: CInt = 2_000
    /// The thread looks around although nobody woke it.
    private static let turnMilliseconds: CInt = 500
    private static let probePause = Duration.seconds(5)
    private static let locatePause = Duration.seconds(2)
    /// Partitions wait for memory so long before it is looked whether there is some.
    private static let waitPause = Duration.seconds(20)
    /// Where partitions end is told so often, and soon after they were assigned.
    private static let lookPause = Duration.seconds(5)
    private static let firstLookPause = Duration.seconds(1)
    /// Brokers that did not say where partitions end are not asked again for so long.
    private static let askPause = Duration.seconds(60)

    /// What says that a problem is no more, and in which order problems are shown.
    private enum Ground: CaseIterable {
        /// Records, or a broker that knows the topic.
        case reading
        /// An assignment.
        case group
        /// The next commits of the partitions whose last failed, or an assignment.
        case commits
    }

    private struct Want {
        var seat: GroupMember.Seat
        var max: Int
        var isEmptyHanded: Bool
    }

    private let configuration: KafkaConfiguration
    private let mailbox: KafkaMailbox
    private let logger: Logger
    private let say: Say
    private let client: OpaquePointer
    private let queue: OpaquePointer
    private var partitionQueues: [Int: OpaquePointer] = [:]
    private var wants: [Int: Want] = [:]
    private var commits: [Int: (seat: GroupMember.Seat, offset: Int64)] = [:]
    /// What the group gives, until it is known where to begin.
    private var unlocated: [Int] = []
    private var locateDue = ContinuousClock.now
    /// Of those, and of those that are read.
    private var places = 0
    private var assigned: [Int] = []
    private var lookDue = ContinuousClock.now
    private var askDue = ContinuousClock.now
    private var hasWaiting = false
    private var waitDue = ContinuousClock.now
    private var problems: [Ground: KafkaProblem] = [:]
    private var shown: KafkaProblem?
    /// Whose last commit failed.
    private var uncommitted: Set<Int> = []
    private var probeDue = ContinuousClock.now
    private var isFatal = false

    /// Begins to join the group.
    init(
        _ configuration: KafkaConfiguration,
        _ mailbox: KafkaMailbox,
        _ logger: Logger,
        say: @escaping Say
    ) throws(KafkaProblem) {
        self.configuration = configuration
        self.mailbox = mailbox
        self.logger = logger
        self.say = say
        try KafkaLibrary.check(rd_kafka_version())
        client = try Self.client(configuration)
        guard let queue = rd_kafka_queue_get_consumer(client) else {
            rd_kafka_destroy(client)
            throw KafkaProblem("The topic could not be read.", cause: "no queue of the consumer")
        }
        self.queue = queue
        rd_kafka_poll_set_consumer(client)
        rd_kafka_set_log_queue(client, queue)
        wake(on: queue)
        let topics = rd_kafka_topic_partition_list_new(1)
        rd_kafka_topic_partition_list_add(topics, configuration.topic, RD_KAFKA_PARTITION_UA)
        let code = rd_kafka_subscribe(client, topics)
        rd_kafka_topic_partition_list_destroy(topics)
        // Only a list that is empty is refused.
        precondition(code == RD_KAFKA_RESP_ERR_NO_ERROR, "rd_kafka_subscribe: \(KafkaProblem.name(code))")
    }

    private static func client(_ configuration: KafkaConfiguration) throws(KafkaProblem) -> OpaquePointer {
        var reason = [CChar](repeating: 0, count: 512)
        func text() -> String {
            String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        let settings = rd_kafka_conf_new()
        for (name, value) in configuration.properties {
            guard rd_kafka_conf_set(settings, name, value, &reason, reason.count) == RD_KAFKA_CONF_OK else {
                rd_kafka_conf_destroy(settings)
                // The reason may have the value in it, which may be a secret.
                throw KafkaProblem(
                    name.hasPrefix("ssl.")
                        ? "Provided certificate or private key is invalid."
                        : "The topic could not be read: '\(name)' can't be set.",
                    cause: name
                )
            }
        }
        rd_kafka_conf_set_events(
            settings,
            RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG
        )
        guard let client = rd_kafka_new(RD_KAFKA_CONSUMER, settings, &reason, reason.count) else {
            rd_kafka_conf_destroy(settings)
            let isTLS = text().contains("ssl.")
            throw KafkaProblem(
                isTLS ? "Provided certificate or private key is invalid." : "The topic could not be read.",
                cause: text()
            )
        }
        return client
    }

    private func wake(on queue: OpaquePointer) {
        var one: UInt64 = 1
        rd_kafka_queue_io_event_enable(queue, mailbox.descriptor, &one, MemoryLayout<UInt64>.size)
    }

    /// Until it is told to leave, or the client is of no use any more.
    func run() {
        var isLeaving = false
        while !isLeaving, !isFatal {
            mailbox.wait(milliseconds: Self.turnMilliseconds)
            for command in mailbox.take() { if !perform(command) { isLeaving = true } }
            serve()
            if !unlocated.isEmpty, ContinuousClock.now >= locateDue { locate() }
            sweep()
            if !mailbox.isLeaving, ContinuousClock.now >= lookDue { look() }
            if problems[.reading] != nil, ContinuousClock.now >= probeDue { probe() }
            if hasWaiting, ContinuousClock.now >= waitDue {
                waitDue = .now + Self.waitPause
                // Another session takes what there is then.
                if mailbox.hasPartition { isFatal = true }
            }
        }
        close()
    }

    private func close() {
        givePlacesBack()
        for queue in partitionQueues.values {
            rd_kafka_queue_io_event_enable(queue, -1, nil, 0)
            rd_kafka_queue_destroy(queue)
        }
        rd_kafka_queue_io_event_enable(queue, -1, nil, 0)
        rd_kafka_queue_destroy(queue)
        // Brokers that hang: librdkafka (2.0.2) would wait for their answer to a commit without end.
        guard commits.isEmpty else { return rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE) }
        // Says goodbye to the group, where it can be reached, so that others need not wait.
        rd_kafka_consumer_close(client)
        rd_kafka_destroy(client)
    }

    // MARK: Commands

    /// - Returns: false for the last of them.
    private func perform(_ command: KafkaCommand) -> Bool {
        switch command {
        case .fetch(let seat, let max, let isEmptyHanded):
            wants[seat.partition] = Want(seat: seat, max: max, isEmptyHanded: isEmptyHanded)
        case .commit(let seat, let offset): commit(seat, offset)
        case .release: release()
        case .leave: return false
        }
        return true
    }

    private func release() {
        wants = [:]
        unlocated = []
        givePlacesBack()
        rd_kafka_assign(client, nil)
    }

    private func commit(_ seat: GroupMember.Seat, _ offset: Int64) {
        let list = rd_kafka_topic_partition_list_new(1)
        defer { rd_kafka_topic_partition_list_destroy(list) }
        rd_kafka_topic_partition_list_add(list, configuration.topic, Int32(seat.partition)).pointee.offset = offset
        commits[seat.partition] = (seat, offset)
        let code = rd_kafka_commit_queue(client, list, queue, nil, nil)
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        commits[seat.partition] = nil
        isCommitted(seat.partition, code)
        say(.committed(seat, isDone: false))
    }

    // MARK: Events

    private func serve() {
        while let event = rd_kafka_queue_poll(queue, 0) {
            defer { rd_kafka_event_destroy(event) }
            switch rd_kafka_event_type(event) {
            case RD_KAFKA_EVENT_REBALANCE: rebalance(event)
            case RD_KAFKA_EVENT_OFFSET_COMMIT: committed(event)
            case RD_KAFKA_EVENT_LOG: log(event)
            case RD_KAFKA_EVENT_ERROR:
                note(rd_kafka_event_error(event), Self.text(rd_kafka_event_error_string(event)))
                if rd_kafka_event_error_is_fatal(event) != 0 { isFatal = true }
            case RD_KAFKA_EVENT_FETCH:
                // Partitions have queues of their own; here are errors only.
                if let message = rd_kafka_event_message_next(event) {
                    note(message.pointee.err, Self.text(rd_kafka_message_errstr(message)))
                }
            default: break
            }
        }
    }

    private func rebalance(_ event: OpaquePointer) {
        let code = rd_kafka_event_error(event)
        guard code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS else {
            unlocated = []
            wants = [:]
            givePlacesBack()
            return say(.revoked(isLost: rd_kafka_assignment_lost(client) != 0))
        }
        unlocated = Self.partitions(rd_kafka_event_topic_partition_list(event)).map { Int($0.partition) }.sorted()
        locateDue = .now
        if unlocated.isEmpty {
            rd_kafka_assign(client, rd_kafka_event_topic_partition_list(event))
            say(.assigned([:], unread: 0, waiting: 0))
            isAssigned()
        }
    }

    private func committed(_ event: OpaquePointer) {
        let code = rd_kafka_event_error(event)
        let items = Self.partitions(rd_kafka_event_topic_partition_list(event))
        if items.isEmpty, code != RD_KAFKA_RESP_ERR_NO_ERROR {
            // It may be any: what is told twice is told once.
            for (partition, commit) in commits {
                isCommitted(partition, code)
                say(.committed(commit.seat, isDone: false))
            }
            commits = [:]
        }
        for item in items {
            // One that came late, of a seat that is the group's again, says nothing of the next.
            guard let (seat, offset) = commits[Int(item.partition)], item.offset == offset else { continue }
            commits[Int(item.partition)] = nil
            let worst = code == RD_KAFKA_RESP_ERR_NO_ERROR ? item.err : code
            isCommitted(seat.partition, worst)
            say(.committed(seat, isDone: worst == RD_KAFKA_RESP_ERR_NO_ERROR))
        }
    }

    private func log(_ event: OpaquePointer) {
        var facility: UnsafePointer<CChar>?
        var text: UnsafePointer<CChar>?
        var level: CInt = 0
        guard rd_kafka_event_log(event, &facility, &text, &level) == 0 else { return }
        // syslog's levels. Its errors are its brokers', and told of where they matter.
        logger.log(
            level: level <= 4 ? .info : .debug,
            "librdkafka",
            metadata: ["facility": "\(Self.text(facility))", "text": "\(KafkaProblem.shown(Self.text(text)))"]
        )
    }

    private func note(_ code: rd_kafka_resp_err_t, _ reason: String) {
        guard let found = KafkaProblem(code, reason) else { return }
        // It follows from what is known already.
        if code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, shown != nil { return }
        note(found, code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ? .group : .reading)
    }

    private func note(_ found: KafkaProblem, _ ground: Ground) {
        probeDue = .now + Self.probePause
        problems[ground] = found
        tell()
    }

    private func isCommitted(_ partition: Int, _ code: rd_kafka_resp_err_t) {
        if code == RD_KAFKA_RESP_ERR_NO_ERROR {
            uncommitted.remove(partition)
            if uncommitted.isEmpty { isFine(.commits) }
        } else if let found = KafkaProblem(code, "an offset was not committed") {
            uncommitted.insert(partition)
            note(found, .commits)
        }
    }

    private func isAssigned() {
        uncommitted = []
        problems = [:]
        tell()
    }

    private func isFine(_ ground: Ground) {
        guard problems.removeValue(forKey: ground) != nil else { return }
        tell()
    }

    private func tell() {
        let first = Ground.allCases.lazy.compactMap { self.problems[$0] }.first
        guard first?.text != shown?.text else { return }
        shown = first
        say(first.map { .problem($0) } ?? .fine)
    }

    /// What was wrong is so still, or no more: nothing else says so while nobody writes.
    private func probe() {
        probeDue = .now + Self.probePause
        guard unlocated.isEmpty, let topic = rd_kafka_topic_new(client, configuration.topic, nil) else { return }
        defer { rd_kafka_topic_destroy(topic) }
        var metadata: UnsafePointer<rd_kafka_metadata_t>?
        guard rd_kafka_metadata(client, 0, topic, &metadata, Self.probeMilliseconds) == RD_KAFKA_RESP_ERR_NO_ERROR,
            let metadata
        else { return }
        defer { rd_kafka_metadata_destroy(metadata) }
        let isThere = metadata.pointee.topic_cnt == 1 && metadata.pointee.topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR
        if isThere { isFine(.reading) }
    }

    // MARK: Where to begin

    private func locate() {
        let few = unlocated.prefix(Self.partitionsMax)
        // A topic that had none would never be read.
        places += mailbox.takePartitions(few.count - places, least: places == 0 ? 1 : 0)
        let partitions = Array(few.prefix(places))
        let (unread, waiting) = (unlocated.count - few.count, few.count - partitions.count)
        do {
            let offsets = try positions(of: partitions)
            let list = list(offsets)
            defer { rd_kafka_topic_partition_list_destroy(list) }
            for partition in partitions { openQueue(of: partition) }
            unlocated = []
            let code = rd_kafka_assign(client, list)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR, partitions.allSatisfy({ partitionQueues[$0] != nil }) else {
                // Nothing would ever come: another session begins anew.
                isFatal = true
                return note(code == RD_KAFKA_RESP_ERR_NO_ERROR ? RD_KAFKA_RESP_ERR__FAIL : code, "rd_kafka_assign")
            }
            assigned = partitions
            lookDue = .now + Self.firstLookPause
            hasWaiting = waiting > 0
            waitDue = .now + Self.waitPause
            say(.assigned(offsets, unread: unread, waiting: waiting))
            isAssigned()
        } catch {
            givePlacesBack()
            locateDue = .now + Self.locatePause
            note(error, .reading)
        }
    }

    private func givePlacesBack() {
        mailbox.giveBackPartitions(places)
        places = 0
        assigned = []
        hasWaiting = false
    }

    /// A partition's records are not to come by the consumer's own queue, from before it is assigned on.
    private func openQueue(of partition: Int) {
        guard partitionQueues[partition] == nil,
            let queue = rd_kafka_queue_get_partition(client, configuration.topic, Int32(partition))
        else { return }
        rd_kafka_queue_forward(queue, nil)
        wake(on: queue)
        partitionQueues[partition] = queue
    }

    /// What the group has committed; elsewhere where the mapping is to begin, which is committed then: after a kill it would be
    /// another place.
    private func positions(of partitions: [Int]) throws(KafkaProblem) -> [Int: Int64] {
        let asked = list(Dictionary(partitions.map { ($0, Int64(RD_KAFKA_OFFSET_INVALID)) }) { first, _ in first })
        defer { rd_kafka_topic_partition_list_destroy(asked) }
        try check(rd_kafka_committed(client, asked, Self.askMilliseconds), "committed offsets")
        var offsets: [Int: Int64] = [:]
        for item in Self.partitions(asked) {
            try check(item.err, "committed offsets")
            if item.offset >= 0 { offsets[Int(item.partition)] = item.offset }
        }
        let new = partitions.filter { offsets[$0] == nil }
        guard !new.isEmpty else { return offsets }
        if configuration.start == .trimHorizon {
            for partition in new { offsets[partition] = Int64(RD_KAFKA_OFFSET_BEGINNING) }
            return offsets
        }
        let begun = try beginnings(of: new)
        try commit(begun)
        return offsets.merging(begun) { old, _ in old }
    }

    /// Waits for it, and no longer than for anything else that a broker is asked for.
    private func commit(_ offsets: [Int: Int64]) throws(KafkaProblem) {
        let what = "the beginning was not committed"
        let list = list(offsets)
        defer { rd_kafka_topic_partition_list_destroy(list) }
        let answers = rd_kafka_queue_new(client)
        defer { rd_kafka_queue_destroy(answers) }
        try check(rd_kafka_commit_queue(client, list, answers, nil, nil), what)
        guard let event = rd_kafka_queue_poll(answers, Self.askMilliseconds) else {
            return try check(RD_KAFKA_RESP_ERR__TIMED_OUT, what)
        }
        defer { rd_kafka_event_destroy(event) }
        try check(rd_kafka_event_error(event), what)
        for item in Self.partitions(rd_kafka_event_topic_partition_list(event)) { try check(item.err, what) }
    }

    private func beginnings(of partitions: [Int]) throws(KafkaProblem) -> [Int: Int64] {
        var offsets: [Int: Int64] = [:]
        if case .at(let time) = configuration.start {
            let asked = list(Dictionary(partitions.map { ($0, time.millisecondsSinceEpoch) }) { first, _ in first })
            defer { rd_kafka_topic_partition_list_destroy(asked) }
            try check(rd_kafka_offsets_for_times(client, asked, Self.askMilliseconds), "offsets of a time")
            for item in Self.partitions(asked) {
                try check(item.err, "offsets of a time")
                if item.offset >= 0 { offsets[Int(item.partition)] = item.offset }
            }
        }
        // Nothing is as late as that time, or no time was asked for.
        for partition in partitions where offsets[partition] == nil {
            guard !mailbox.isLeaving else { throw KafkaProblem("The reading ends.", cause: "") }
            var (low, high) = (Int64(0), Int64(0))
            try check(
                rd_kafka_query_watermark_offsets(
                    client,
                    configuration.topic,
                    Int32(partition),
                    &low,
                    &high,
                    Self.askMilliseconds
                ),
                "offsets of a partition"
            )
            offsets[partition] = max(0, high)
        }
        return offsets
    }

    private func check(_ code: rd_kafka_resp_err_t, _ what: String) throws(KafkaProblem) {
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        throw KafkaProblem(code, what)
            ?? KafkaProblem(
                "Connection error. Please check your event source connection configuration.",
                cause: "\(KafkaProblem.name(code)): \(what)"
            )
    }

    // MARK: Where partitions end

    private func look() {
        lookDue = .now + Self.lookPause
        // Nobody knows what came while brokers were away.
        guard problems[.reading] == nil else { return say(.ends([:])) }
        var ends: [Int: Int64] = [:]
        for partition in assigned {
            var (low, high) = (Int64(0), Int64(0))
            let code = rd_kafka_get_watermark_offsets(client, configuration.topic, Int32(partition), &low, &high)
            // Negative before the first answer to a fetch.
            if code == RD_KAFKA_RESP_ERR_NO_ERROR, high >= 0 { ends[partition] = high }
        }
        // Where so much is ahead that nothing is fetched, the last answer may be old: without another one it is the least that there is.
        let ahead = assigned.filter { partitionQueues[$0].map { rd_kafka_queue_length($0) > 0 } ?? false }
        if !ahead.isEmpty { ends.merge(askForEnds(of: ahead)) { _, asked in asked } }
        say(.ends(ends))
    }

    private func askForEnds(of partitions: [Int]) -> [Int: Int64] {
        guard ContinuousClock.now >= askDue else { return [:] }
        // The end is a time to brokers.
        let asked = list(Dictionary(partitions.map { ($0, Int64(RD_KAFKA_OFFSET_END)) }) { first, _ in first })
        defer { rd_kafka_topic_partition_list_destroy(asked) }
        guard rd_kafka_offsets_for_times(client, asked, Self.probeMilliseconds) == RD_KAFKA_RESP_ERR_NO_ERROR else {
            askDue = .now + Self.askPause
            return [:]
        }
        var ends: [Int: Int64] = [:]
        for item in Self.partitions(asked) where item.err == RD_KAFKA_RESP_ERR_NO_ERROR && item.offset >= 0 {
            ends[Int(item.partition)] = item.offset
        }
        return ends
    }

    // MARK: Records

    /// Hands over what there is of those partitions that are asked for.
    private func sweep() {
        for (partition, want) in wants {
            let room = mailbox.room
            guard room > 0 || want.isEmptyHanded, let queue = partitionQueues[partition] else { continue }
            let bytesMax = room > 0 ? min(room, Self.pageBytesMax) : KafkaConfiguration.smallPageBytesMax
            var (records, bytes) = ([KafkaRecord](), 0)
            while records.count < want.max, bytes < bytesMax, let message = rd_kafka_consume_queue(queue, 0) {
                defer { rd_kafka_message_destroy(message) }
                guard message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
                    note(message.pointee.err, Self.text(rd_kafka_message_errstr(message)))
                    continue
                }
                let record = KafkaRecord(message)
                bytes += record.bytes
                records.append(record)
            }
            guard !records.isEmpty else { continue }
            wants[partition] = nil
            mailbox.send(bytes)
            isFine(.reading)
            let hasMore = records.count == want.max || bytes >= bytesMax
            say(.records(want.seat, records, hasMore: hasMore, bytes: bytes))
        }
    }

    // MARK: librdkafka's lists and texts

    private func list(_ offsets: [Int: Int64]) -> UnsafeMutablePointer<rd_kafka_topic_partition_list_t>? {
        let list = rd_kafka_topic_partition_list_new(CInt(offsets.count))
        for (partition, offset) in offsets {
            rd_kafka_topic_partition_list_add(list, configuration.topic, Int32(partition)).pointee.offset = offset
        }
        return list
    }

    private static func partitions(
        _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
    ) -> UnsafeBufferPointer<rd_kafka_topic_partition_t> {
        UnsafeBufferPointer(start: list?.pointee.elems, count: Int(list?.pointee.cnt ?? 0))
    }

    private static func text(_ text: UnsafePointer<CChar>?) -> String { text.map { String(cString: $0) } ?? "" }
}

extension KafkaRecord {
    /// A copy: the message may go.
    fileprivate init(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
        func bytes(_ start: UnsafeRawPointer?, _ count: Int) -> [UInt8]? {
            start.map { Array(UnsafeRawBufferPointer(start: $0, count: count)) }
        }
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        timestamp = rd_kafka_message_timestamp(message, &kind)
        clock =
            switch kind {
            case RD_KAFKA_TIMESTAMP_CREATE_TIME: .create
            case RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME: .append
            default: .none
            }
        offset = message.pointee.offset
        key = bytes(message.pointee.key, message.pointee.key_len)
        value = bytes(message.pointee.payload, message.pointee.len)
        headers = []
        var list: OpaquePointer?
        guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return }
        var (name, start, count) = (UnsafePointer<CChar>?.none, UnsafeRawPointer?.none, 0)
        while rd_kafka_header_get_all(list, headers.count, &name, &start, &count) == RD_KAFKA_RESP_ERR_NO_ERROR {
            headers.append(Header(name: name.map { String(cString: $0) } ?? "", value: bytes(start, count)))
        }
    }
}
