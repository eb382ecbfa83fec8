// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import LogStore
import Synchronization
import Testing

@testable import ExecutionEnvironments

/// A log store whose commits the test makes.
private final class SlowStore: Sendable {
    private struct State {
        var given: [JournalEntry] = []
        var completions: [LogStore.Completion] = []
        var isRefusing = false
        var lost: [LogStoreError] = []
        var done: [String] = []
    }

    private let state = Mutex(State())

    var given: [String] { state.withLock { $0.given.map { $0.events.first?.message ?? "" } } }
    var waitingCount: Int { state.withLock { $0.completions.count } }
    var done: [String] { state.withLock { $0.done } }
    var lost: [LogStoreError] { state.withLock { $0.lost } }

    func refuse(_ isRefusing: Bool) { state.withLock { $0.isRefusing = isRefusing } }

    func note(_ name: String) { state.withLock { $0.done.append(name) } }

    /// False where nothing waits.
    func commit() -> Bool {
        let completion = state.withLock { state -> LogStore.Completion? in
            state.completions.isEmpty ? nil : state.completions.removeFirst()
        }
        guard let completion else { return false }
        completion(.success(()))
        return true
    }

    func makeJournal() -> EnvironmentJournal {
        EnvironmentJournal(
            store: { [self] entry, completion in
                let isRefused = state.withLock { state in
                    state.given.append(entry)
                    if !state.isRefusing { state.completions.append(completion) }
                    return state.isRefusing
                }
                if isRefused { completion(.failure(.overloaded)) }
            },
            whenLost: { [self] error in state.withLock { $0.lost.append(error) } }
        )
    }
}

private func entry(_ message: String?) -> JournalEntry {
    JournalEntry(
        group: LogGroupKey(accountID: "000000000000", region: "us-east-1", name: "/aws/lambda/f"),
        stream: "s",
        events: message.map { [LogEvent(timestamp: Timestamp(millisecondsSinceEpoch: 0), message: $0)] } ?? [],
        usage: nil
    )
}

struct EnvironmentJournalTests {
    @Test func `a slow store has one entry at a time, and gets them in order`() {
        let store = SlowStore()
        let journal = store.makeJournal()
        #expect(journal.isIdle)
        for name in ["a", "b", "c"] { #expect(journal.append(entry(name)) { store.note(name) }) }
        #expect(store.given == ["a"] && !journal.isIdle)
        #expect(store.commit())
        #expect(store.given == ["a", "b"] && store.waitingCount == 1 && store.done == ["a"])
        while store.commit() {}
        #expect(store.given == ["a", "b", "c"] && store.done == ["a", "b", "c"] && journal.isIdle)
    }

    @Test func `what is empty is not stored, but done when all before it are`() {
        let store = SlowStore()
        let journal = store.makeJournal()
        #expect(journal.append(entry("a")) { store.note("a") })
        #expect(journal.append(entry(nil)) { store.note("end") })
        #expect(store.done.isEmpty)
        #expect(store.commit())
        #expect(store.done == ["a", "end"] && store.given == ["a"] && journal.isIdle)
    }

    @Test func `a store that refuses loses what it refuses, and is asked again`() {
        let store = SlowStore()
        let journal = store.makeJournal()
        #expect(journal.append(entry("a")) { store.note("a") })
        for number in 0..<1_000 { #expect(journal.append(entry("\(number)")) { store.note("\(number)") }) }
        store.refuse(true)
        #expect(store.commit())
        #expect(store.done == ["a"] + (0..<1_000).map(String.init) && journal.isIdle)
        #expect(store.lost == Array(repeating: .overloaded, count: 1_000))
        store.refuse(false)
        #expect(journal.append(entry("b")) { store.note("b") })
        #expect(store.commit())
        #expect(store.done.last == "b" && store.lost.count == 1_000)
    }

    @Test func `entries and bytes that wait are bounded`() {
        let store = SlowStore()
        let journal = store.makeJournal()
        let large = String(repeating: "x", count: Int(EnvironmentJournal.bytesMax) / 2 - 26)
        #expect(journal.append(entry("first")) {})
        #expect(journal.append(entry(large)) {} && journal.append(entry(large)) {})
        #expect(store.lost.isEmpty)
        #expect(journal.append(entry("lost")) { store.note("lost") })
        #expect(store.lost == [.overloaded])
        for _ in 3..<EnvironmentJournal.entriesMax { #expect(journal.append(entry("")) {}) }
        #expect(!journal.append(entry("one more")) { Issue.record("it was not taken") })
        #expect(journal.append(entry(nil)) { store.note("end") })
        while store.commit() {}
        #expect(store.done == ["lost", "end"] && !store.given.contains("lost") && journal.isIdle)
    }

    /// Callers on several threads, and a store on one of its own: every entry is stored, each caller's in its order.
    @Test func `nothing is lost between the callers and the store's thread`() async {
        let store = SlowStore()
        let journal = store.makeJournal()
        await withTaskGroup(of: Void.self) { tasks in
            for caller in 0..<4 {
                tasks.addTask {
                    for number in 0..<200 {
                        #expect(journal.append(entry("\(caller) \(number)")) { store.note("\(caller) \(number)") })
                        if number.isMultiple(of: 10) { await Task.yield() }
                    }
                }
            }
            tasks.addTask { while store.done.count < 800 { if !store.commit() { await Task.yield() } } }
        }
        #expect(journal.isIdle && store.given == store.done)
        for caller in 0..<4 {
            #expect(store.done.filter { $0.hasPrefix("\(caller) ") } == (0..<200).map { "\(caller) \($0)" })
        }
    }
}
