// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import MetadataStore
import Synchronization

/// What qualifiers stand for, kept in memory for as long as no metadata changes: an invocation of a function that was
/// invoked before reads no database.
///
/// Each entry has the store's generation from before it was read, so that one that was read while something changed is
/// never used.
final class InvocableCache: Sendable {
    /// What is known by a qualifier.
    enum Entry: Sendable {
        case version(FunctionRecord)
        /// With those of its versions that are there, by number.
        case alias(Alias, [String: FunctionRecord])

        /// An alias draws one of its versions by `draw`, from 0 to below 1; nil when that one isn't there.
        func record(at draw: Double) -> FunctionRecord? {
            switch self {
            case .version(let record): record
            case .alias(let alias, let records): records[alias.version(at: draw)]
            }
        }
    }

    /// Beyond it everything is forgotten.
    static let countMax = 4_096

    private struct State {
        var generation: UInt64 = 0
        var entries: [FunctionVersionKey: Entry] = [:]
    }

    private let state = Mutex(State())

    func entry(_ key: FunctionVersionKey, generation: UInt64) -> Entry? {
        state.withLock { $0.generation == generation ? $0.entries[key] : nil }
    }

    func keep(_ entry: Entry, for key: FunctionVersionKey, generation: UInt64) {
        state.withLock { state in
            guard state.generation <= generation else { return }
            if state.generation < generation || state.entries.count >= Self.countMax {
                state.entries.removeAll(keepingCapacity: true)
                state.generation = generation
            }
            state.entries[key] = entry
        }
    }
}
