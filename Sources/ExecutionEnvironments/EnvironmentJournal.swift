// SPDX-License-Identifier: Apache-2.0
import LogStore
import Synchronization

/// What one environment has for the log store, which all environments share: stored one entry after the other, in order.
///
/// So a store that is slow has one entry of each environment to write, however much that environment writes; the rest waits here, and
/// what is beyond the limits is lost to this environment alone.
final class EnvironmentJournal: Sendable {
    typealias Store = @Sendable (JournalEntry, @escaping LogStore.Completion) -> Void

    /// Entries that wait, invocations' ends nearly all of them.
    static let entriesMax = 1_024
    /// Bytes of events that wait, as the log store counts them; of what comes when there are more, the usage record alone is kept.
    static let bytesMax: Int64 = 16 << 20

    private struct Waiting {
        var entry: JournalEntry
        var done: @Sendable () -> Void
    }

    private struct State {
        var waiting: [Waiting] = []
        var bytes: Int64 = 0
        var turn = Turn.none
    }

    /// Who goes on with the next entry: the completion, or the caller of `store` where the completion was called in that call.
    private enum Turn {
        case none
        case submitting
        case submitted
        case completed
    }

    private let state = Mutex(State())
    private let store: Store
    private let whenLost: @Sendable (LogStoreError) -> Void

    /// `whenLost` is told why events are lost, an entry's usage record too unless it is `.overloaded` or `.linesLost`.
    init(store: @escaping Store, whenLost: @escaping @Sendable (LogStoreError) -> Void) {
        self.store = store
        self.whenLost = whenLost
    }

    /// Nothing waits, and nothing is being stored.
    var isIdle: Bool { state.withLock { $0.turn == .none } }

    /// Calls `done` when the entry is stored, or lost; on the store's thread, which it must not hold up.
    ///
    /// An entry with nothing in it is not stored, but `done` when all before it are.
    /// - Returns: false where too many wait: the entry was not taken, and `done` is not called.
    func append(_ entry: JournalEntry, then done: @escaping @Sendable () -> Void) -> Bool {
        var entry = entry
        var isCut = false
        let admitted = state.withLock { state -> (isTaken: Bool, begins: Bool) in
            guard state.waiting.count < Self.entriesMax || entry.isEmpty else { return (false, false) }
            if state.bytes + entry.bytes > max(Self.bytesMax, entry.bytes) {
                isCut = !entry.events.isEmpty
                entry = JournalEntry(group: entry.group, stream: entry.stream, events: [], usage: entry.usage)
            }
            state.waiting.append(Waiting(entry: entry, done: done))
            state.bytes += entry.bytes
            guard state.turn == .none else { return (true, false) }
            state.turn = .submitting
            return (true, true)
        }
        if isCut { whenLost(.overloaded) }
        if admitted.begins { submit() }
        return admitted.isTaken
    }

    /// Hands entry after entry to the store, until one is not stored at once.
    private func submit() {
        while let next = self.next() {
            if next.entry.isEmpty {
                next.done()
                continue
            }
            store(next.entry) { [self] result in
                if case .failure(let error) = result { whenLost(error) }
                next.done()
                let goesOn = state.withLock { state in
                    defer { state.turn = state.turn == .submitted ? .submitting : .completed }
                    return state.turn == .submitted
                }
                if goesOn { submit() }
            }
            let isCompleted = state.withLock { state in
                defer { state.turn = state.turn == .completed ? .submitting : .submitted }
                return state.turn == .completed
            }
            guard isCompleted else { return }
        }
    }

    private func next() -> Waiting? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.turn = .none
                return nil
            }
            let next = state.waiting.removeFirst()
            state.bytes -= next.entry.bytes
            return next
        }
    }
}

extension JournalEntry {
    fileprivate var isEmpty: Bool { events.isEmpty && usage == nil }
}
