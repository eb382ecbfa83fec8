// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import TestSupport
import Testing

/// Zygotes through random histories of children, failures, deaths and time.
struct ZygotePoolSimulationTests {
    private struct World {
        var random: SplitMix64
        var pool = ZygotePool<String>(settings: .init(ageMax: .seconds(30)))
        var now = MonotonicTime(nanoseconds: 0)
        /// Whose processes run; the dead among them are not known to be dead by everybody yet.
        var sandboxes: [ZygoteID: String] = [:]
        var dead: Set<ZygoteID> = []
        var starting: [ZygoteID: String] = [:]
        var children: [(id: ZygoteID, isComing: Bool)] = []
        var everStarted: Set<ZygoteID> = []

        init(seed: UInt64) { random = SplitMix64(seed: seed) }

        static let runtimes = ["python3.9", "python3.12", "python3.13"]

        mutating func step(fails: Bool) {
            switch random.below(8) {
            case 0, 1, 2: take(Self.runtimes[random.below(3)], mayStart: !random.oneIn(3))
            case 3: endStart(fails: fails && random.oneIn(3))
            case 4: if !children.isEmpty { endChild(random.below(children.count), fails: fails && random.oneIn(2)) }
            case 5 where random.oneIn(2): arrive()
            case 5: if fails, let id = sandboxes.keys.min(by: { $0.number < $1.number }) { die(id) }
            case 6: now = now + random.duration(upTo: .seconds(5))
            default: tidy()
            }
        }

        mutating func take(_ runtime: String, mayStart: Bool) {
            switch pool.take(runtime, at: now, mayStart: mayStart) {
            case .fork(let id):
                #expect(sandboxes[id] == runtime, "only what has started forks, for its own runtime")
                children.append((id, true))
            case .start(let id):
                #expect(mayStart && everStarted.insert(id).inserted, "a number is used once")
                #expect(!starting.values.contains(runtime), "one at a time of each runtime")
                starting[id] = runtime
            case .none: break
            }
        }

        mutating func endStart(fails: Bool) {
            guard let (id, runtime) = starting.min(by: { $0.key.number < $1.key.number }) else { return }
            starting[id] = nil
            if fails { return pool.startFailed(id, at: now) }
            // It may be dead before anybody is told that it lives.
            if random.oneIn(5) { pool.lost(id, at: now) }
            sandboxes[id] = runtime
            pool.started(id, at: now)
        }

        mutating func arrive() {
            guard let index = children.firstIndex(where: { $0.isComing }) else { return }
            children[index].isComing = false
            pool.childCame(children[index].id)
        }

        mutating func endChild(_ index: Int, fails: Bool) {
            let (id, isComing) = children.remove(at: index)
            // Its sandbox may be gone before it is said that it failed.
            let isLate = random.oneIn(2)
            if isComing, !isLate { fails ? pool.childFailed(id, at: now) : pool.childCame(id) }
            pool.childEnded(id)
            if isComing, isLate {
                tidy(besides: id)
                fails ? pool.childFailed(id, at: now) : pool.childCame(id)
            }
            tidy()
        }

        mutating func die(_ id: ZygoteID) {
            dead.insert(id)
            pool.lost(id, at: now)
        }

        mutating func tidy(besides expected: ZygoteID? = nil) {
            while let id = pool.takeFinished() {
                let isNeeded = children.contains { $0.id == id } || id == expected
                #expect(!isNeeded, "a zygote's sandbox ends after what is below it")
                #expect(sandboxes.removeValue(forKey: id) != nil, "what is ended was there")
            }
        }
    }

    @Test(arguments: 0..<50) func `no child loses its zygote's sandbox, and no sandbox is forgotten`(_ seed: Int) {
        var world = World(seed: UInt64(seed))
        for _ in 0..<2_000 { world.step(fails: true) }
        #expect(!world.everStarted.isEmpty)
        // The end of all failures and children: one for each runtime at most is left, and it forks.
        while !world.starting.isEmpty { world.endStart(fails: false) }
        while !world.children.isEmpty { world.endChild(0, fails: false) }
        world.tidy()
        #expect(world.pool.living == world.sandboxes.count && world.sandboxes.count <= World.runtimes.count)
        for (id, runtime) in world.sandboxes {
            let answer = world.pool.take(runtime, at: world.now, mayStart: false)
            #expect(answer == .fork(id) || world.pool.silent.contains(id), "\(answer): \(runtime)")
        }
    }
}
