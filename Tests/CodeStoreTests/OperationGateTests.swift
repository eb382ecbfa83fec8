// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Testing

@testable import CodeStore

struct OperationGateTests {
    /// Operations that are in the gate, at most were, and went through.
    private final class Counts: Sendable {
        let state = Mutex((now: 0, most: 0, done: 0))
    }

    @Test func `never more than may be go on, and all come through`() async throws {
        let gate = OperationGate(operationsMax: 3)
        let counts = Counts()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    try await gate.pass {
                        counts.state.withLock {
                            $0.now += 1
                            $0.most = max($0.most, $0.now)
                        }
                        await Task.yield()
                        counts.state.withLock {
                            $0.now -= 1
                            $0.done += 1
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        counts.state.withLock { #expect($0.now == 0 && $0.most <= 3 && $0.done == 200) }
    }

    @Test func `who is cancelled while waiting takes no place`() async throws {
        let gate = OperationGate(operationsMax: 1)
        let (opened, opening) = AsyncStream<Void>.makeStream()
        let (entered, entering) = AsyncStream<Void>.makeStream()
        let holder = Task {
            try await gate.pass {
                entering.yield()
                for await _ in opened { break }
            }
        }
        for await _ in entered { break }
        let waiting = Task { try await gate.pass { Issue.record("it was cancelled") } }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        opening.yield()
        try await holder.value
        try await gate.pass {}
        struct Refused: Error {}
        await #expect(throws: Refused.self) { try await gate.pass { throw Refused() } }
        try await gate.pass {}
    }
}
