// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import Logging
import Runtimes
import Synchronization

/// The zygotes of this server: does what `ZygotePool` decides.
final class Zygotes: Sendable {
    private struct State {
        var pool = ZygotePool()
        var zygotes: [ZygoteID: Zygote] = [:]
    }

    private let workshop: EnvironmentWorkshop
    private let state = Mutex(State())

    init(workshop: EnvironmentWorkshop) { self.workshop = workshop }

    /// The right to have one child of a zygote of that runtime; nil where there is none.
    ///
    /// One is started, and waited for, only if `mayStart`.
    func lease(_ runtime: RuntimeDefinition, mayStart: Bool) async -> ZygoteLease? {
        guard runtime.canFork else { return nil }
        // A second time after one was started.
        for mayStart in [mayStart, false] {
            let (answer, zygote) = state.withLock { state -> (ZygotePool.Answer, Zygote?) in
                let answer = state.pool.take(runtime.runtime, at: .now, mayStart: mayStart)
                guard case .fork(let id) = answer else { return (answer, nil) }
                return (answer, state.zygotes[id])
            }
            tidy()
            switch answer {
            case .fork(let id):
                guard let zygote else { preconditionFailure("what forks is there: \(id)") }
                return ZygoteLease(zygote: zygote, zygotes: self)
            case .start(let id):
                guard await start(id, runtime) else { return nil }
            case .none: return nil
            }
        }
        return nil
    }

    private func start(_ id: ZygoteID, _ runtime: RuntimeDefinition) async -> Bool {
        do {
            let zygote = try await Zygote.start(id, runtime, workshop: workshop) { [weak self] in
                self?.state.withLock { $0.pool.lost(id, at: .now) }
                // Not on the reactor's thread, which its channel is to be taken from.
                Task { self?.tidy() }
            }
            state.withLock { state in
                state.zygotes[id] = zygote
                state.pool.started(id, at: .now)
            }
            tidy()
            return true
        } catch {
            if !Task.isCancelled {
                workshop.logger.notice(
                    "environments are executed, not forked",
                    metadata: ["runtime": "\(runtime.runtime)", "error": "\(error)"]
                )
            }
            state.withLock { $0.pool.startFailed(id, at: .now) }
            return false
        }
    }

    func childCame(_ id: ZygoteID) {
        state.withLock { $0.pool.childCame(id) }
        tidy()
    }

    func childFailed(_ id: ZygoteID) {
        state.withLock { $0.pool.childFailed(id, at: .now) }
        tidy()
    }

    fileprivate func childEnded(_ id: ZygoteID) {
        state.withLock { $0.pool.childEnded(id) }
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
    let zygote: Zygote
    private let zygotes: Zygotes
    private let hasEnded = Mutex(false)

    fileprivate init(zygote: Zygote, zygotes: Zygotes) {
        self.zygote = zygote
        self.zygotes = zygotes
    }

    /// May be called again.
    func end() {
        let isFirst = hasEnded.withLock { hasEnded in
            defer { hasEnded = true }
            return !hasEnded
        }
        if isFirst { zygotes.childEnded(zygote.id) }
    }
}
