// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
package import InvocationCore
import LambdaModel
import Synchronization

/// Limits the rate of control-plane calls, for each account and region by itself.
package final class APIThrottle: Sendable {
    private struct Place: Hashable {
        var accountID: String
        var region: String
    }

    /// Beyond that, those that are not in use are forgotten.
    private static let placesKept = 256

    private let rates = Mutex<[Place: ControlPlaneRate]>([:])
    private let clock: @Sendable () -> MonotonicTime

    package init(clock: @escaping @Sendable () -> MonotonicTime = { APIThrottle.monotonic() }) {
        self.clock = clock
    }

    private static let start = ContinuousClock.now

    package static func monotonic() -> MonotonicTime {
        MonotonicTime(nanoseconds: (ContinuousClock.now - start).wholeNanoseconds)
    }

    /// - Throws: `LambdaError.tooManyRequests`.
    func admit(_ endpoint: Endpoint, _ caller: Caller) throws(LambdaError) {
        guard case .lambda(let operation, _) = endpoint, let group = Self.group(of: operation) else { return }
        let now = clock()
        let place = Place(accountID: caller.accountID, region: caller.region)
        let isAdmitted = rates.withLock { rates in
            if rates.count > Self.placesKept { rates = rates.filter { !$0.value.isUnused(at: now) } }
            return rates[place, default: ControlPlaneRate(at: now)].admit(group, at: now)
        }
        guard isAdmitted else { throw .tooManyRequests(.callerRateLimitExceeded) }
    }

    /// nil for invocations.
    private static func group(of operation: LambdaOperation) -> ControlPlaneRate.Group? {
        switch operation {
        case _ where operation.isInvocation: nil
        case .getFunction: .getFunction
        case .getPolicy: .getPolicy
        default: .others
        }
    }
}
