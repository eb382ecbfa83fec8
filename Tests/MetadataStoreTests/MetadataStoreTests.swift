// SPDX-License-Identifier: Apache-2.0
import EnvelopeEncryption
import Foundation
import GRDB
import LambdaModel
import Testing

@testable import MetadataStore

/// A store in a directory that goes away with the test.
private final class Fixture {
    let path: String
    let masterKey: MasterKey

    init() throws {
        path = NSTemporaryDirectory() + "martlet-metadata-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        masterKey = try MasterKey(bytes: Array(0..<32))
    }

    func open(pagesMax: Int? = nil) throws -> MetadataStore {
        try MetadataStore(directory: path, masterKey: masterKey, pagesMax: pagesMax)
    }

    var rawBytes: Data {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: path).sorted().reduce(into: Data()) { all, name in
                all += try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
            }
        }
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path) } catch { Issue.record(error) }
    }
}

private func key(_ name: String, accountID: String = "000000000000", region: String = "us-east-1") -> FunctionKey {
    FunctionKey(accountID: accountID, region: region, name: name)
}

private func configuration(_ key: FunctionKey, object: String = "object-1") -> FunctionConfiguration {
    var configuration = FunctionConfiguration(
        key: key,
        runtime: "python3.12",
        handler: "app.handler",
        role: "arn:aws:iam::000000000000:role/r",
        code: CodeReference(objectID: object, sha256: "abc=", sizeBytes: 10),
        lastModified: Timestamp(millisecondsSinceEpoch: 1_700_000_000_123),
        revisionID: "r1"
    )
    configuration.environment = ["TOKEN": "s3cr3t-MARKER-value", "EMPTY": ""]
    configuration.tags = ["team": "ünï\u{0}code"]
    configuration.echoed = ["VpcConfig": "{}"]
    return configuration
}

struct MetadataStoreTests {
    @Test func `a function is there as it was given, after a reopen too`() async throws {
        let fixture = try Fixture()
        let shown = configuration(key("one"))
        do {
            let store = try fixture.open()
            #expect(try await store.function(key("one")) == nil)
            try await store.createFunction(shown)
            #expect(try await store.function(key("one")) == FunctionRecord(configuration: shown, active: nil))
        }
        #expect(try await fixture.open().function(key("one"))?.configuration == shown)
    }

