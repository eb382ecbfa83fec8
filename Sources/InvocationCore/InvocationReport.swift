// SPDX-License-Identifier: Apache-2.0

/// One invocation as an environment gets it.
package struct InvocationTicket: Equatable, Sendable {
    package var id: InvocationID
    /// The function's timeout.
    package var timeout: Duration

    package init(id: InvocationID, timeout: Duration) {
        self.id = id
        self.timeout = timeout
    }
}

/// What the caller of an invocation gets.
package enum InvocationAnswer: Equatable, Sendable {
    /// The body of the `response` call in hand.
    case response
    /// The body of the `error` or `init/error` call in hand, byte for byte.
    case reportedError(type: String)
    /// `InvocationFailure.payload` says it.
    case failure(InvocationFailure)
    /// The machine failed or the server ends: no payload, but a `ServiceException`.
    case environmentLost
}

/// How an invocation ended, once nothing of it runs any more.
package struct InvocationReport: Equatable, Sendable {
    package enum Status: Equatable, Sendable {
        case success
        /// The runtime reported an error of the function.
        case functionError(type: String)
        /// The runtime died, could not be started, or answered too much.
        case runtimeError(type: String)
        case timeout
        /// The environment was lost: not the function's doing, and not billed.
        case environmentLost
    }

    package var id: InvocationID
    package var status: Status
    /// From assignment to the runtime's following `next`, its death, or the timeout.
    ///
    /// An initialisation that ran inside the invocation is part of it.
    package var duration: Duration
    /// Of the initialisation before the environment's first invocation; nil in every other one.
    package var initDuration: Duration?
    /// The same of the restore that the environment began with.
    package var restore: RestoreDuration?

    package init(
        id: InvocationID,
        status: Status,
        duration: Duration,
        initDuration: Duration?,
        restore: RestoreDuration? = nil
    ) {
        self.id = id
        self.status = status
        self.duration = duration
        self.initDuration = initDuration
        self.restore = restore
    }

    package var billed: BilledDuration { BilledDuration(duration: duration, initDuration: initDuration) }
}

/// How long the restoring of a snapshot took (AWS Lambda Developer Guide, "Monitoring for Lambda SnapStart").
package struct RestoreDuration: Equatable, Sendable {
    /// From when it was asked for.
    package var total: Duration
    /// Of it, that of the function's own hooks and the runtime's start.
    package var billed: Duration

    package init(total: Duration, billed: Duration) {
        self.total = total
        self.billed = billed
    }

    /// Whole milliseconds, rounded up.
    package var billedMilliseconds: Int64 { BilledDuration(duration: billed, initDuration: nil).milliseconds }
}

/// Why a restored environment is of no use.
package enum RestoreFailure: Equatable, Sendable {
    case error
    case timeout
}

/// How an initialisation ended.
package struct InitReport: Equatable, Sendable {
    package enum Phase: String, Sendable {
        /// Before any invocation.
        case initialization = "init"
        /// Inside an invocation, under the function's own timeout.
        case invocation = "invoke"
    }

    package enum Status: Equatable, Sendable {
        case success
        case error(type: String)
        case timeout
    }

    package var phase: Phase
    package var status: Status
    package var duration: Duration

    package init(phase: Phase, status: Status, duration: Duration) {
        self.phase = phase
        self.status = status
        self.duration = duration
    }
}
