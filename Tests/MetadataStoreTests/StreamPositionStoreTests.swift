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
            positions.mapValues { $0.map { .init($0) } },
            accountID: Self.account,
            region: Self.region,
            mapping: Self.id,
            kind: Mapping.kind
        )
    }

    @Test func `windows are there again with their positions, go with them, and are in the file as ciphertext only`()
        async throws
    {
        let directory = NSTemporaryDirectory() + "martlet-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        func window(_ store: MetadataStore, _ shard: String) async throws -> [UInt8]? {
            try await store.streamWindow(
                accountID: Self.account,
                region: Self.region,
                mapping: Self.id,
                shard: shard
            )
        }
        func save(_ places: [String: MetadataStore.StreamPlace?], _ store: MetadataStore) async throws {
            try await store.setStreamPositions(
                places,
                accountID: Self.account,
                region: Self.region,
                mapping: Self.id,
                kind: Mapping.kind
            )
        }
        let (one, other) = (Array("a customer's sum".utf8), [UInt8](repeating: 7, count: 1 << 20))
        do {
            let store = try store(directory)
            try await save(["a": .init("after 1", window: one)], store)
            #expect(try await window(store, "a") == nil, "there is no mapping yet")
            try await store.change { transaction in
                try transaction.put(Mapping(), accountID: Self.account, region: Self.region, id: Self.id)
            }
            try await save(["a": .init("after 1", window: one), "b": .init("after 1", window: one)], store)
            try await save(["b": .init("after 2", window: other)], store)
        }
        for file in try FileManager.default.contentsOfDirectory(atPath: directory) {
            let bytes = try #require(FileManager.default.contents(atPath: "\(directory)/\(file)"))
            #expect(bytes.range(of: Data(one)) == nil, "\(file)")
        }
        let store = try store(directory)
        #expect(try await window(store, "a") == one)
        #expect(try await window(store, "b") == other)
        try await save(["a": .init("after 3"), "b": nil], store)
        #expect(try await window(store, "a") == nil)
        #expect(try await window(store, "b") == nil)
        #expect(try await positions(store) == ["a": "after 3"])
        try await save(["a": .init("after 3", window: one)], store)
        try await store.change { transaction in
            try transaction.removeStreamPositions(accountID: Self.account, region: Self.region, mapping: Self.id)
        }
        #expect(try await window(store, "a") == nil)
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
            try await set(["a": "after 1", "b": "end"], store)
            try await set(["a": "after 2"], store)
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
