// SPDX-License-Identifier: Apache-2.0

/// What an invocation is billed for: its own time and, where it is the first of its environment, the initialisation's.
///
/// Since August 2025 Lambda bills the initialisation of every kind of function: the sum is rounded up to a millisecond.
package struct BilledDuration: Equatable, Sendable {
    /// From the event's delivery until the runtime asked for the next one (or died).
    package var duration: Duration
    package var initDuration: Duration?

    package init(duration: Duration, initDuration: Duration?) {
        self.duration = duration
        self.initDuration = initDuration
    }

    /// At least 1.
    package var milliseconds: Int64 {
        let nanoseconds = (duration + (initDuration ?? .zero)).wholeNanoseconds
        return max(1, (nanoseconds + 999_999) / 1_000_000)
    }

    package func compute(memoryMiB: Int) -> ComputeUsage {
        ComputeUsage(mebibyteMilliseconds: milliseconds * Int64(memoryMiB))
    }
}

/// Memory size times billed time, the quantity that Lambda prices as GB-seconds; exact, since kept as an integer.
package struct ComputeUsage: Equatable, Comparable, Sendable {
    /// 1,024,000 of them are one GB-second.
    package var mebibyteMilliseconds: Int64

    package init(mebibyteMilliseconds: Int64) {
        self.mebibyteMilliseconds = mebibyteMilliseconds
    }

    package static func < (left: ComputeUsage, right: ComputeUsage) -> Bool {
        left.mebibyteMilliseconds < right.mebibyteMilliseconds
    }

    package static func + (left: ComputeUsage, right: ComputeUsage) -> ComputeUsage {
        ComputeUsage(mebibyteMilliseconds: left.mebibyteMilliseconds + right.mebibyteMilliseconds)
    }

    /// GB-seconds with six decimals, rounded half up: `0.012500`.
    package var gigabyteSeconds: String {
        let (whole, rest) = mebibyteMilliseconds.quotientAndRemainder(dividingBy: 1_024_000)
        let millionths = (rest * 1_000_000 + 512_000) / 1_024_000
        let (carry, decimals) = millionths.quotientAndRemainder(dividingBy: 1_000_000)
        return "\(whole + carry).\(decimal(decimals, width: 6))"
    }
}

extension Duration {
    /// This duration in `unit`, with two decimals, rounded half up; never negative: `3016.78`.
    package func hundredths(of unit: Duration) -> String {
        let hundredth = unit.wholeNanoseconds / 100
        let (whole, decimals) = ((max(0, wholeNanoseconds) + hundredth / 2) / hundredth)
            .quotientAndRemainder(dividingBy: 100)
        return "\(whole).\(decimal(decimals, width: 2))"
    }
}

func decimal(_ value: Int64, width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
