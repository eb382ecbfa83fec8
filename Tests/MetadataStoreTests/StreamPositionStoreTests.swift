// SPDX-License-Identifier: Apache-2.0
import EnvelopeEncryption
import Foundation
import Testing

@testable import MetadataStore

struct StreamPositionStoreTests {
    private struct Mapping: AccountDocument {
        static let kind = "mapping"
    }

    private static let (account, region, id) = ("111111111111", "us-east-1", "m")

    private func store(_ directory: String) throws -> MetadataStore {
        try MetadataStore(directory: directory, masterKey: MasterKey(bytes: [UInt8](repeating: 1, count: 32)))
    }

    private func positions(_ store: MetadataStore) async throws -> [String: String] {
        try await store.streamPositions(accountID: Self.account, region: Self.region, mapping: Self.id)
    }

    private func set(_ positions: [String: String?], _ store: MetadataStore) async throws {
        try await store.setStreamPositions(
            positions,
            accountID: Self.account,
            region: Self.region,
            mapping: Self.id,
            kind: Mapping.kind
        )
    }

    @Test func `positions are there again, and go with their mapping`() async throws {
        let directory = NSTemporaryDirectory() + "martlet-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        do {
            let store = try store(directory)
            try await set(["a": "after 1"], store)
            #expect(try await positions(store).isEmpty, "there is no mapping yet")
            try await store.change { transaction in
                try transaction.put(Mapping(), accountID: Self.account, region: Self.region, id: Self.id)
            }
            let generation = store.generation
            try await set(["a": "after 1", "b": "end"], store)
            try await set(["a": "after 2"], store)
            #expect(store.generation == generation)
        }
        let store = try store(directory)
        #expect(try await positions(store) == ["a": "after 2", "b": "end"])
        try await set(["b": nil], store)
        #expect(try await positions(store) == ["a": "after 2"])
        try await store.change { transaction in
            try transaction.remove(Mapping.self, accountID: Self.account, region: Self.region, id: Self.id)
            try transaction.removeStreamPositions(
                accountID: Self.account,
                region: Self.region,
                mapping: Self.id
            )
        }
        try await set(["a": "after 3"], store)
        #expect(try await positions(store).isEmpty, "what ends after its mapping leaves nothing behind")
    }
}
