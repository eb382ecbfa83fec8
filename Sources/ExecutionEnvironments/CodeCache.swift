// SPDX-License-Identifier: Apache-2.0
package import CodeStore
import Glibc
package import LambdaModel
import LinuxSandbox

/// Plain code, unpacked in the memory-backed store and shared read-only by every environment that runs it.
///
/// Code that no environment runs is kept while there is room, and goes least recently used first.
package actor CodeCache {
    private struct Entry {
        var unpacking: Task<Int, any Error>
        var users = 0
        var lastUse: UInt64 = 0
        /// Known when unpacked.
        var bytes = 0
    }

    private let codeStore: CodeStore
    private let store: SandboxStore
    private let bytesMax: Int
    private var entries: [String: Entry] = [:]
    private var uses: UInt64 = 0

    /// `bytesMax` bounds the unpacked code that is kept; what is in use may exceed it, up to the store's own size.
    package init(codeStore: CodeStore, store: SandboxStore, bytesMax: Int) {
        self.codeStore = codeStore
        self.store = store
        self.bytesMax = bytesMax
    }

    /// The directory of that code in the store, unpacked; it stays until `release`.
    package func acquire(_ code: CodeReference) async throws -> String {
        uses += 1
        let unpacking: Task<Int, any Error>
        if let entry = entries[code.objectID] {
            unpacking = entry.unpacking
        } else {
            unpacking = Task { [codeStore, store] in try await Self.unpack(code, from: codeStore, into: store) }
            entries[code.objectID] = Entry(unpacking: unpacking)
        }
        entries[code.objectID]?.users += 1
        entries[code.objectID]?.lastUse = uses
        do {
            // In two steps: an assignment through `?.` would hold the entry's storage over the suspension, in which others
            // change the dictionary (seen as a crash when many functions were unpacked at once).
            let bytes = try await unpacking.value
            entries[code.objectID]?.bytes = bytes
        } catch {
            release(code)
            if entries[code.objectID]?.users == 0 { forget(code.objectID) }
            throw error
        }
        evict()
        return "\(store.path)/\(Self.directory(code.objectID))"
    }

    package func release(_ code: CodeReference) {
        entries[code.objectID]?.users -= 1
        evict()
    }

    private static func directory(_ objectID: String) -> String { "code/\(objectID)" }

    private static func unpack(
        _ code: CodeReference,
        from codeStore: CodeStore,
        into store: SandboxStore
    ) async throws -> Int {
        let name = directory(code.objectID)
        try store.makeDirectory(name)
        let descriptor = try store.openDirectory(name)
        defer { close(descriptor) }
        return try await codeStore.unpack(code, into: descriptor).unzippedBytes
    }

    private func evict() {
        var total = entries.values.reduce(0) { $0 + $1.bytes }
        let idle = entries.filter { $0.value.users == 0 }.sorted { $0.value.lastUse < $1.value.lastUse }
        for (objectID, entry) in idle where total > bytesMax {
            total -= entry.bytes
            forget(objectID)
        }
    }

    /// A tree that can't be removed only holds its memory: the store goes with the server.
    private func forget(_ objectID: String) {
        entries[objectID] = nil
        _ = try? store.removeTree(Self.directory(objectID))
    }
}
