// SPDX-License-Identifier: Apache-2.0
import EventLoops
import NIOCore
import NIOPosix
import Testing

private actor Counter {
    private(set) var count = 0

    /// Whether it ran on that loop.
    func increment(on loop: any EventLoop) -> Bool {
        count += 1
        return loop.inEventLoop
    }
}

struct EventLoopExecutorTests {
    private let loop = MultiThreadedEventLoopGroup.singleton.any()

    @Test func `a task and the actors that it calls run on the loop, and a part of it elsewhere`() async {
        let (loop, counter) = (loop, Counter())
        let places = await Task(executorPreference: EventLoopExecutor.of(loop)) {
            var places = [loop.inEventLoop, await counter.increment(on: loop)]
            places.append(await withTaskExecutorPreference(globalConcurrentExecutor) { await Self.isOn(loop) })
            await Task.yield()
            places.append(loop.inEventLoop)
            return places
        }.value
        #expect(places == [true, true, false, true])
    }

    private nonisolated static func isOn(_ loop: any EventLoop) async -> Bool { loop.inEventLoop }

    @Test func `what another thread resumes goes on on the loop`() async {
        let loop = loop
        let isOnLoop = await Task(executorPreference: EventLoopExecutor.of(loop)) {
            await withCheckedContinuation { continuation in Task.detached { continuation.resume() } }
            return loop.inEventLoop
        }.value
        #expect(isOnLoop)
    }

    @Test func `a loop has one executor`() {
        #expect(EventLoopExecutor.of(loop) === EventLoopExecutor.of(loop))
    }

    /// Tasks of two loops and of none call one actor.
    @Test func `no call of an actor that is called from everywhere is lost`() async {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let loops = Array(group.makeIterator())
        let counter = Counter()
        await withTaskGroup(of: Void.self) { tasks in
            for index in 0..<300 {
                let loop = loops[index % 2]
                let executor = index % 3 == 2 ? nil : EventLoopExecutor.of(loop)
                tasks.addTask(executorPreference: executor) {
                    for _ in 0..<50 { _ = await counter.increment(on: loop) }
                }
            }
        }
        #expect(await counter.count == 15_000)
    }
}
