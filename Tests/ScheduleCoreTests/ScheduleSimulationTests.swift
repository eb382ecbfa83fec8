// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import TestSupport
import Testing

@testable import ScheduleCore

/// A schedule, what it has sent, a clock that is set back and forth, a target that fails, and a server that is killed, by seed.
private struct ScheduleHistory {
    /// What is on the disk.
    struct Kept: Equatable {
        var progress: ScheduleProgress
        var waiting: [Waiting] = []
    }

    struct Waiting: Equatable {
        var id: Int
        var occurred: Timestamp
        var due: Timestamp
        var attempts = 0
    }

    let seed: UInt64
    var random: SplitMix64
    let timing: ScheduleTiming
    let policy: DeliveryPolicy
    var now: Timestamp
    var kept: Kept
    var wake: Timestamp
    var runs: [Timestamp] = []
    var missed: [Timestamp] = []
    /// Ids of deliveries that the target has, with repeats.
    var taken: [Int] = []
    var givenUp: [Int] = []
    var isCompleted = false

    private static let expressions = [
        "rate(1 minute)", "rate(7 minutes)", "rate(1 day)", "cron(0/5 * * * ? *)", "cron(30 2 * * ? *)",
        "cron(0 9 ? * MON-FRI *)", "at(2026-10-25T02:30:00)",
    ]

    init(seed: UInt64) {
        self.seed = seed
        random = SplitMix64(seed: seed)
        let start = time("2026-10-24T20:00:00Z")
        var timing = timed(
            random.element(of: Self.expressions) ?? "rate(1 minute)",
            random.element(of: ["UTC", "Europe/Berlin", "America/New_York"]) ?? "UTC"
        )
        timing.anchor = start
        timing.windowMinutes = random.oneIn(3) ? 1 + random.below(20) : 0
        timing.seed = random.next()
        if random.oneIn(4) { timing.end = start.advanced(by: .seconds(random.below(200_000))) }
        self.timing = timing
        policy = DeliveryPolicy(ageMax: 60 + random.below(7_200), retriesMax: random.below(6))
        now = start
        wake = start
        kept = Kept(progress: ScheduleProgress(after: start.advanced(by: .milliseconds(-1))))
    }

    /// What the driver does when it is woken; a kill before the commit leaves what was kept.
    mutating func work(isKilled: Bool) {
        var next = kept
        let before = kept.progress.after
        switch next.progress.turn(timing, now: now, ageMax: .seconds(policy.ageMax)) {
        case .wait(let until):
            #expect(until > now, "seed \(seed)")
            #expect(next == kept, "seed \(seed): nothing moves while nothing is due")
            wake = until
        case .completed:
            isCompleted = true
            #expect(timing.next(after: before) == nil, "seed \(seed)")
        case .missed(let time):
            #expect(timing.run(of: time).advanced(by: .seconds(policy.ageMax)) < now, "seed \(seed)")
            if !isKilled { missed.append(time) }
        case .run(let time):
            #expect(timing.run(of: time) <= now, "seed \(seed): none runs before its time")
            #expect(timing.run(of: time).advanced(by: .seconds(policy.ageMax)) >= now, "seed \(seed)")
            #expect(
                timing.next(after: time.advanced(by: .milliseconds(-1))) == time,
                "seed \(seed): it is an occurrence"
            )
            #expect(time > before, "seed \(seed): none runs twice")
            if let after = timing.next(after: time) {
                #expect(timing.run(of: after) > now, "seed \(seed): it is the latest")
            }
            if !isKilled {
                next.waiting.append(Waiting(id: runs.count, occurred: time, due: now))
                runs.append(time)
            }
        }
        if !isKilled { kept = next }
    }

    mutating func deliver() {
        for waiting in kept.waiting where waiting.due <= now {
            let attempt: DeliveryPolicy.Attempt = random.oneIn(3) ? .failed : random.oneIn(20) ? .refused : .succeeded
            if attempt == .succeeded { taken.append(waiting.id) }
            // Killed after the target has it and before that is written: it comes again, under its id.
            if random.oneIn(10) { return }
            let decision = policy.decide(
                attempt,
                retries: waiting.attempts,
                occurred: waiting.occurred,
                now: now,
                seed: seed
            )
            kept.waiting.removeAll { $0.id == waiting.id }
            switch decision {
            case .done: break
            case .giveUp: givenUp.append(waiting.id)
            case .retry(let due):
                #expect(due > now, "seed \(seed)")
                var later = waiting
                (later.due, later.attempts) = (due, waiting.attempts + 1)
                kept.waiting.append(later)
            }
        }
    }

    mutating func step() {
        switch random.below(12) {
        case 0: now = now.advanced(by: .seconds(-random.below(10_000)))
        case 1: now = now.advanced(by: .seconds(random.below(200_000)))
        case 2...5: now = max(now, wake)
        default: now = now.advanced(by: .milliseconds(random.below(120_000)))
        }
        work(isKilled: random.oneIn(8))
        deliver()
    }

    mutating func finish() {
        var rounds = 0
        while !kept.waiting.isEmpty, rounds < 10_000 {
            now = max(now, kept.waiting.map(\.due).min() ?? now)
            deliver()
            rounds += 1
        }
        #expect(kept.waiting.isEmpty, "seed \(seed): every delivery comes to its end")
        #expect(runs == runs.sorted() && Set(runs).count == runs.count, "seed \(seed): in order, each once")
        #expect(Set(taken).union(givenUp) == Set(runs.indices), "seed \(seed): nothing that ran is lost")
        #expect(Set(runs).isDisjoint(with: missed), "seed \(seed)")
    }
}

