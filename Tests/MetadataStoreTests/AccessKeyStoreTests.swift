// SPDX-License-Identifier: Apache-2.0
import EnvelopeEncryption
import Foundation
import GRDB
import LambdaModel
import Synchronization
import Testing

@testable import MetadataStore

struct AccessKeyStoreTests {
    private func inDirectory(_ test: (String) async throws -> Void) async throws {
        let directory = NSTemporaryDirectory() + "martlet-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        do {
            try await test(directory)
        } catch {
            try FileManager.default.removeItem(atPath: directory)
            throw error
        }
        try FileManager.default.removeItem(atPath: directory)
    }

    private func store(_ directory: String) throws -> MetadataStore {
        try MetadataStore(directory: directory, masterKey: MasterKey(bytes: [UInt8](repeating: 1, count: 32)))
    }

    private func key(_ id: String, secret: String = "secret") -> AccessKeyRecord {
        AccessKeyRecord(
            id: id,
            secret: secret,
            accountID: "111111111111",
            name: "n",
            policy: "{}",
            createdAt: Timestamp(millisecondsSinceEpoch: 1)
        )
    }

    @Test func `keys are there again, and their secrets nowhere in the files`() async throws {
        try await inDirectory { directory in
            let secret = "no-one-may-read-this"
            let made = [key("a", secret: secret), key("b")]
            do {
                let store = try store(directory)
                for key in made { try await store.change { try $0.insert(key) } }
            }
            #expect(try await store(directory).read { try $0.accessKeys() } == made)
            for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
                let content = try #require(FileManager.default.contents(atPath: "\(directory)/\(name)"))
                #expect(content.range(of: Data(secret.utf8)) == nil, "\(name)")
            }
        }
    }

    @Test func `an id is given once, and a thousand are the most`() async throws {
        try await inDirectory { directory in
            let store = try store(directory)
            let keys = (0..<AccessKeyRecord.countMax).map { key("k\($0)") }
            try await store.change { transaction in for key in keys { try transaction.insert(key) } }
            await #expect(throws: LambdaError.resourceConflict(message: "There is an access key k1 already.")) {
                try await store.change { try $0.insert(keys[1]) }
            }
            let more = key("more")
            await #expect(throws: LambdaError.self) { try await store.change { try $0.insert(more) } }
            #expect(try await store.change { try $0.removeAccessKey("k1") })
            #expect(try await !store.change { try $0.removeAccessKey("k1") })
            try await store.change { try $0.insert(more) }
        }
    }

    @Test func `a record that was moved to another id does not open`() async throws {
        try await inDirectory { directory in
            let store = try store(directory)
            let key = key("a")
            try await store.change { try $0.insert(key) }
            try await store.write { db in try db.execute(sql: "UPDATE accountDocuments SET id = 'b'") }
            await #expect(throws: MetadataStoreError.self) { try await store.read { try $0.accessKeys() } }
        }
    }

    @Test func `what follows a commit comes after it and only then`() async throws {
        struct Undone: Error {}
        try await inDirectory { directory in
            let store = try store(directory)
            let seen = SeenKeys()
            let key = key("a")
            try await store.change { transaction in
                transaction.afterCommit { seen.add("a") }
                try transaction.insert(key)
            }
            #expect(seen.all == ["a"])
            await #expect(throws: Undone.self) {
                try await store.change { transaction in
                    transaction.afterCommit { seen.add("b") }
                    throw Undone()
                }
            }
            try await store.change { _ = try $0.removeAccessKey("a") }
            #expect(seen.all == ["a"])
        }
    }
}

private final class SeenKeys: Sendable {
    private let keys = Mutex<[String]>([])

    var all: [String] { keys.withLock { $0 } }

    func add(_ key: String) { keys.withLock { $0.append(key) } }
}
