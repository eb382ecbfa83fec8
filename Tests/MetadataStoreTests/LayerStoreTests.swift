// SPDX-License-Identifier: Apache-2.0
import EnvelopeEncryption
import Foundation
import GRDB
import LambdaModel
import Testing

@testable import MetadataStore

/// Layer versions, their numbers, and whose code is in use.
struct LayerStoreTests {
    private let path = NSTemporaryDirectory() + "martlet-layers-\(UUID().uuidString)"
    private let masterKey: MasterKey

    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        masterKey = try MasterKey(bytes: Array(0..<32))
    }

    private func open() throws -> MetadataStore { try MetadataStore(directory: path, masterKey: masterKey) }

    private func remove() { try? FileManager.default.removeItem(atPath: path) }

    private func key(_ name: String, region: String = "us-east-1") -> LayerKey {
        LayerKey(accountID: "000000000000", region: region, name: name)
    }

    private func layer(_ name: String, _ object: String, runtimes: [String]? = nil) -> LayerVersion {
        var layer = LayerVersion(
            key: key(name),
            number: 0,
            code: CodeReference(objectID: object, sha256: "abc=", sizeBytes: 10, unzippedBytes: 20),
            created: Timestamp(millisecondsSinceEpoch: 1_700_000_000_123)
        )
        layer.description = "of \(name)"
        layer.licenseInfo = "MIT"
        layer.compatibleRuntimes = runtimes
        layer.compatibleArchitectures = runtimes == nil ? nil : ["x86_64"]
        return layer
    }

    private func function(_ name: String, object: String, layers: [String]) -> FunctionConfiguration {
        var configuration = FunctionConfiguration(
            key: FunctionKey(accountID: "000000000000", region: "us-east-1", name: name),
            runtime: "python3.12",
            handler: "app.handler",
            role: "r",
            code: CodeReference(objectID: object, sha256: "abc=", sizeBytes: 10),
            lastModified: Timestamp(millisecondsSinceEpoch: 1_700_000_000_123),
            revisionID: "r1"
        )
        configuration.layers = layers.map {
            LayerReference(arn: "arn:\($0)", code: CodeReference(objectID: $0, sha256: "", sizeBytes: 1))
        }
        return configuration
    }

    @Test func `a version is there as it was published, after a reopen too, and its number is never given again`()
        async throws
    {
        defer { remove() }
        var store = try open()
        let first = try await store.publishLayerVersion(layer("l", "o1", runtimes: ["python3.12"]))
        let second = try await store.publishLayerVersion(layer("l", "o2"))
        #expect((first.number, second.number) == (1, 2))
        #expect(first.arn == "arn:aws:lambda:us-east-1:000000000000:layer:l:1")
        #expect(try await store.publishLayerVersion(layer("other", "o3")).number == 1)
        #expect(try await store.deleteLayerVersion(key("l"), number: 2) == second)
        #expect(try await store.deleteLayerVersion(key("l"), number: 2) == nil)
        #expect(try await store.deleteLayerVersion(key("l"), number: 1) == first)
        store = try open()
        let third = try await store.publishLayerVersion(layer("l", "o4"))
        #expect(third.number == 3)
        #expect(try await store.layerVersion(key("l"), number: 3) == third)
        #expect(try await store.layerVersion(key("l"), number: 1) == nil)
        #expect(try await store.layerVersion(key("l", region: "eu-west-1"), number: 3) == nil)
    }

    @Test func `many who publish at once get a number each`() async throws {
        defer { remove() }
        let store = try open()
        let numbers = try await withThrowingTaskGroup(of: Int.self) { group in
            for index in 0..<40 {
                group.addTask { try await store.publishLayerVersion(layer("l", "o\(index)")).number }
            }
            return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
        }
        #expect(numbers == Set(1...40))
    }

    @Test func `listings page, filter, and show of each layer the newest that matches`() async throws {
        defer { remove() }
        let store = try open()
        for name in ["b", "a", "C"] {
            for runtimes in [["python3.12"], ["nodejs22.x", "python3.12"], nil] {
                _ = try await store.publishLayerVersion(layer(name, "o", runtimes: runtimes))
            }
        }
        for limit in 1...4 {
            var found: [String] = []
            var next: String?
            repeat {
                let result = try await store.layers(
                    accountID: "000000000000",
                    region: "us-east-1",
                    LayerFilter(),
                    after: next,
                    limit: limit
                )
                found += result.page.map { "\($0.key.name)\($0.number)" }
                next = result.next
            } while next != nil
            #expect(found == ["C3", "a3", "b3"], "limit \(limit)")
            var numbers: [Int] = []
            var before: Int?
            repeat {
                let result = try await store.layerVersions(of: key("a"), LayerFilter(), before: before, limit: limit)
                numbers += result.page.map(\.number)
                before = result.next
            } while before != nil
            #expect(numbers == [3, 2, 1], "limit \(limit)")
        }
        func newest(_ filter: LayerFilter) async throws -> [String] {
            try await store.layers(accountID: "000000000000", region: "us-east-1", filter, after: nil, limit: 9).page
                .map { "\($0.key.name)\($0.number)" }
        }
        #expect(try await newest(LayerFilter(runtime: "python3.12")) == ["C2", "a2", "b2"])
        #expect(try await newest(LayerFilter(runtime: "nodejs22.x", architecture: "x86_64")) == ["C2", "a2", "b2"])
        #expect(try await newest(LayerFilter(architecture: "arm64")).isEmpty)
        let python = LayerFilter(runtime: "python3.12")
        let matching = try await store.layerVersions(of: key("a"), python, before: nil, limit: 9).page
        #expect(matching.map(\.number) == [2, 1])
    }

    @Test func `code is in use by versions, and by functions that show or run it as a layer`() async throws {
        defer { remove() }
        let store = try open()
        _ = try await store.publishLayerVersion(layer("l", "published"))
        try await store.createFunction(function("f", object: "code", layers: ["shown", "both"]))
        let key = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")
        try await store.updateFunction(key) { record in
            record.active = function("f", object: "active", layers: ["run", "both"])
        }
        let used: Set = ["published", "code", "active", "shown", "both", "run"]
        #expect(try await store.codeObjectsInUse() == used)
        for object in used { #expect(try await store.usesCodeObject(object), "\(object)") }
        #expect(try await !store.usesCodeObject("none"))
        let record = try #require(try await store.deleteFunction(key))
        #expect(record.codeObjectIDs == used.subtracting(["published"]))
        #expect(try await store.codeObjectsInUse() == ["published"])
    }

    @Test func `a database from before layers is read on`() async throws {
        defer { remove() }
        let database = try DatabasePool(path: path + "/metadata.sqlite")
        try MetadataSchema.migrator.migrate(database, upTo: "1 functions")
        let shown = function("old", object: "code", layers: [])
        var members = try #require(
            try JSONSerialization.jsonObject(with: JSONEncoder().encode(shown)) as? [String: Any]
        )
        members["layers"] = nil
        let old = try JSONSerialization.data(withJSONObject: members)
        try await database.write { db in
            try db.execute(
                sql: """
                    INSERT INTO functions (state, codeObjectID, configuration, activeConfiguration, accountID, region,
                        name, version)
                    VALUES ('Pending', 'code', ?, ?, '000000000000', 'us-east-1', 'old', '$LATEST')
                    """,
                arguments: [old, old]
            )
        }
        try database.close()
        let store = try open()
        let record = try #require(try await store.function(shown.key))
        #expect(record == FunctionRecord(configuration: shown, active: shown))
        let usage = try await store.read { try $0.usage(accountID: "000000000000", region: "us-east-1") }
        #expect(usage.functions == 1 && usage.codeBytes == shown.code.sizeBytes)
    }

    @Test func `a changed row is refused`() async throws {
        defer { remove() }
        let store = try open()
        for object in ["o1", "o2"] { _ = try await store.publishLayerVersion(layer("l", object)) }
        let other = try DatabaseQueue(path: path + "/metadata.sqlite")
        try await other.write { db in
            try db.execute(
                sql: """
                    UPDATE layerVersions SET content = (SELECT content FROM layerVersions WHERE number = 2)
                    WHERE number = 1
                    """
            )
        }
        await #expect(throws: MetadataStoreError.layerChanged(layer: key("l").arn(version: 1))) {
            try await store.layerVersion(key("l"), number: 1)
        }
    }
}
