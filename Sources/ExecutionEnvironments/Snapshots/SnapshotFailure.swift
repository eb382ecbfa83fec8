// SPDX-License-Identifier: Apache-2.0
import InvocationCore

/// Why a version has no snapshot.
package enum SnapshotFailure: Error, Equatable, CustomStringConvertible {
    /// Its initialisation failed: the type is that of the error.
    case initialization(type: String)
    case initializationTimeout
    /// It starts without one.
    case notTaken(reason: String)
    /// It starts without one, until it is asked for again.
    case notNow(reason: String)

    package var description: String {
        switch self {
        case .initialization(let type): "the initialisation failed: \(type)"
        case .initializationTimeout: "the initialisation took too long"
        case .notTaken(let reason), .notNow(let reason): reason
        }
    }
}

extension ExecutionEnvironment {
    /// Of one that was to be forked from.
    var snapshotFailure: SnapshotFailure {
        switch initStatus {
        case .error(let type): .initialization(type: type)
        case .timeout: .initializationTimeout
        case .success, nil: .notNow(reason: "its sandbox failed; the server's log says why")
        }
    }
}
