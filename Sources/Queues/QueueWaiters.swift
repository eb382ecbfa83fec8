// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Receives that wait for a message, by the queue's number, and who is woken next.
///
/// A waiter is entered before it looks into its queue, so that nothing is missed that comes in between. One is woken for each message that
/// comes; who leaves with a message, or leaves early, wakes the next one, which looks for itself what there is and when there will be more.
final class QueueWaiters: Sendable {
    /// Receives that wait at once, of all queues together.
    static let waitersMax = 5_000

    struct Ticket: Hashable, Sendable {
        fileprivate var number: UInt64
        fileprivate var queue: Int64
    }

    private struct Waiter {
        var ticket: Ticket
        var isWoken = false
        var continuation: CheckedContinuation<Void, Never>?
    }

    private struct State {
        var waiters: [Int64: [Waiter]] = [:]
        var count = 0
        var last: UInt64 = 0
        var isClosed = false

        mutating func change<T>(_ ticket: Ticket, _ body: (inout Waiter) -> T) -> T? {
            guard let index = waiters[ticket.queue]?.firstIndex(where: { $0.ticket == ticket }) else { return nil }
            return body(&waiters[ticket.queue, default: []][index])
        }
    }

    private let state = Mutex(State())

    /// How many wait.
    var count: Int { state.withLock { $0.count } }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Nil when there are as many as there may be.
    func enter(_ queue: Int64) -> Ticket? {
        state.withLock { state in
            guard state.count < Self.waitersMax else { return nil }
            state.count += 1
            state.last += 1
            let ticket = Ticket(number: state.last, queue: queue)
            state.waiters[queue, default: []].append(Waiter(ticket: ticket))
            return ticket
        }
    }

    /// What came before this is known: it is going to be looked at.
    func look(_ ticket: Ticket) {
        state.withLock { state in _ = state.change(ticket) { $0.isWoken = false } }
    }

    /// Until it is woken, everything is closed, or the task is cancelled; at once if it was woken since it looked.
    func wait(_ ticket: Ticket) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state in
                    guard !state.isClosed, !Task.isCancelled else { return false }
                    return state.change(ticket) { waiter in
                        if !waiter.isWoken { waiter.continuation = continuation }
                        return !waiter.isWoken
                    } ?? false
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                state.change(ticket) { waiter in
                    defer { waiter.continuation = nil }
                    return waiter.continuation
                } ?? nil
            }
            continuation?.resume()
        }
    }

    /// The waiter goes; `handsOn` wakes another one in its place.
    func leave(_ ticket: Ticket, handsOn: Bool) {
        let wasWoken = state.withLock { state in
            let wasWoken = state.change(ticket) { $0.isWoken } ?? false
            state.waiters[ticket.queue]?.removeAll { $0.ticket == ticket }
            if state.waiters[ticket.queue]?.isEmpty == true { state.waiters[ticket.queue] = nil }
            state.count -= 1
            return wasWoken
        }
        if handsOn || wasWoken { wake(ticket.queue) }
    }

    /// Wakes those that wait longest.
    func wake(_ queue: Int64, count: Int = 1) {
        let continuations = state.withLock { state in
            guard var waiters = state.waiters[queue] else { return [CheckedContinuation<Void, Never>]() }
            var left = count
            var woken: [CheckedContinuation<Void, Never>] = []
            for index in waiters.indices where left > 0 && !waiters[index].isWoken {
                waiters[index].isWoken = true
                left -= 1
                if let continuation = waiters[index].continuation { woken.append(continuation) }
                waiters[index].continuation = nil
            }
            state.waiters[queue] = waiters
            return woken
        }
        for continuation in continuations { continuation.resume() }
    }

    /// Nobody waits any more, now or later.
    func close() {
        let continuations = state.withLock { state in
            state.isClosed = true
            var woken: [CheckedContinuation<Void, Never>] = []
            for (queue, waiters) in state.waiters {
                woken += waiters.compactMap(\.continuation)
                state.waiters[queue] = waiters.map { Waiter(ticket: $0.ticket, isWoken: true) }
            }
            return woken
        }
        for continuation in continuations { continuation.resume() }
    }
}
