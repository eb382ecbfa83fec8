// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import TestSupport
import Testing

/// Environments ahead of need, event by event; numbers are given out from 1.
struct BlankPoolTests {
    private let start = MonotonicTime(nanoseconds: 0)
    private let python = BlankKind(runtime: "python3.12", memoryMiB: nil)
    private let node = BlankKind(runtime: "nodejs20.x", memoryMiB: 128)

    /// Does what the pool asks for until it waits; gives what that was.
    private func settle(_ pool: inout BlankPool, at now: MonotonicTime) -> [BlankPool.Command] {
        var commands: [BlankPool.Command] = []
        while true {
            let command = pool.next(at: now)
            commands.append(command)
            switch command {
            case .start: pool.started(at: now)
            case .end: pool.ended()
            case .wait: return commands
            }
        }
    }

    private func id(_ number: UInt64) -> BlankID { BlankID(number) }

    private func starts(_ commands: [BlankPool.Command]) -> [BlankID] {
        commands.compactMap { if case .start(let id, _) = $0 { id } else { nil } }
    }

    private func ends(_ commands: [BlankPool.Command]) -> [BlankID] {
        commands.compactMap { if case .end(let id) = $0 { id } else { nil } }
    }

    @Test func `nothing is started before there is a function`() {
        var pool = BlankPool()
        #expect(settle(&pool, at: start) == [.wait(until: nil)])
        pool.use(python, at: start)
        pool.use(python, at: start)
        #expect(starts(settle(&pool, at: start)) == [id(1), id(2)])
        #expect(pool.ready(python) == 2 && pool.ready(node) == 0)
    }

    @Test func `none is made at once while assignments fail`() {
        var pool = BlankPool()
        #expect(pool.takeID(python) == id(1))
        for _ in 0..<3 {
            _ = pool.take(python, at: start)
            #expect(pool.takeID(python) != nil)
            pool.assignmentFailed(python, at: start)
        }
        #expect(pool.takeID(python) == nil && pool.takeID(node) != nil)
        pool.assigned(python)
        #expect(pool.takeID(python) != nil)
    }

    @Test func `one at a time`() {
        var pool = BlankPool()
        pool.use(python, at: start)
        #expect(pool.next(at: start) == .start(id(1), python))
        #expect(starts([pool.next(at: start)]).isEmpty)
        pool.started(at: start)
        #expect(pool.next(at: start) == .start(id(2), python))
    }

    @Test func `each is taken once, the oldest first, and replaced a moment after the first was taken`() {
        var pool = BlankPool(settings: .init(refillDelay: .seconds(3)))
        pool.use(python, at: start)
        _ = settle(&pool, at: start)
        #expect(pool.take(python, at: start + .seconds(1)) == id(1))
        #expect(pool.next(at: start + .seconds(1)) == .wait(until: start + .seconds(4)))
        #expect(pool.take(python, at: start + .seconds(2)) == id(2))
        #expect(pool.next(at: start + .seconds(2)) == .wait(until: start + .seconds(4)))
        #expect(starts(settle(&pool, at: start + .seconds(4))) == [id(3), id(4)])
    }