    @Test func `a name is taken once per account and region`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        try await store.createFunction(configuration(key("one")))
        await #expect(throws: LambdaError.resourceConflict(message: "Function already exist: one")) {
            try await store.createFunction(configuration(key("one"), object: "object-2"))
        }
        #expect(try await store.function(key("one"))?.configuration.code.objectID == "object-1")
        try await store.createFunction(configuration(key("one", accountID: "111111111111")))
        try await store.createFunction(configuration(key("one", region: "eu-west-1")))
        #expect(
            try await store.functions(accountID: "000000000000", region: "us-east-1", after: nil, limit: 9).page.count
                == 1
        )
    }

    @Test func `a change counts for its function, and for few others`() async throws {
        struct Note: FunctionDocument {
            static let kind = "Note"
        }
        let fixture = try Fixture()
        let store = try fixture.open()
        let one = key("one")
        let others = (0..<50).map { key("other-\($0)") }
        for name in [one] + others { try await store.createFunction(configuration(name)) }
        let before = others.map(store.generation)
        let changes: [@Sendable (MetadataTransaction) throws -> Void] = [
            { try $0.update(FunctionRecord(configuration: configuration(one, object: "object-2"), active: nil)) },
            { try $0.put(Note(), of: one, qualifier: "live") },
            { try $0.remove(Note.self, of: one, qualifier: "live") },
            { try $0.deleteDocuments(one, qualifier: "live") },
            { try $0.delete(one, version: "1") },
            { _ = try $0.delete(one) },
            { try $0.insert(FunctionRecord(configuration: configuration(one), active: nil)) },
        ]
        for change in changes {
            let generation = store.generation(of: one)
            try await store.change(change)
            #expect(store.generation(of: one) > generation)
        }
        _ = try await store.read { try $0.record(one) }
        // Two functions may share a place.
        #expect(zip(before, others).count { $0 == store.generation(of: $1) } > 25)
    }

    @Test func `of many creations at once one wins`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        let created = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<20 {
                group.addTask {
                    do {
                        try await store.createFunction(configuration(key("one"), object: "object-\(index)"))
                        return true
                    } catch {
                        #expect(error as? LambdaError == .resourceConflict(message: "Function already exist: one"))
                        return false
                    }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(created == 1)
    }

    @Test func `an update is seen whole, and one that throws not at all`() async throws {
        struct Refusal: Error {}
        let fixture = try Fixture()
        let store = try fixture.open()
        try await store.createFunction(configuration(key("one")))
        let revision = try await store.updateFunction(key("one")) { record in
            record.configuration.state = .active
            record.configuration.lastUpdateStatus = .successful
            record.active = record.configuration
            record.configuration.environment = nil
            return record.configuration.revisionID
        }
        #expect(revision == "r1")
        let record = try #require(try await store.function(key("one")))
        #expect(record.configuration.environment == nil)
        #expect(record.active?.environment?["TOKEN"] == "s3cr3t-MARKER-value")
        await #expect(throws: Refusal.self) {
            try await store.updateFunction(key("one")) { record in
                record.configuration.handler = "other"
                throw Refusal()
            }
        }
        #expect(try await store.function(key("one")) == record)
        await #expect(throws: LambdaError.resourceNotFound(message: "Function not found: \(key("none").arn)")) {
            try await store.updateFunction(key("none")) { _ in }
        }
    }

    @Test func `concurrent updates of one function are all counted`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        try await store.createFunction(configuration(key("one")))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask { try await store.updateFunction(key("one")) { $0.configuration.memoryMiB += 64 } }
            }
            try await group.waitForAll()
        }
        #expect(try await store.function(key("one"))?.configuration.memoryMiB == 128 + 50 * 64)
    }

    @Test func `a deletion gives back what was there`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        try await store.createFunction(configuration(key("one")))
        #expect(try await store.deleteFunction(key("one"))?.configuration == configuration(key("one")))
        #expect(try await store.deleteFunction(key("one")) == nil)
        #expect(try await store.function(key("one")) == nil)
    }

    @Test func `pages cover every function once, by name`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        let names = ["b", "a", "C", "a-1", "a_1", "z", "A"]
        for name in names { try await store.createFunction(configuration(key(name))) }
        try await store.createFunction(configuration(key("other", region: "eu-west-1")))
        for limit in [1, 2, 3, 7, 50] {
            var found: [String] = []
            var next: FunctionPosition?
            repeat {
                let result = try await store.functions(
                    accountID: "000000000000",
                    region: "us-east-1",
                    after: next,
                    limit: limit
                )
                #expect(result.page.count <= limit)
                found += result.page.map(\.key.name)
                next = result.next
            } while next != nil
            #expect(found == names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }, "limit \(limit)")
        }
        let empty = try await store.functions(
            accountID: "9",
            region: "us-east-1",
            after: .init(name: "zzz", number: 0),
            limit: 5
        )
        #expect(empty.page.isEmpty && empty.next == nil)
    }

    @Test func `recovery finds what was not settled, and the code in use`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        for name in ["pending", "updating", "settled"] {
            try await store.createFunction(configuration(key(name), object: "\(name)-1"))
        }
        for name in ["updating", "settled"] {
            try await store.updateFunction(key(name)) { record in
                record.configuration.state = .active
                record.configuration.lastUpdateStatus = .successful
                record.active = record.configuration
            }
        }
        try await store.updateFunction(key("updating")) { record in
            record.configuration.lastUpdateStatus = .inProgress
            record.configuration.code.objectID = "updating-2"
        }
        #expect(try await store.unsettledFunctions().map(\.function) == [key("pending"), key("updating")])
        #expect(try await store.codeObjectsInUse() == ["pending-1", "updating-1", "updating-2", "settled-1"])
    }

    @Test func `no environment variable is in any file`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        try await store.createFunction(configuration(key("one")))
        try await store.updateFunction(key("one")) { $0.active = $0.configuration }
        let raw = try fixture.rawBytes
        #expect(raw.range(of: Data("python3.12".utf8)) != nil)
        for secret in ["s3cr3t-MARKER", "TOKEN", Data("s3cr3t-MARKER-value".utf8).base64EncodedString()] {
            #expect(raw.range(of: Data(secret.utf8)) == nil, "\(secret)")
        }
        for name in try FileManager.default.contentsOfDirectory(atPath: fixture.path) {
            let mode = try FileManager.default.attributesOfItem(atPath: "\(fixture.path)/\(name)")[.posixPermissions]
            #expect(mode as? Int == 0o600, "\(name)")
        }
    }

    @Test func `one function's variables do not open in another's row`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        for name in ["one", "two"] { try await store.createFunction(configuration(key(name))) }
        let other = try DatabaseQueue(path: fixture.path + "/metadata.sqlite")
        try await other.write { db in
            try db.execute(
                sql: """
                    UPDATE functions SET environment = (SELECT environment FROM functions WHERE name = 'two')
                    WHERE name = 'one'
                    """
            )
        }
        let error = await #expect(throws: MetadataStoreError.self) { try await store.function(key("one")) }
        #expect(error?.description.contains("changed") == true)
        #expect(try await store.function(key("two")) != nil)
    }

    @Test func `another master key is refused at the start`() async throws {
        let fixture = try Fixture()
        _ = try fixture.open()
        let other = try MasterKey(bytes: [UInt8](repeating: 1, count: 32))
        #expect(throws: MetadataStoreError.wrongMasterKey(sealedWith: fixture.masterKey.id, given: other.id)) {
            try MetadataStore(directory: fixture.path, masterKey: other)
        }
    }

    @Test func `a newer version's database is refused`() async throws {
        let fixture = try Fixture()
        _ = try fixture.open()
        let path = fixture.path + "/metadata.sqlite"
        let other = try DatabaseQueue(path: path)
        try await other.write { db in
            try db.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('99 the future')")
        }
        #expect(throws: MetadataStoreError.newerDatabase(path: path)) { try fixture.open() }
    }

    @Test func `a file that is no database is refused`() throws {
        let fixture = try Fixture()
        let garbage = Data(repeating: 0x41, count: 8_192)
        #expect(FileManager.default.createFile(atPath: fixture.path + "/metadata.sqlite", contents: garbage))
        #expect(throws: MetadataStoreError.self) { try fixture.open() }
    }

    @Test func `a full disk refuses the write and harms nothing`() async throws {
        let fixture = try Fixture()
        var created = 0
        do {
            let store = try fixture.open(pagesMax: 40)
            let error = await #expect(throws: MetadataStoreError.self) {
                for index in 0..<1_000 {
                    var large = configuration(key("f\(index)"))
                    large.description = String(repeating: "d", count: 2_000)
                    try await store.createFunction(large)
                    created += 1
                }
            }
            #expect(error == .diskFull)
            #expect(created > 0)
            #expect(try await store.function(key("f0")) != nil)
        }
        let store = try fixture.open()
        let page = try await store.functions(accountID: "000000000000", region: "us-east-1", after: nil, limit: 10_000)
        #expect(page.page.count == created)
        try await store.createFunction(configuration(key("more")))
    }

    @Test func `an acknowledged write is in the files at once`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        let copy = try Fixture()
        try await store.createFunction(configuration(key("one")))
        // What kill -9 leaves: the files as they are while the process still has them open.
        for name in ["metadata.sqlite", "metadata.sqlite-wal"] {
            try FileManager.default.copyItem(atPath: "\(fixture.path)/\(name)", toPath: "\(copy.path)/\(name)")
        }
        #expect(try await copy.open().function(key("one"))?.configuration == configuration(key("one")))
        #expect(try await store.synchronousLevel() == 2)
    }
}
