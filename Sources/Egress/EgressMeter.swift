// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Payload bytes that one execution environment has sent and received over TCP; read from any thread.
package final class EgressMeter: Sendable {
    /// What was counted up to a moment; the difference of two is what an invocation used.
    package struct Snapshot: Sendable, Equatable {
        package var sent: Int64
        package var received: Int64

        package init(sent: Int64 = 0, received: Int64 = 0) {
            self.sent = sent
            self.received = received
        }

        package static func - (later: Snapshot, earlier: Snapshot) -> Snapshot {
            Snapshot(sent: later.sent - earlier.sent, received: later.received - earlier.received)
        }
    }

    private let sent = Atomic<Int64>(0)
    private let received = Atomic<Int64>(0)

    package init() {}

    package func snapshot() -> Snapshot {
        Snapshot(sent: sent.load(ordering: .relaxed), received: received.load(ordering: .relaxed))
    }

    func add(sent bytes: Int) {
        sent.wrappingAdd(Int64(bytes), ordering: .relaxed)
    }

    func add(received bytes: Int) {
        received.wrappingAdd(Int64(bytes), ordering: .relaxed)
    }
}