    @Test func `one that is missing makes its kind larger, and quiet makes it small again`() {
        var pool = BlankPool(settings: .init(readyMin: 1, readyMax: 3, refillDelay: .zero, quietTime: .seconds(60)))
        for _ in 0..<5 { #expect(pool.take(python, at: start) == nil) }
        #expect(pool.target(python) == 3)
        let quiet = start + .seconds(60)
        #expect(settle(&pool, at: start).last == .wait(until: quiet))
        #expect(pool.ready(python) == 3)
        #expect(ends(settle(&pool, at: quiet)) == [id(2), id(1)])
        #expect(pool.take(python, at: quiet) == id(3))
    }

    @Test func `after failures a kind is left alone for longer and longer, and others are not`() {
        var pool = BlankPool(settings: .init(readyMin: 1, retryDelay: .seconds(1), retryDelayMax: .seconds(3)))
        pool.use(python, at: start)
        var now = start
        for (number, delay) in [1, 2, 3, 3].enumerated() {
            #expect(pool.next(at: now) == .start(id(UInt64(number + 1)), python))
            pool.startFailed(at: now)
            #expect(pool.next(at: now) == .wait(until: now + .seconds(delay)))
            now = now + .seconds(delay)
        }
        let later = start + .seconds(8)
        pool.use(node, at: later)
        #expect(pool.next(at: later) == .start(id(5), node))
        pool.started(at: later)
        #expect(pool.next(at: now) == .start(id(6), python))
    }

    @Test func `assignments that fail end a kind, and one that succeeds makes it forget`() {
        var pool = BlankPool(settings: .init(readyMin: 2, retryDelay: .zero, retryDelayMax: .seconds(300)))
        pool.use(python, at: start)
        var now = start
        for failure in 1...5 {
            now = now + .seconds(1)
            _ = settle(&pool, at: now)
            #expect(pool.take(python, at: now) != nil)
            if failure == 2 { pool.assigned(python) } else { pool.assignmentFailed(python, at: now) }
        }
        #expect(ends(settle(&pool, at: now)).count == 1 && pool.ready(python) == 0)
        #expect(starts(settle(&pool, at: now + .seconds(299))).isEmpty)
        #expect(starts(settle(&pool, at: now + .seconds(300))).count >= 2)
    }

    @Test func `one that dies while it waits is not had any more`() {
        var pool = BlankPool(settings: .init(readyMin: 1, retryDelay: .seconds(1)))
        pool.use(python, at: start)
        _ = settle(&pool, at: start)
        pool.lost(id(1), at: start)
        pool.lost(id(1), at: start)
        #expect(pool.take(python, at: start) == nil)
        #expect(settle(&pool, at: start) == [.end(id(1)), .wait(until: start + .seconds(1))])
        #expect(settle(&pool, at: start + .seconds(1)).first == .start(id(2), python))
    }

    @Test func `with no room left a kind that has none takes the place of a quiet one, and of no other`() {
        var pool = BlankPool(settings: .init(livingMax: 2, quietTime: .seconds(60)))
        pool.use(python, at: start)
        _ = settle(&pool, at: start)
        pool.use(node, at: start + .seconds(1))
        #expect(starts(settle(&pool, at: start + .seconds(1))).isEmpty)
        #expect(settle(&pool, at: start + .seconds(60)).prefix(2) == [.end(id(1)), .start(id(3), node)])
        #expect(pool.ready(python) == 1 && pool.ready(node) == 1)
    }

    @Test func `of too many kinds a quiet one goes, and no other`() {
        var pool = BlankPool(settings: .init(readyMin: 1, kindsMax: 1, quietTime: .seconds(60)))
        pool.use(python, at: start)
        #expect(pool.next(at: start) == .start(id(1), python))
        #expect(pool.take(node, at: start) == nil && pool.target(node) == 0)
        pool.use(node, at: start + .seconds(60))
        pool.started(at: start + .seconds(60))
        #expect(settle(&pool, at: start + .seconds(60)).prefix(2) == [.end(id(1)), .start(id(2), node)])
    }

    @Test func `one that has waited for long is replaced, and a kind that nobody takes goes`() {
        var pool = BlankPool(settings: .init(keepUnused: .seconds(3_600), ageMax: .seconds(1_800)))
        pool.use(python, at: start)
        _ = settle(&pool, at: start)
        let old = settle(&pool, at: start + .seconds(1_800))
        #expect(ends(old) == [id(1), id(2)] && starts(old) == [id(3), id(4)])
        #expect(ends(settle(&pool, at: start + .seconds(3_600))).count == 2)
        #expect(pool.living == 0 && pool.target(python) == 0)
    }

    @Test func `they give way to functions`() {
        var pool = BlankPool()
        pool.use(python, at: start)
        _ = settle(&pool, at: start)
        pool.setRoom(1)
        #expect(ends(settle(&pool, at: start)) == [id(1)])
        pool.setRoom(0)
        #expect(ends(settle(&pool, at: start)) == [id(2)])
        #expect(starts(settle(&pool, at: start + .seconds(60))).isEmpty)
        pool.setRoom(16)
        #expect(starts(settle(&pool, at: start + .seconds(60))).count == 2)
    }
}
