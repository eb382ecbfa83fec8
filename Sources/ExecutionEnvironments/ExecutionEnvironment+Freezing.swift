// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import Logging

/// An idle environment stands still.
extension ExecutionEnvironment {
    func freeze() {
        guard lifecycle.state == .ready, inHand == nil, !isFrozen, let sandbox else { return }
        // Where the freezer takes init too it could not answer.
        finishUnmeasured()
        do {
            log.telemetry.pause()
            try sandbox.setFrozen(true)
            isFrozen = true
        } catch {
            logger.error("environment failed", metadata: ["action": "freeze", "error": "\(error)"])
            perform(lifecycle.sandboxLost(at: .now))
        }
    }

    /// Before an invocation, for which it is thawed in any case, and not on its caller's event loop: the kernel may have the freezer locked
    /// for as long as it takes to make or remove another group.
    nonisolated func thawElsewhere() async {
        await withTaskExecutorPreference(globalConcurrentExecutor) { await self.thawOrFail() }
    }

    private func thawOrFail() {
        do {
            try thaw()
        } catch {
            logger.error("environment failed", metadata: ["action": "thaw", "error": "\(error)"])
            perform(lifecycle.sandboxLost(at: .now))
        }
    }

    func thaw() throws {
        guard isFrozen else { return }
        try sandbox?.setFrozen(false)
        isFrozen = false
        log.telemetry.resume()
    }
}
