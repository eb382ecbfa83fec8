// SPDX-License-Identifier: Apache-2.0
import CRDKafka
import Glibc
import InvocationCore
import Synchronization

/// What the thread of a consumer is told to do.
enum KafkaCommand: Sendable {
    /// Hand over what there is of a partition, up to so many records, as soon as there is something.
    case fetch(GroupMember.Seat, max: Int, isEmptyHanded: Bool)
    case commit(GroupMember.Seat, Int64)
    /// Give all partitions back.
    case release
    /// Leave the group and end.
    case leave
}

/// What the thread of a consumer says.
enum KafkaNotice: Sendable {
    /// Those partitions are the member's, each from that offset on, with a negative one from its oldest record on; so many more are not
    /// read, as there are too many, and so many wait for memory.
    case assigned([Int: Int64], unread: Int, waiting: Int)
    case revoked(isLost: Bool)
    /// `bytes` are to be settled with the mailbox.
    case records(GroupMember.Seat, [KafkaRecord], hasMore: Bool, bytes: Int)
    case committed(GroupMember.Seat, isDone: Bool)
    /// Where the partitions that are read end, as far as that is known.
    case ends([Int: Int64])
    /// What keeps the topic from being read.
    case problem(KafkaProblem)
    /// The brokers answer.
    case fine
    /// The thread has ended; said once, and last.
    case closed
}

/// Between the actor that decides and the thread that waits for brokers: commands, how much there is room for, and what wakes the thread.
final class KafkaMailbox: Sendable {
    /// Of records in hand and on their way, as `ReadingShare` has it for streams.
    private static let bytesMax = 64 << 20

    private struct State {
        var commands: [KafkaCommand] = []
        var heldBytes = 0
        var flyingBytes = 0
        var isLeaving = false
    }

    private let state = Mutex(State())
    private let share: KafkaShare
    private let account: String
    /// An eventfd, which librdkafka writes to as well; closed with the last of its users.
    let descriptor: CInt

    /// nil where the process has no descriptor left.
    init?(_ share: KafkaShare, account: String) {
        self.share = share
        self.account = account
        descriptor = crdkafka_wake_descriptor()
        guard descriptor >= 0 else { return nil }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
        state.withLock { share.hold(-$0.heldBytes - $0.flyingBytes, account) }
    }

    func tell(_ command: KafkaCommand) {
        state.withLock { state in
            state.commands.append(command)
            if case .leave = command { state.isLeaving = true }
        }
        wake()
    }

    /// So many bytes are in hand, and so many less on their way.
    func hold(_ bytes: Int, settled: Int = 0) {
        let hasMoreRoom = state.withLock { state in
            let change = bytes - settled - state.heldBytes
            (state.heldBytes, state.flyingBytes) = (bytes, state.flyingBytes - settled)
            share.hold(change, account)
            return change < 0
        }
        if hasMoreRoom { wake() }
    }

    private func wake() {
        var one: UInt64 = 1
        // It is full where the thread is to wake anyway.
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
    }

    // MARK: For the thread

    /// Whether the thread is to end soon: what takes time is given up.
    var isLeaving: Bool { state.withLock(\.isLeaving) }

    var room: Int {
        let own = state.withLock { Self.bytesMax - $0.heldBytes - $0.flyingBytes }
        return min(own, share.room(account))
    }

    func send(_ bytes: Int) {
        state.withLock { state in
            state.flyingBytes += bytes
            share.hold(bytes, account)
        }
    }

    /// Of those partitions so many may be read; `least` of them whatever the bound.
    func takePartitions(_ count: Int, least: Int = 0) -> Int {
        share.takePartitions(count, least: least, account)
    }
    func giveBackPartitions(_ count: Int) { share.giveBackPartitions(count, account) }
    var hasPartition: Bool { share.hasPartition(account) }

    func take() -> [KafkaCommand] {
        state.withLock { state in
            defer { state.commands = [] }
            return state.commands
        }
    }

    /// Until something is there for the thread, or that time is over.
    func wait(milliseconds: CInt) {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, milliseconds) > 0 else { return }
        var count: UInt64 = 0
        _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
    }
}
