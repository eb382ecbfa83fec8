// SPDX-License-Identifier: Apache-2.0
import LambdaModel
package import MetadataStore
import Synchronization

/// What qualifiers stand for, kept in memory for as long as their function does not change: an invocation of a function that was
/// invoked before, or made by this server, reads no database.
///
/// Each entry has the function's generation from before it was read, so that one that was read while something changed is
/// never used.
package final class InvocableCache: Sendable {
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

    private struct Kept {
        var entry: Entry
        var generation: UInt64
    }

    private let metadata: MetadataStore
    private let kept = Mutex<[FunctionVersionKey: Kept]>([:])

    package init(metadata: MetadataStore) {
        self.metadata = metadata
    }

    /// What the qualifier stands for, and an alias and its versions as of one moment; nil where nothing is known by it.
    func entry(_ key: FunctionVersionKey) async throws -> Entry? {
        let generation = metadata.generation(of: key.function)
        let known: Entry? = kept.withLock { kept in
            if let found = kept[key], found.generation == generation { return found.entry }
            kept[key] = nil
            return nil
        }
        if let known { return known }
        let entry = try await metadata.read { transaction in try transaction.invocable(key) }
        // Of what isn't there a stranger can name any number.
        if let entry { keep(Kept(entry: entry, generation: generation), for: key) }
        return entry
    }

    /// Reads what somebody may ask for soon, while that takes no other's place.
    ///
    /// What can't be read is told to who asks.
    func prepare(_ key: FunctionVersionKey) async {
        guard kept.withLock({ $0.count < Self.countMax / 2 }) else { return }
        _ = try? await entry(key)
    }

    private func keep(_ new: Kept, for key: FunctionVersionKey) {
        kept.withLock { kept in
            if kept.count >= Self.countMax, kept[key] == nil { kept.removeAll(keepingCapacity: true) }
            if let old = kept[key], old.generation > new.generation { return }
            kept[key] = new
        }
    }
}

extension MetadataTransaction {
    fileprivate func invocable(_ key: FunctionVersionKey) throws -> InvocableCache.Entry? {
        guard key.version != FunctionVersionKey.latest,
            let alias = try document(Alias.self, of: key.function, qualifier: key.version)
        else { return try record(key.function, key.version).map(InvocableCache.Entry.version) }
        let versions = [alias.version, alias.additional?.version].compactMap(\.self)
        let records = try versions.compactMap { version in
            try record(key.function, version).map { (version, $0) }
        }
        return .alias(alias, Dictionary(records) { first, _ in first })
    }
}
