// SPDX-License-Identifier: Apache-2.0
import Foundation

/// How many histories a simulation goes through, and which.
///
/// `MARTLET_SIMULATION_HISTORIES` says how many of each kind, `MARTLET_SIMULATION_SEED` where the seeds begin.
package enum Histories {
    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    /// So few that not everything is sure to come about in them.
    package static var areFew: Bool { number("MARTLET_SIMULATION_HISTORIES").map { $0 < 300 } ?? false }

    /// The seeds of one of several parts of equal size, which may run at one time.
    package static func seeds(
        _ part: UInt64 = 0,
        of parts: UInt64 = 1,
        first: UInt64 = 0,
        count: UInt64
    ) -> Range<UInt64> {
        let first = number("MARTLET_SIMULATION_SEED") ?? first
        let count = number("MARTLET_SIMULATION_HISTORIES") ?? count
        return first + count * part / parts..<first + count * (part + 1) / parts
    }
}
