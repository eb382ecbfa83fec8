// SPDX-License-Identifier: Apache-2.0
import CodeStore
import InvocationCore
import Synchronization

/// Lets so many forks of one function go on at one time; its others wait, in the order they came, and no other function's.
///
/// A zygote makes one after the other, and takes no more than `ZygotePool` lets it: of a burst the rest would be executed. Who waits has
/// a time limit for its own fork, and not for all of the burst.
final class ForkTurns: Sendable {
    private struct Line {
        let gate = OperationGate(operationsMax: ForkTurns.forksMax)
        var users = 0
    }

    static let forksMax = 32

    private let lines = Mutex<[EnvironmentKey: Line]>([:])

    /// Functions of which somebody forks or waits.
    var count: Int { lines.withLock { $0.count } }

    /// Forks when it is its turn; nil where it is cancelled before, or not wanted any more by then.
    func pass<T: Sendable>(
        of key: EnvironmentKey,
        isWanted: @Sendable () async -> Bool,
        _ fork: @Sendable () async -> T?
    ) async -> T? {
        let gate = lines.withLock { lines in
            var line = lines[key] ?? Line()
            line.users += 1
            lines[key] = line
            return line.gate
        }
        defer {
            lines.withLock { lines in
                lines[key]?.users -= 1
                if lines[key]?.users == 0 { lines[key] = nil }
            }
        }
        // Who is cancelled waits no more.
        return try? await gate.pass { () async -> T? in await isWanted() ? await fork() : nil }
    }
}
