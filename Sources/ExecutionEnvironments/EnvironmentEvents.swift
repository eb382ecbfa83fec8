// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// What environments have told and their pool has not heard yet.
///
/// An end is told while the caller's answer waits for the log, so that a pool which hears first finds the environment idle for whoever was
/// answered and calls again. At most two for each environment.
final class EnvironmentEvents: Sendable {
    /// Says that there is something to hear, once for all that has come since.
    let bell: AsyncStream<Void>
    private let ringing: AsyncStream<Void>.Continuation
    private let told = Mutex<[ExecutionEnvironment.Event]>([])

    init() { (bell, ringing) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    func tell(_ event: ExecutionEnvironment.Event) {
        told.withLock { $0.append(event) }
        ringing.yield()
    }

    /// In the order in which it was told.
    func take() -> [ExecutionEnvironment.Event] {
        told.withLock { told in
            guard !told.isEmpty else { return [] }
            defer { told = [] }
            return told
        }
    }

    func finish() { ringing.finish() }
}
