// SPDX-License-Identifier: Apache-2.0
package import InvocationCore

/// What is going to happen, in the order of time; what happens at one time, in the order in which it was scheduled.
///
/// The heart of a discrete-event simulation: take the next event, let it schedule others, until there is none.
package struct EventQueue<Event> {
    private struct Entry {
        var time: MonotonicTime
        var turn: UInt64
        var event: Event

        static func < (left: Entry, right: Entry) -> Bool {
            (left.time, left.turn) < (right.time, right.turn)
        }
    }

    package private(set) var clock = ManualClock()
    /// A binary heap: each entry comes before its children at 2n + 1 and 2n + 2.
    private var heap: [Entry] = []
    private var turn: UInt64 = 0

    package init() {}

    package var isEmpty: Bool { heap.isEmpty }
    package var now: MonotonicTime { clock.now }

    package mutating func schedule(_ event: Event, after delay: Duration) {
        schedule(event, at: clock.now + delay)
    }

    /// A time in the past means now.
    package mutating func schedule(_ event: Event, at time: MonotonicTime) {
        heap.append(Entry(time: max(time, clock.now), turn: turn, event: event))
        turn += 1
        var child = heap.count - 1
        while child > 0, heap[child] < heap[(child - 1) / 2] {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Takes the next event and moves the clock to its time.
    package mutating func next() -> Event? {
        guard let entry = heap.first, let last = heap.popLast() else { return nil }
        if !heap.isEmpty {
            heap[0] = last
            var parent = 0
            while true {
                let left = 2 * parent + 1
                guard left < heap.count else { break }
                let child = left + 1 < heap.count && heap[left + 1] < heap[left] ? left + 1 : left
                guard heap[child] < heap[parent] else { break }
                heap.swapAt(child, parent)
                parent = child
            }
        }
        clock.advance(to: entry.time)
        return entry.event
    }
}
