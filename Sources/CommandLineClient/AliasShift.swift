// SPDX-License-Identifier: Apache-2.0

/// How an alias comes from one version to the next: `canary:10%:5m` or `linear:10%:1m`.
struct AliasShift: Equatable, Sendable {
    /// Shares of the new version in percent, in ascending order; after the last it has all.
    var shares: [Int]
    /// How long each is held.
    var interval: Duration

    static let all = AliasShift(shares: [], interval: .zero)

    init(shares: [Int], interval: Duration) {
        self.shares = shares
        self.interval = interval
    }

    /// Nil for anything else; a share is from 1 % to 99 %, an interval from a second to a day.
    init?(_ text: String, interval: (String) -> Duration?) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[1].hasSuffix("%"), let share = Int(parts[1].dropLast()), (1...99).contains(share),
            let time = interval(String(parts[2])), (.seconds(1)) <= time, time <= .seconds(86_400)
        else { return nil }
        switch parts[0] {
        case "canary": shares = [share]
        case "linear": shares = Array(stride(from: share, to: 100, by: share))
        default: return nil
        }
        self.interval = time
    }
}

/// Decides what follows in a shift; the clock is an argument.
struct AliasShiftProgress: Equatable, Sendable {
    enum Step: Equatable, Sendable {
        /// Give the new version that share.
        case weigh(percent: Int)
        /// Look again before so much time has passed.
        case hold(atMost: Duration)
        /// The new version has all.
        case complete
        /// The old version has all again.
        case goBack(errors: Int64)
    }

    private let shift: AliasShift
    /// What the new version had before.
    private let errorsBefore: Int64
    /// So many errors of the new version are not too many.
    private let errorsMax: Int64
    private var next = 0
    private var since = Duration.zero

    init(_ shift: AliasShift, errorsBefore: Int64, errorsMax: Int64) {
        self.shift = shift
        self.errorsBefore = errorsBefore
        self.errorsMax = errorsMax
    }

    /// `errors` are all that the new version has had, before the shift began too; `time` is that long ago.
    mutating func step(errors: Int64, at time: Duration) -> Step {
        let errors = errors - errorsBefore
        guard errors <= errorsMax else { return .goBack(errors: errors) }
        let isHeld = next > 0 && time - since < shift.interval
        if isHeld { return .hold(atMost: shift.interval - (time - since)) }
        guard next < shift.shares.count else { return .complete }
        defer { (next, since) = (next + 1, time) }
        return .weigh(percent: shift.shares[next])
    }
}
