// SPDX-License-Identifier: Apache-2.0
import InvocationCore

/// What an environment does at a time, and not at an event.
extension ExecutionEnvironment {
    typealias Alarm = AlarmClock.Alarm

    func set(_ alarm: Alarm, after delay: Duration) { set(alarm, at: .now + delay) }

    func set(_ alarm: Alarm, at time: MonotonicTime) {
        guard let wake = alarms.set(alarm, at: time) else { return }
        sleeper?.cancel()
        sleeper = Task { [weak self] in
            var wake: MonotonicTime? = wake
            while let time = wake {
                guard (try? await Task.sleep(for: max(.zero, time - .now), tolerance: .zero)) != nil else { return }
                wake = await self?.woke()
            }
        }
    }

    /// - Returns: when it has to be called again, if the sleeper is still the one.
    private func woke() -> MonotonicTime? {
        // One that was replaced just as it woke.
        guard !Task.isCancelled else { return nil }
        let now = MonotonicTime.now
        while let alarm = alarms.wake(at: now) { ring(alarm) }
        return alarms.sleepOn()
    }
}
