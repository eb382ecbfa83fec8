// SPDX-License-Identifier: Apache-2.0

/// Which versions with SnapStart have an initialised process that environments are forked from, within the memory that there is for them.
///
/// Each takes memory that functions could have: those used longest ago give way where functions or other versions need it. A version
/// without one starts as if it had no SnapStart.
package struct SnapshotRoom: Equatable, Sendable {
    private struct Entry: Equatable, Sendable {
        var memoryMiB: Int
        /// In the order of use.
        var turn: UInt64
    }

    private var entries: [EnvironmentKey: Entry] = [:]
    private var nextTurn: UInt64 = 1
    private var sizeMiB: Int

    package init(sizeMiB: Int) {
        self.sizeMiB = sizeMiB
    }

    /// MiB of those that are there.
    package var takenMiB: Int { entries.values.reduce(0) { $0 + $1.memoryMiB } }

    package func has(_ key: EnvironmentKey) -> Bool { entries[key] != nil }

    /// Makes room for one.
    ///
    /// - Returns: those that give way; nil where it would not fit if all did.
    package mutating func admit(_ key: EnvironmentKey, memoryMiB: Int) -> [EnvironmentKey]? {
        guard memoryMiB <= sizeMiB else { return nil }
        entries[key] = Entry(memoryMiB: memoryMiB, turn: turn())
        return shrink(sparing: key)
    }

    /// An environment was forked from it.
    package mutating func use(_ key: EnvironmentKey) {
        let turn = turn()
        entries[key]?.turn = turn
    }

    /// How much there is for all of them.
    ///
    /// - Returns: those that give way.
    package mutating func resize(toMiB sizeMiB: Int) -> [EnvironmentKey] {
        self.sizeMiB = max(0, sizeMiB)
        return shrink(sparing: nil)
    }

    /// They are not there any more.
    package mutating func remove(where isGone: (EnvironmentKey) -> Bool) {
        entries = entries.filter { !isGone($0.key) }
    }

    private mutating func shrink(sparing spared: EnvironmentKey?) -> [EnvironmentKey] {
        var leaving: [EnvironmentKey] = []
        while takenMiB > sizeMiB,
            let oldest = entries.filter({ $0.key != spared }).min(by: { $0.value.turn < $1.value.turn })
        {
            entries[oldest.key] = nil
            leaving.append(oldest.key)
        }
        return leaving
    }

    private mutating func turn() -> UInt64 {
        defer { nextTurn += 1 }
        return nextTurn
    }
}
