// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Synchronization

/// One connection to a broker, on a thread of its own that ends with it.
///
/// It reads no more than what it may have in hand: messages that it handed on and that nobody has settled yet. What is beyond is kept
/// by the broker, and by the kernel's buffers.
final class RabbitMQConnection: Sendable {
    enum Event: Sendable {
        case connected
        /// What came at once.
        case received([RabbitMQRecord])
        /// So many messages are ready in the queue, beside what came before.
        case counted(Int)
        /// The last; without a failure where it was closed from here.
        case lost(AMQPFailure?)
    }

    private enum Order {
        case acknowledge([UInt64])
        case reject([UInt64], requeues: Bool)
        case count
        case cancel
        case close
    }

    private struct Inbox {
        var orders: [Order] = []
        var isOver = false
    }

    /// librabbitmq reads nested headers by recursion: up to 26,000 deep in one frame.
    private static let stackBytes = 64 << 20
    /// Records that are handed on together, and frames that are read before orders are looked at again.
    private static let togetherMax = 256
    private static let framesMax = 4_096

    private let inbox = Mutex(Inbox())
    /// Sockets, of which the one has a byte when there is an order; closed when the thread ends.
    private let bell: (waiting: Int32, ringing: Int32)
    private let bytesInHandMax: Int
    private let bodyBytesMax: Int

    /// - Throws: `AMQPFailure` where the machine has no descriptor for it.
    init(bodyBytesMax: Int, bytesInHandMax: Int) throws(AMQPFailure) {
        var ends: [Int32] = [-1, -1]
        let type = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        guard socketpair(AF_UNIX, Int32(type), 0, &ends) == 0 else {
            throw AMQPFailure(problem: "The queue could not be read.", cause: "socketpair: errno \(errno)")
        }
        bell = (ends[0], ends[1])
        self.bodyBytesMax = bodyBytesMax
        self.bytesInHandMax = bytesInHandMax
    }

    /// To be called once.
    ///
    /// `target` is asked on the thread, and `tell` called from it; the last is `lost`.
    func start(
        _ target: @escaping @Sendable () throws(AMQPFailure) -> AMQPSession.Target,
        _ tell: @escaping @Sendable (Event) -> Void
    ) {
        let thread = Thread { [self] in
            var failure: AMQPFailure?
            do throws(AMQPFailure) { try run(target, tell) } catch { failure = error }
            inbox.withLock { inbox in
                inbox.isOver = true
                close(bell.waiting)
                close(bell.ringing)
            }
            tell(.lost(failure))
        }
        thread.stackSize = Self.stackBytes
        thread.name = "rabbitmq"
        thread.start()
    }

    func acknowledge(_ tags: [UInt64]) { send(.acknowledge(tags)) }

    func reject(_ tags: [UInt64], requeues: Bool) { send(.reject(tags, requeues: requeues)) }

    /// Asks how many messages are ready in the queue; while as much is in hand as may be, the answer waits with all else.
    func count() { send(.count) }

    /// Consumes no more; what is on its way still comes.
    func cancel() { send(.cancel) }

    /// Ends it when all that was said before is sent.
    func end() { send(.close) }

    private func send(_ order: Order) {
        inbox.withLock { inbox in
            guard !inbox.isOver else { return }
            if inbox.orders.isEmpty {
                var byte: UInt8 = 0
                _ = write(bell.ringing, &byte, 1)
            }
            inbox.orders.append(order)
        }
    }

    // MARK: On the thread

    private func run(
        _ target: () throws(AMQPFailure) -> AMQPSession.Target,
        _ tell: (Event) -> Void
    ) throws(AMQPFailure) {
        let session = try AMQPSession(bodyBytesMax: bodyBytesMax)
        try session.open(target())
        tell(.connected)
        var hand = Hand(bytesMax: bytesInHandMax)
        while true {
            for order in takeOrders() {
                guard try carryOut(order, session, &hand) else { return session.close() }
            }
            let isEmpty = try read(session, &hand, tell)
            if isEmpty || hand.isFull { try wait(session, isReading: !hand.isFull) }
        }
    }

    private func takeOrders() -> [Order] {
        inbox.withLock { inbox in
            guard !inbox.orders.isEmpty else { return [] }
            defer { inbox.orders = [] }
            var byte: UInt8 = 0
            _ = Glibc.read(bell.waiting, &byte, 1)
            return inbox.orders
        }
    }

    /// - Returns: false when the connection is to end.
    private func carryOut(_ order: Order, _ session: AMQPSession, _ hand: inout Hand) throws(AMQPFailure) -> Bool {
        switch order {
        case .acknowledge(let tags):
            for tag in tags {
                try session.acknowledge(tag)
                hand.settle(tag)
            }
        case .reject(let tags, let requeues):
            for tag in tags {
                try session.reject(tag, requeues: requeues)
                hand.settle(tag)
            }
        case .count: try session.count()
        case .cancel: try session.cancel()
        case .close: return false
        }
        return true
    }

    /// - Returns: whether nothing more is there.
    private func read(
        _ session: AMQPSession,
        _ hand: inout Hand,
        _ tell: (Event) -> Void
    ) throws(AMQPFailure) -> Bool {
        var records: [RabbitMQRecord] = []
        var isEmpty = false
        for _ in 0..<Self.framesMax where !hand.isFull && records.count < Self.togetherMax && !isEmpty {
            switch try session.next() {
            case nil: isEmpty = true
            case .frame: continue
            case .count(let ready):
                if !records.isEmpty { tell(.received(records)) }
                records = []
                tell(.counted(ready))
            case .message(let record):
                hand.take(record)
                records.append(record)
            }
        }
        if !records.isEmpty { tell(.received(records)) }
        return isEmpty
    }

    /// Until there is an order, something to read, or a heartbeat is due.
    private func wait(_ session: AMQPSession, isReading: Bool) throws(AMQPFailure) {
        var watched = [
            pollfd(fd: bell.waiting, events: Int16(POLLIN), revents: 0),
            pollfd(fd: isReading ? session.descriptor : -1, events: Int16(POLLIN), revents: 0),
        ]
        let result = poll(&watched, 2, Int32(AMQPSession.heartbeat * 1_000 / 4))
        // The library sends heartbeats when it is asked for what there is to read.
        if result == 0, !isReading { try session.beat() }
    }

    /// The messages that are handed on and not settled.
    private struct Hand {
        let bytesMax: Int
        private var bytes = 0
        private var sizes: [UInt64: Int] = [:]

        init(bytesMax: Int) { self.bytesMax = bytesMax }

        var isFull: Bool { bytes >= bytesMax }

        mutating func take(_ record: RabbitMQRecord) {
            sizes[record.tag] = record.bytes.count
            bytes += record.bytes.count
        }

        mutating func settle(_ tag: UInt64) { bytes -= sizes.removeValue(forKey: tag) ?? 0 }
    }
}
