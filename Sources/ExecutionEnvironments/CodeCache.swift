// SPDX-License-Identifier: Apache-2.0
package import CodeStore
import Glibc
package import LambdaModel
import LinuxSandbox

/// Plain code, unpacked in the memory-backed store and shared read-only by every environment that runs it.
///
/// What is unpacked to one directory is one package, a function's code, or a list of them laid one over the other, its layers.
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

    /// The directory of those packages in the store, unpacked; it stays until `release`.
    package func acquire(_ packages: [CodeReference]) async throws -> String {
        uses += 1
        let id = Self.id(packages)
        let unpacking: Task<Int, any Error>
        if let entry = entries[id] {
            unpacking = entry.unpacking
        } else {
            unpacking = Task { [codeStore, store] in try await Self.unpack(packages, from: codeStore, into: store) }
            entries[id] = Entry(unpacking: unpacking)
        }
        entries[id]?.users += 1
        entries[id]?.lastUse = uses
        do {
            // In two steps: an assignment through `?.` would hold the entry's storage over the suspension, in which others
            // change the dictionary (seen as a crash when many functions were unpacked at once).
            let bytes = try await unpacking.value
            entries[id]?.bytes = bytes
        } catch {
            release(packages)
            if entries[id]?.users == 0 { forget(id) }
            throw error
        }
        evict()
        return "\(store.path)/\(Self.directory(id))"
    }

    package func release(_ packages: [CodeReference]) {
        entries[Self.id(packages)]?.users -= 1
        evict()
    }

    /// See `SandboxStore.programs`; the packages are acquired.
    func programs(in directory: String, of packages: [CodeReference], atMost max: Int) throws -> [String] {
        try store.programs(in: "\(Self.directory(Self.id(packages)))/\(directory)", atMost: max)
    }

    /// Five UUIDs are well below the longest file name.
    private static func id(_ packages: [CodeReference]) -> String {
        precondition((1...LimitsProfile.layersMax).contains(packages.count), "code, or a list of layers")
        return packages.map(\.objectID).joined(separator: "+")
    }

    private static func directory(_ id: String) -> String {
        "\(AssignmentRequest.codeDirectory)/\(id)"
    }

    private static func unpack(
        _ packages: [CodeReference],
        from codeStore: CodeStore,
        into store: SandboxStore
    ) async throws -> Int {
        let name = directory(id(packages))
        try store.makeDirectory(name)
        let descriptor = try store.openDirectory(name)
        defer { close(descriptor) }
        return try await codeStore.unpack(packages, into: descriptor).unzippedBytes
    }

    private func evict() {
        var total = entries.values.reduce(0) { $0 + $1.bytes }
        let idle = entries.filter { $0.value.users == 0 }.sorted { $0.value.lastUse < $1.value.lastUse }
        for (id, entry) in idle where total > bytesMax {
            total -= entry.bytes
            forget(id)
        }
    }

    /// A tree that can't be removed only holds its memory: the store goes with the server.
    private func forget(_ id: String) {
        entries[id] = nil
        _ = try? store.removeTree(Self.directory(id))
    }
}
