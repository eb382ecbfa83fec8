// SPDX-License-Identifier: Apache-2.0
import EnvelopeEncryption
import Foundation
import GRDB
import LambdaModel
import Testing

@testable import MetadataStore

/// Rows whose columns are not what was written end no process, and hold up no others.
final class DamagedRowTests: Sendable {
    private struct Note: AccountDocument {
        static let kind = "note"
    }

    private struct FunctionNote: FunctionDocument {
        static let kind = "note"
    }

    private static let (account, region) = ("000000000000", "us-east-1")

    private let path: String
    private let masterKey: MasterKey

    init() throws {
        path = NSTemporaryDirectory() + "martlet-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        masterKey = try MasterKey(bytes: [UInt8](repeating: 1, count: 32))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    private func store() throws -> MetadataStore { try MetadataStore(directory: path, masterKey: masterKey) }

    /// Changes rows as damage does, past the types that the tables are kept to.
    private func damage(_ sql: String) throws {
        let file = try DatabaseQueue(path: "\(path)/metadata.sqlite")
        try file.writeWithoutTransaction { db in
            let tables = try Row.fetchAll(db, sql: "SELECT name, sql FROM sqlite_schema WHERE type = 'table'")
            try db.execute(
                sql: """
                    PRAGMA foreign_keys = OFF;
                    PRAGMA writable_schema = ON;
                    UPDATE sqlite_schema SET sql = replace(replace(replace(sql,
                        ') STRICT, WITHOUT', ') WITHOUT'), ') STRICT', ')'), 'NOT NULL', '') WHERE type = 'table';
                    PRAGMA writable_schema = RESET;
                    \(sql);
                    PRAGMA writable_schema = ON;
                    """
            )
            for table in tables {
                try db.execute(
                    sql: "UPDATE sqlite_schema SET sql = ? WHERE name = ?",
                    arguments: [table["sql"] as String, table["name"] as String]
                )
            }
        }
    }

    private func key(_ name: String) -> FunctionKey {
        FunctionKey(accountID: Self.account, region: Self.region, name: name)
    }

    private func make(_ store: MetadataStore, _ names: [String]) async throws {
        for name in names {
            try await store.createFunction(
                FunctionConfiguration(
                    key: key(name),
                    runtime: "python3.12",
                    handler: "app.handler",
                    role: "r",
                    code: CodeReference(objectID: "object-\(name)", sha256: "abc=", sizeBytes: 10),
                    lastModified: Timestamp(millisecondsSinceEpoch: 1_700_000_000_123),
                    revisionID: "r1"
                )
            )
        }
    }

    @Test(
        arguments: [
            "state = NULL", "lastUpdateStatus = x'ff'", "codeObjectID = NULL", "codeBytes = 'x'",
            "layerObjectIDs = NULL", "configuration = NULL", "configuration = 7", "environment = 7",
        ]
    )
    func `a damaged function is refused by its name, and others are there`(change: String) async throws {
        let store = try store()
        try await make(store, ["a", "b"])
        try damage("UPDATE functions SET \(change) WHERE name = 'a'")
        let failure = MetadataStoreError.contentChanged(
            function: key("a").arn,
            reason: "its row was changed since it was stored"
        )
        await #expect(throws: failure) { try await store.function(self.key("a")) }
        await #expect(throws: failure) {
            try await store.functions(accountID: Self.account, region: Self.region, after: nil, limit: 9)
        }
        #expect(try await store.function(key("b")) != nil)
        _ = try await store.unsettledFunctions()
        _ = try await store.runtimesInUse(limit: 9)
        _ = try await store.optimizedVersions(limit: 9)
        _ = try await store.read { try $0.usage(accountID: Self.account, region: Self.region) }
    }

    @Test func `code that a damaged row may name is not taken for unused`() async throws {
        let store = try store()
        try await make(store, ["a", "b"])
        try damage("UPDATE functions SET codeObjectID = NULL WHERE name = 'a'")
        await #expect(throws: MetadataStoreError.self) { try await store.codeObjectsInUse() }
    }

