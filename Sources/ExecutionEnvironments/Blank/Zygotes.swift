// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import Synchronization

/// Zygotes of one sort: does what `ZygotePool` decides.
final class Zygotes<Kind: Hashable & Sendable>: Sendable {
    private struct State {
        var pool: ZygotePool<Kind>
        var zygotes: [ZygoteID: Zygote] = [:]
    }

    private let state: Mutex<State>

    init(_ pool: ZygotePool<Kind>) { state = Mutex(State(pool: pool)) }

    var count: Int { state.withLock { $0.zygotes.count } }

    /// The right to have one child of a zygote of that kind; nil where there is none.
    func lease(_ kind: Kind) -> ZygoteLease? {
        defer { tidy() }
        return state.withLock { state in
            guard case .fork(let id) = state.pool.take(kind, at: .now, mayStart: false) else { return nil }
            guard let zygote = state.zygotes[id] else { preconditionFailure("what forks is there: \(id)") }
            let number = state.pool.children(of: id)
            return ZygoteLease(zygote, childrenCount: number) { [weak self] in self?.heard($0, id) }
        }
    }

    /// Sees to it that there is a zygote of that kind, unless they fail: returns when `make` has, if it is called.
    ///
    /// What it throws is thrown, and counts as a failed start.
    func start<Failure>(
        _ kind: Kind,
        _ make: (ZygoteID, @escaping @Sendable () -> Void) async throws(Failure) -> Zygote
    ) async throws(Failure) {
        let missing = state.withLock { state -> ZygoteID? in
            let now = MonotonicTime.now
            guard !state.pool.has(kind, at: now),
                case .start(let id) = state.pool.take(kind, at: now, mayStart: true)
            else { return nil }
            return id
        }
        guard let id = missing else { return }
        let zygote: Zygote
        do {
            zygote = try await make(id) { [weak self] in
                self?.state.withLock { $0.pool.lost(id, at: .now) }
                // Not on the reactor's thread, which its channel is to be taken from.
                Task { self?.tidy() }
            }
        } catch {
            state.withLock { $0.pool.startFailed(id, at: .now) }
            throw error
        }
        state.withLock { state in
            state.zygotes[id] = zygote
            state.pool.started(id, at: .now)
        }
        tidy()
    }

    /// Those of such kinds fork no more.
    func retire(where isMeant: (Kind) -> Bool) {
        state.withLock { $0.pool.retire(where: isMeant) }
        tidy()
    }

    /// There is one of that kind, or one is being started.
    func has(_ kind: Kind) -> Bool { state.withLock { $0.pool.has(kind, at: .now) } }

    private func heard(_ stage: ZygoteLease.Stage, _ id: ZygoteID) {
        state.withLock { state in
            switch stage {
            case .came: state.pool.childCame(id)
            case .failed: state.pool.childFailed(id, at: .now)
            case .ended: state.pool.childEnded(id)
            }
            if state.pool.isAtRest(id) { state.zygotes[id]?.rest() }
        }
        tidy()
    }

    private func tidy() {
        let finished = state.withLock { state in
            // While nobody can take it for finished and end it.
            for id in state.pool.silent { state.zygotes[id]?.silence() }
            var finished: [Zygote] = []
            while let id = state.pool.takeFinished() {
                guard let zygote = state.zygotes.removeValue(forKey: id) else { continue }
                finished.append(zygote)
            }
            return finished
        }
        for zygote in finished { Task { await zygote.destroy() } }
    }
}

/// One child of a zygote, from before it is forked until nothing of it is left: so long the zygote's sandbox stays.
final class ZygoteLease: Sendable {
    enum Stage: Sendable {
        /// It is in its sandbox, and waits.
        case came
        case failed
        /// Nothing of it is left, or nothing came of it.
        case ended
    }

    let zygote: Zygote
    /// Children of the zygote, this one included.
    let childrenCount: Int
    private let report: @Sendable (Stage) -> Void
    private let hasEnded = Mutex(false)

    fileprivate init(_ zygote: Zygote, childrenCount: Int, report: @escaping @Sendable (Stage) -> Void) {
        self.zygote = zygote
        self.childrenCount = childrenCount
        self.report = report
    }

    func came() { report(.came) }

    func failed() { report(.failed) }

    /// May be called again.
    func end() {
        let isFirst = hasEnded.withLock { hasEnded in
            defer { hasEnded = true }
            return !hasEnded
        }
        if isFirst { report(.ended) }
    }
}