struct ScheduleSimulationTests {
    @Test(arguments: UInt64(0)..<400)
    func `random histories lose nothing, and repeat only deliveries`(seed: UInt64) {
        var history = ScheduleHistory(seed: seed)
        for _ in 0..<200 { history.step() }
        history.finish()
    }

    @Test(arguments: UInt64(0)..<60)
    func `where nothing goes wrong every occurrence runs, at its time`(seed: UInt64) {
        var history = ScheduleHistory(seed: seed)
        var expected: [Timestamp] = []
        var after = history.kept.progress.after
        for _ in 0..<50 {
            guard let next = history.timing.next(after: after) else { break }
            expected.append(next)
            after = next
        }
        for _ in 0..<400 where history.runs.count < expected.count {
            history.now = max(history.now, history.wake)
            history.work(isKilled: false)
            if let last = history.runs.last { #expect(history.now == max(history.now, history.timing.run(of: last))) }
        }
        #expect(history.runs == expected, "seed \(seed)")
        #expect(history.missed.isEmpty)
    }

    @Test func `what was missed runs once, late, or not at all when it is too old`() {
        let start = time("2026-11-26T10:00:00Z")
        var often = timed("rate(1 minute)")
        often.anchor = start
        var progress = ScheduleProgress(after: start)
        let day = start.advanced(by: .seconds(86_415))
        #expect(progress.turn(often, now: day, ageMax: .seconds(60)) == .run(start.advanced(by: .seconds(86_400))))
        #expect(
            progress.turn(often, now: day, ageMax: .seconds(60)) == .wait(until: start.advanced(by: .seconds(86_460)))
        )
        let nightly = timed("cron(0 2 * * ? *)")
        progress = ScheduleProgress(after: start)
        #expect(
            progress.turn(nightly, now: time("2026-11-29T03:00:00Z"), ageMax: .seconds(7_200))
                == .run(time("2026-11-29T02:00:00Z"))
        )
        progress = ScheduleProgress(after: start)
        #expect(
            progress.turn(nightly, now: time("2026-11-29T09:00:00Z"), ageMax: .seconds(7_200))
                == .missed(time("2026-11-29T02:00:00Z"))
        )
        #expect(
            progress.turn(nightly, now: time("2026-11-29T09:00:00Z"), ageMax: .seconds(7_200))
                == .wait(until: time("2026-11-30T02:00:00Z"))
        )
    }

    @Test func `a clock that is set back repeats nothing`() {
        let start = time("2026-11-26T10:00:00Z")
        var often = timed("rate(1 minute)")
        often.anchor = start
        var progress = ScheduleProgress(after: start.advanced(by: .seconds(600)))
        let back = start.advanced(by: .seconds(30))
        #expect(
            progress.turn(often, now: back, ageMax: .seconds(60)) == .wait(until: start.advanced(by: .seconds(660)))
        )
    }
}