    @Test func `sizes that add up to more than a number are told`() async throws {
        let store = try store()
        try await make(store, ["a", "b"])
        _ = try await store.publishLayerVersion(layer("l"))
        try damage(
            """
            UPDATE functions SET codeBytes = 9223372036854775807 WHERE name = 'a'; DELETE FROM functions WHERE name = 'b'
            """
        )
        let usage = try await store.read { try $0.usage(accountID: Self.account, region: Self.region) }
        #expect(usage.functions == 1 && usage.codeBytes == .max)
    }

    private func layer(_ name: String) -> LayerVersion {
        LayerVersion(
            key: LayerKey(accountID: Self.account, region: Self.region, name: name),
            number: 0,
            code: CodeReference(objectID: "object-\(name)", sha256: "abc=", sizeBytes: 10, unzippedBytes: 20),
            created: Timestamp(millisecondsSinceEpoch: 1_700_000_000_123)
        )
    }

    @Test(arguments: ["codeObjectID = x'ff'", "codeBytes = 'x'", "compatibleRuntimes = NULL", "content = 7"])
    func `a damaged layer version is refused, and others are there`(change: String) async throws {
        let store = try store()
        for name in ["a", "b"] { _ = try await store.publishLayerVersion(layer(name)) }
        try damage("UPDATE layerVersions SET \(change) WHERE name = 'a'")
        await #expect(throws: MetadataStoreError.layerChanged(layer: "a version of layer a")) {
            try await store.layerVersion(self.layer("a").key, number: 1)
        }
        #expect(try await store.layerVersion(layer("b").key, number: 1) != nil)
    }

    @Test(arguments: ["content = NULL", "content = x'ff'"])
    func `a damaged document is refused, and others are there`(change: String) async throws {
        let store = try store()
        let functions = [key("a"), key("b")]
        try await store.change { transaction in
            for id in ["a", "b"] {
                try transaction.put(Note(), accountID: Self.account, region: Self.region, id: id)
            }
            for key in functions { try transaction.put(FunctionNote(), of: key) }
        }
        try damage(
            "UPDATE accountDocuments SET \(change) WHERE id = 'a'; UPDATE functionDocuments SET \(change) WHERE name = 'a'"
        )
        let cause = "can't be read: its row was changed since it was stored"
        await #expect(throws: MetadataStoreError.failed(message: "a document of kind Note of a \(cause)")) {
            try await store.read {
                try $0.document(Note.self, accountID: Self.account, region: Self.region, id: "a")
            }
        }
        let named = MetadataStoreError.failed(
            message: "a document of kind FunctionNote of \(functions[0].arn) \(cause)"
        )
        await #expect(throws: named) { try await store.read { try $0.documents(FunctionNote.self, lookup: nil) } }
        #expect(
            try await store.read { transaction in
                let note = try transaction.document(Note.self, accountID: Self.account, region: Self.region, id: "b")
                let found = try transaction.document(FunctionNote.self, of: functions[1])
                return note != nil && found != nil
            }
        )
        #expect(try await store.read { try $0.locations(of: Note.self).count } == 2)
    }

    @Test func `a damaged position of a stream is refused, and none is begun anew`() async throws {
        let store = try store()
        for mapping in ["m", "n"] {
            try await store.change {
                try $0.put(Note(), accountID: Self.account, region: Self.region, id: mapping)
            }
            try await store.setStreamPositions(
                ["shard": .init("after 1")],
                accountID: Self.account,
                region: Self.region,
                mapping: mapping,
                kind: Note.kind
            )
        }
        try damage("UPDATE streamPositions SET position = NULL WHERE mapping = 'm'")
        await #expect(throws: MetadataStoreError.self) {
            try await store.streamPositions(accountID: Self.account, region: Self.region, mapping: "m")
        }
        let other = try await store.streamPositions(accountID: Self.account, region: Self.region, mapping: "n")
        #expect(other == ["shard": "after 1"])
    }
}
