// SPDX-License-Identifier: Apache-2.0

/// One zygote of this process; a number is never used twice.
package struct ZygoteID: Hashable, Sendable {
    package var number: UInt64

    package init(_ number: UInt64) {
        self.number = number
    }
}

/// Which zygote the next environment of a kind (a runtime, or a version of a function) is forked from, and when one goes.
///
/// A kind has one at most that forks. It is replaced when it is old, when it has died, and when its children fail one after the
/// other; a kind whose zygotes fail is left without for longer and longer. One that forks no more stays until its last child has
/// ended: what is below it would end with it.
package struct ZygotePool<Kind: Hashable & Sendable>: Equatable, Sendable {
    package struct Settings: Equatable, Sendable {
        /// The files that one has loaded are the host's, which change.
        package var ageMax: Duration
        /// After the first failure in a row; each further one doubles it.
        package var retryDelay: Duration
        package var retryDelayMax: Duration
        /// So many children failing in a row end one.
        package var childFailuresMax: Int
        /// It forks them one after the other: so many at most are asked for and not there.
        package var comingMax: Int
        /// One that has had so many is replaced.
        package var childrenMax: Int

        package init(
            ageMax: Duration = .seconds(1_800),
            retryDelay: Duration = .seconds(1),
            retryDelayMax: Duration = .seconds(300),
            childFailuresMax: Int = 3,
            comingMax: Int = 64,
            childrenMax: Int = .max
        ) {
            self.ageMax = ageMax
            self.retryDelay = retryDelay
            self.retryDelayMax = retryDelayMax
            self.childFailuresMax = childFailuresMax
            self.comingMax = comingMax
            self.childrenMax = childrenMax
        }
    }

    package enum Answer: Equatable, Sendable {
        /// That one is to fork a child; then `childCame` or `childFailed`, and in each case `childEnded`.
        case fork(ZygoteID)
        /// There is none: start it, then `started` or `startFailed`.
        case start(ZygoteID)
        /// Without one, this time.
        case none
    }

    private enum Phase: Equatable, Sendable {
        case absent
        case starting(ZygoteID)
        case forking(ZygoteID, expiry: MonotonicTime)
    }

    private struct Line: Equatable, Sendable {
        var phase = Phase.absent
        /// In a row.
        var failures = 0
        var childFailures = 0
        /// That the one that forks has had in all.
        var childrenCount = 0
        /// Not before this one is started.
        var start: MonotonicTime?
    }

    private let settings: Settings
    private var lines: [Kind: Line] = [:]
    private var children: [ZygoteID: Int] = [:]
    /// Of those, the ones that are on their way.
    private var coming: [ZygoteID: Int] = [:]
    /// They fork no more, and are not ended.
    private var retired: Set<ZygoteID> = []
    private var nextNumber: UInt64 = 1

    package init(settings: Settings = Settings()) {
        self.settings = settings
    }

    /// All that have started and not ended.
    package var living: Int { children.count }

    package func children(of id: ZygoteID) -> Int { children[id] ?? 0 }

    /// Nothing that it was asked for is still to come.
    package func isAtRest(_ id: ZygoteID) -> Bool { coming[id, default: 0] == 0 }

    // MARK: - Children

    /// Where a blank environment of that kind is to come from.
    package mutating func take(_ kind: Kind, at now: MonotonicTime, mayStart: Bool) -> Answer {
        var line = lines[kind] ?? Line()
        defer { lines[kind] = line == Line() ? nil : line }
        if case .forking(let id, let expiry) = line.phase {
            guard expiry <= now || line.childrenCount >= settings.childrenMax else {
                guard coming[id, default: 0] < settings.comingMax else { return .none }
                line.childrenCount += 1
                coming[id, default: 0] += 1
                children[id, default: 0] += 1
                return .fork(id)
            }
            retired.insert(id)
            line.phase = .absent
            line.childrenCount = 0
        }
        guard mayStart, line.phase == .absent, line.start.map({ $0 <= now }) ?? true else { return .none }
        let id = ZygoteID(nextNumber)
        nextNumber += 1
        line.phase = .starting(id)
        return .start(id)
    }

    /// The child has come into its sandbox, and waits.
    package mutating func childCame(_ id: ZygoteID) {
        arrive(id)
        guard let kind = kind(of: id) else { return }
        lines[kind]?.failures = 0
        lines[kind]?.childFailures = 0
    }

    package mutating func childFailed(_ id: ZygoteID, at now: MonotonicTime) {
        arrive(id)
        guard let kind = kind(of: id), var line = lines[kind] else { return }
        line.childFailures += 1
        lines[kind] = line
        if line.childFailures >= settings.childFailuresMax { retire(id, kind, at: now) }
    }

    private mutating func arrive(_ id: ZygoteID) {
        guard let count = coming[id], count > 0 else { preconditionFailure("only what was forked comes or fails") }
        coming[id] = count - 1
    }

    /// Nothing of the child is left, or nothing came of it.
    package mutating func childEnded(_ id: ZygoteID) {
        guard let count = children[id], count > 0 else { preconditionFailure("only what was forked ends") }
        children[id] = count - 1
    }

    // MARK: - Zygotes

    /// The one that `take` named may be asked for children.
    package mutating func started(_ id: ZygoteID, at now: MonotonicTime) {
        children[id] = 0
        // It may have died in the meantime.
        guard let kind = kind(of: id) else {
            retired.insert(id)
            return
        }
        lines[kind]?.phase = .forking(id, expiry: now + settings.ageMax)
    }

    /// The one that `take` named could not be started, and nothing of it is left.
    package mutating func startFailed(_ id: ZygoteID, at now: MonotonicTime) {
        guard let kind = kind(of: id) else { return }
        backOff(kind, at: now)
    }

    /// It has died.
    package mutating func lost(_ id: ZygoteID, at now: MonotonicTime) {
        guard let kind = kind(of: id) else { return }
        retire(id, kind, at: now)
    }

    /// Those that fork no more and have not ended: their process is to end, and their sandbox to stay.
    ///
    /// Children that were promised come first.
    package var silent: Set<ZygoteID> { retired.filter(isAtRest) }

    /// One that nothing is below any more, and that forks no more: to be ended by the caller.
    package mutating func takeFinished() -> ZygoteID? {
        guard let id = retired.first(where: { children[$0] == 0 && isAtRest($0) }) else { return nil }
        retired.remove(id)
        (children[id], coming[id]) = (nil, nil)
        return id
    }

    private func kind(of id: ZygoteID) -> Kind? {
        lines.first { _, line in
            switch line.phase {
            case .absent: false
            case .starting(let other), .forking(let other, _): other == id
            }
        }?.key
    }

    /// Those of such kinds fork no more, and are not replaced unless one is asked for.
    package mutating func retire(where isMeant: (Kind) -> Bool) {
        for (kind, line) in lines where isMeant(kind) {
            if case .forking(let id, _) = line.phase { retired.insert(id) }
            lines[kind] = nil
        }
    }

    /// There is one that forks, or will.
    package func has(_ kind: Kind, at now: MonotonicTime) -> Bool {
        guard let line = lines[kind] else { return false }
        return switch line.phase {
        case .absent: false
        case .starting: true
        case .forking(_, let expiry): expiry > now && line.childrenCount < settings.childrenMax
        }
    }

    private mutating func retire(_ id: ZygoteID, _ kind: Kind, at now: MonotonicTime) {
        // One that only starts has no sandbox yet that would be ended: `started` sees to it.
        if children[id] != nil { retired.insert(id) }
        backOff(kind, at: now)
    }

    private mutating func backOff(_ kind: Kind, at now: MonotonicTime) {
        guard var line = lines[kind] else { return }
        // Beyond so many doublings the longest delay is reached, whatever it is.
        let delay = settings.retryDelay * (1 << min(line.failures, 20))
        line.failures += 1
        (line.childFailures, line.childrenCount) = (0, 0)
        line.phase = .absent
        line.start = now + min(delay, settings.retryDelayMax)
        lines[kind] = line
    }
}
