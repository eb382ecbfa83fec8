// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import TestSupport
import Testing

/// The pool of blank environments through random histories of demand, failures and deaths.
struct BlankPoolSimulationTests {
    /// What the world has, as seen from outside of the pool.
    private struct World {
        var random: SplitMix64
        var pool: BlankPool
        let settings: BlankPool.Settings
        var now = MonotonicTime(nanoseconds: 0)
        /// Started and neither taken nor ended.
        var alive: [BlankID: BlankKind] = [:]
        var everStarted: Set<BlankID> = []
        var starting: (BlankID, BlankKind)?
        var waitsUntil: MonotonicTime?
        /// What there is memory for.
        var room = Int.max

        init(seed: UInt64) {
            random = SplitMix64(seed: seed)
            settings = BlankPool.Settings(
                readyMin: 1 + random.below(2),
                readyMax: 2 + random.below(4),
                livingMax: 1 + random.below(8),
                kindsMax: 1 + random.below(3),
                refillDelay: .milliseconds(random.below(100)),
                quietTime: .seconds(10),
                keepUnused: .seconds(100_000),
                ageMax: .seconds(60 + random.below(600))
            )
            pool = BlankPool(settings: settings)
        }

        static let kinds = [
            BlankKind(runtime: "python3.12", memoryMiB: nil), BlankKind(runtime: "nodejs20.x", memoryMiB: 128),
            BlankKind(runtime: "nodejs20.x", memoryMiB: 256), BlankKind(runtime: "python3.9", memoryMiB: nil),
        ]

        mutating func step(fails: Bool) {
            switch random.below(9) {
            case 0: pool.use(anyKind(), at: now)
            case 1, 2: take(anyKind())
            case 3: if let id = alive.keys.min(by: { $0.number < $1.number }), fails { pool.lost(id, at: now) }
            case 4, 5: endStart(fails: fails && random.oneIn(3))
            case 8 where fails:
                room = random.below(10)
                pool.setRoom(room)
            case 6: now = now + random.duration(upTo: .milliseconds(500))
            default: if let waitsUntil, waitsUntil > now { now = waitsUntil }
            }
            work()
        }

        private mutating func anyKind() -> BlankKind { Self.kinds[random.below(Self.kinds.count)] }

        mutating func take(_ kind: BlankKind) {
            guard let id = pool.take(kind, at: now) else { return }
            #expect(alive.removeValue(forKey: id) == kind, "what is taken is there, of that kind, and nobody else's")
            if random.oneIn(10) { pool.assignmentFailed(kind, at: now) } else { pool.assigned(kind) }
        }

        mutating func endStart(fails: Bool) {
            guard let (id, kind) = starting else { return }
            starting = nil
            if fails { return pool.startFailed(at: now) }
            alive[id] = kind
            pool.started(at: now)
        }

        mutating func work() {
            for _ in 0..<100 {
                #expect(alive.count + (starting == nil ? 0 : 1) <= settings.livingMax)
                #expect(pool.living <= settings.livingMax)
                switch pool.next(at: now) {
                case .start(let id, let kind):
                    #expect(starting == nil && everStarted.insert(id).inserted)
                    #expect(pool.wanted <= room, "none is started that there is no memory for")
                    starting = (id, kind)
                case .end(let id):
                    #expect(alive.removeValue(forKey: id) != nil, "what ends was there")
                    pool.ended()
                case .wait(let time):
                    #expect(time.map { $0 > now } ?? true, "nothing to do is not put off to now")
                    #expect(pool.wanted <= max(room, starting == nil ? 0 : 1))
                    return waitsUntil = time
                }
            }
            Issue.record("the pool does not come to rest")
        }
    }

    @Test(arguments: UInt64(0)..<64)
    func `limits hold in every order of events, and the pool comes to rest at the minimum`(seed: UInt64) {
        var world = World(seed: seed)
        for _ in 0..<2_000 { world.step(fails: true) }
        // Nothing fails any more, there is memory, and one kind is used for a while.
        world.room = .max
        world.pool.setRoom(.max)
        let kind = World.kinds[0]
        for _ in 0..<20 {
            world.take(kind)
            world.now = world.now + .seconds(1)
            world.work()
            world.endStart(fails: false)
            world.work()
        }
        // Then nobody wants anything, for longer than any pause after failures.
        for _ in 0..<200 {
            world.now = world.now + .seconds(5)
            world.work()
            world.endStart(fails: false)
            world.work()
        }
        #expect((1...world.settings.readyMin).contains(world.pool.ready(kind)), "seed \(seed)")
        if world.pool.living < world.settings.livingMax {
            #expect(world.pool.ready(kind) == world.settings.readyMin, "seed \(seed)")
        }
        for other in World.kinds { #expect(world.pool.ready(other) <= world.settings.readyMin, "seed \(seed)") }
        #expect(world.alive.count + (world.starting == nil ? 0 : 1) == world.pool.living, "seed \(seed)")
    }
}
