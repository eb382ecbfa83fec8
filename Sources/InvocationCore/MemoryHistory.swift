// SPDX-License-Identifier: Apache-2.0

/// What environments took of the machine's memory, by version: what its next ones are reckoned at.
///
/// A large use counts at once; a smaller one after it only lowers what is expected bit by bit: of many that end at one time the last is not all. What is known is of this run of the server.
package struct MemoryHistory: Equatable, Sendable {
    private struct Use: Equatable, Sendable {
        var peakKiB: Int
        var turn: UInt64
    }

    private static let versionsMax = 4_096
    /// What the kernel counts elsewhere: of a fork, what was written before it came to its own control group.
    private static let elsewhereKiB = 2_048

    private var uses: [IdleHistory.Key: Use] = [:]
    private var nextTurn: UInt64 = 0

    package init() {}

    /// Versions of functions that something is known of.
    package var versionsCount: Int { uses.count }

    /// An environment of that version has used at most that many KiB so far.
    package mutating func used(_ kibibytes: Int, by key: IdleHistory.Key) {
        if uses.count >= Self.versionsMax, uses[key] == nil,
            let oldest = uses.min(by: { $0.value.turn < $1.value.turn })
        {
            uses[oldest.key] = nil
        }
        let before = uses[key]?.peakKiB ?? 0
        uses[key] = Use(peakKiB: max(kibibytes, before - (before - kibibytes) / 32), turn: nextTurn)
        nextTurn += 1
    }

    /// KiB that an environment which is to start is reckoned at: its memory size where nothing is known of the version.
    package func reckoned(_ key: IdleHistory.Key, _ demand: EnvironmentDemand) -> Int {
        uses[key].map { Self.reckoned(usedKiB: $0.peakKiB, demand) } ?? demand.memoryKiB
    }

    /// A quarter more than was used, and what is counted elsewhere; never more than the memory size, which the kernel enforces.
    package static func reckoned(usedKiB: Int, _ demand: EnvironmentDemand) -> Int {
        min(demand.memoryKiB, usedKiB + usedKiB / 4 + elsewhereKiB)
    }
}
