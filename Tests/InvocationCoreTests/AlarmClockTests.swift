// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import TestSupport
import Testing

private func at(_ nanoseconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: nanoseconds) }

struct AlarmClockTests {
    @Test func `a later deadline leaves the sleeper alone, and an earlier one does not`() {
        var clock = AlarmClock()
        #expect(clock.set(.lifecycle, at: at(100)) == at(100))
        #expect(clock.set(.flush, at: at(150)) == nil)
        #expect(clock.set(.freeze, at: at(50)) == at(50))
        #expect(clock.wake(at: at(50)) == .freeze)
        #expect(clock.wake(at: at(50)) == nil)
        #expect(clock.sleepOn() == at(100))
    }

    @Test func `one that is set again, or cancelled, is not due when it was`() {
        var clock = AlarmClock()
        _ = clock.set(.lifecycle, at: at(100))
        _ = clock.set(.freeze, at: at(100))
        #expect(clock.set(.lifecycle, at: at(300)) == nil)
        clock.cancel(.freeze)
        #expect(clock.wake(at: at(100)) == nil)
        #expect(clock.sleepOn() == at(300))
        clock.cancel(.lifecycle)
        #expect(clock.wake(at: at(300)) == nil)
        #expect(clock.sleepOn() == nil)
        #expect(clock.set(.lifecycle, at: at(400)) == at(400))
    }

    @Test func `what is set while the sleeper is awake needs no other`() {
        var clock = AlarmClock()
        _ = clock.set(.flush, at: at(10))
        #expect(clock.wake(at: at(11)) == .flush)
        #expect(clock.set(.flush, at: at(20)) == nil)
        #expect(clock.set(.lifecycle, at: at(5)) == nil)
        #expect(clock.sleepOn() == at(5))
        #expect(clock.wake(at: at(20)) == .lifecycle)
        #expect(clock.wake(at: at(20)) == .flush)
        #expect(clock.wake(at: at(20)) == nil)
    }

    @Test func `what is due does not ring when one that rings before it cancels it, and does when it is set again`() {
        var clock = AlarmClock()
        _ = clock.set(.lifecycle, at: at(100))
        _ = clock.set(.flush, at: at(100))
        _ = clock.set(.freeze, at: at(101))
        #expect(clock.wake(at: at(102)) == .lifecycle)
        clock.cancel(.flush)
        _ = clock.set(.freeze, at: at(200))
        #expect(clock.wake(at: at(102)) == nil)
        #expect(clock.sleepOn() == at(200))
        #expect(clock.wake(at: at(200)) == .freeze)
    }

    /// Beside one timer for each alarm: every alarm rings at its own time, none twice, none that was given up.
    @Test(arguments: UInt64(0)..<64)
    func `every alarm rings at its time`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var clock = AlarmClock()
        var timers: [AlarmClock.Alarm: Int64] = [:]
        var sleeper: Int64?
        for now in Int64(0)..<2_000 {
            if sleeper == now {
                var due: Set<AlarmClock.Alarm> = []
                while let alarm = clock.wake(at: at(now)) { #expect(due.insert(alarm).inserted) }
                #expect(due == Set(timers.filter { $0.value <= now }.keys), "seed \(seed), time \(now)")
                for alarm in due { timers[alarm] = nil }
                sleeper = clock.sleepOn()?.nanoseconds
            }
            #expect(timers.values.allSatisfy { $0 > now }, "seed \(seed), time \(now): one is late")
            guard let alarm = AlarmClock.Alarm.allCases.randomElement(using: &random) else { continue }
            if Bool.random(using: &random) {
                let time = now + .random(in: 1...60, using: &random)
                timers[alarm] = time
                if let wake = clock.set(alarm, at: at(time)) { sleeper = wake.nanoseconds }
            } else {
                timers[alarm] = nil
                clock.cancel(alarm)
            }
        }
    }
}
