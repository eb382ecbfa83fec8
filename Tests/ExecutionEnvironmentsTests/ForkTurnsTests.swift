// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import Synchronization
import Testing

@testable import ExecutionEnvironments

struct ForkTurnsTests {
    /// Forks of a zygote, as many as `ZygotePool` lets go on at one time.
    private final class Forks: Sendable {
        private struct State {
            var pool = ZygotePool<String>()
            var forked = 0
            var refused = 0
        }

        private let state: Mutex<State>

        init() {
            var state = State()
            if case .start(let id) = state.pool.take("python", at: .now, mayStart: true) {
                state.pool.started(id, at: .now)
            }
            self.state = Mutex(state)
        }

        var counts: [Int] { state.withLock { [$0.forked, $0.refused] } }

        /// One that takes so many turns of the threads' until it has come.
        func fork(steps: Int) async {
            let id = state.withLock { state -> ZygoteID? in
                guard case .fork(let id) = state.pool.take("python", at: .now, mayStart: false) else {
                    state.refused += 1
                    return nil
                }
                return id
            }
            guard let id else { return }
            for _ in 0..<steps { await Task.yield() }
            state.withLock { state in
                state.pool.childCame(id)
                state.forked += 1
            }
        }
    }

    private let turns = ForkTurns()

    private func key(_ name: String) -> EnvironmentKey {
        EnvironmentKey(
            function: FunctionKey(accountID: "000000000000", region: "us-east-1", name: name),
            version: "$LATEST",
            revision: "1"
        )
    }

    @Test(arguments: [1, 7, 60]) func `of bursts of two functions all are forked`(stepsMax: Int) async {
        let forks = Forks()
        await withDiscardingTaskGroup { group in
            for number in 0..<1_000 {
                group.addTask {
                    let key = key(number % 2 == 0 ? "f" : "g")
                    await turns.pass(of: key, isWanted: { true }, { await forks.fork(steps: 1 + number % stepsMax) })
                }
            }
        }
        #expect(forks.counts == [1_000, 0])
        #expect(turns.count == 0)
    }

    @Test func `a function whose forks hang holds up no other, and who is gone by its turn gets none`() async {
        let forks = Forks()
        await whileHanging(key("f")) { group in
            for _ in 0..<10 {
                group.addTask { await turns.pass(of: key("f"), isWanted: { false }, { await forks.fork(steps: 1) }) }
            }
            #expect(await turns.pass(of: key("g"), isWanted: { true }, { true }) == true)
        }
        #expect(forks.counts == [0, 0])
        #expect(turns.count == 0)
    }

    @Test func `who is cancelled while it waits forks no more`() async {
        await whileHanging(key("f")) { _ in
            let waiting = Task { await turns.pass(of: key("f"), isWanted: { true }, { true }) }
            waiting.cancel()
            #expect(await waiting.value == nil)
        }
        #expect(turns.count == 0)
    }

    /// As many of its forks as may go on do not end before `body` does.
    private func whileHanging(
        _ key: EnvironmentKey,
        _ body: (inout DiscardingTaskGroup) async -> Void
    ) async {
        let entered = AsyncStream<Void>.makeStream()
        let mayEnd = AsyncStream<Void>.makeStream()
        let hanging = Task { for await _ in mayEnd.stream {} }
        await withDiscardingTaskGroup { group in
            for _ in 0..<ForkTurns.forksMax {
                group.addTask {
                    await turns.pass(of: key, isWanted: { true }) {
                        entered.continuation.yield()
                        await hanging.value
                    }
                }
            }
            var count = 0
            for await _ in entered.stream {
                count += 1
                if count == ForkTurns.forksMax { break }
            }
            await body(&group)
            mayEnd.continuation.finish()
        }
    }
}
