// SPDX-License-Identifier: Apache-2.0
import CodeStore
import Crypto
import EnvelopeEncryption
import Foundation
import Glibc
import LambdaModel
import Testing

struct CodeStoreTests {
    private let scratch: Scratch
    private let masterKey: MasterKey
    private let directory: String
    private let store: CodeStore

    init() throws {
        scratch = try Scratch()
        masterKey = try MasterKey(bytes: Array(0..<32))
        directory = scratch.path + "/code"
        store = try CodeStore(directory: directory, masterKey: masterKey)
    }

    private func file(_ reference: CodeReference) -> URL {
        URL(fileURLWithPath: "\(directory)/\(reference.objectID).code")
    }

    @Test func `what was put comes back, after a reopen too`() async throws {
        let zip = ZipBuilder.zip([.init("app.py", "print(1)")])
        let reference = try await store.put(zip)
        #expect(reference.sizeBytes == zip.count)
        #expect(reference.sha256 == Data(SHA256.hash(data: zip)).base64EncodedString())
        #expect(try await store.zip(reference) == zip)
        #expect(try await CodeStore(directory: directory, masterKey: masterKey).zip(reference) == zip)
        let summary = try await store.unpack([reference], into: scratch.descriptor)
        #expect(summary == CodeArchive.Summary(entries: 1, unzippedBytes: 8))
        #expect(try scratch.tree() == ["app.py": "f 644 print(1)"])
    }

    @Test func `objects are listed, deleted, and then not there`() async throws {
        let references = try await [store.put([1]), store.put([1]), store.put([])]
        #expect(try await Set(store.objectIDs()) == Set(references.map(\.objectID)))
        #expect(Set(references.map(\.objectID)).count == 3)
        #expect(try await store.has(objectID: references[0].objectID))
        try await store.delete(objectID: references[0].objectID)
        try await store.delete(objectID: references[0].objectID)
        #expect(try await !store.has(objectID: references[0].objectID))
        #expect(try await store.objectIDs().count == 2)
        await #expect(throws: CodeStoreError.notFound(objectID: references[0].objectID)) {
            try await store.zip(references[0])
        }
        #expect(try await store.zip(references[2]) == [])
    }

    @Test(arguments: ["../master", "", "a/b", "..", "ABCDEF00-0000-0000-0000-000000000000", "x\0y"])
    func `an id that is none reaches no file`(objectID: String) async throws {
        await #expect(throws: CodeStoreError.notFound(objectID: objectID)) {
            try await store.zip(CodeReference(objectID: objectID, sha256: "", sizeBytes: 0))
        }
        await #expect(throws: CodeStoreError.notFound(objectID: objectID)) {
            try await store.delete(objectID: objectID)
        }
    }

    @Test func `only ciphertext is on the disk, for its owner alone`() async throws {
        let marker = "plain-code-MARKER-0123456789"
        let reference = try await store.put(ZipBuilder.zip([.init("app.py", marker)]))
        let raw = try Data(contentsOf: file(reference))
        for text in [marker, "MARKER", "app.py", "PK\u{3}\u{4}"] {
            #expect(raw.range(of: Data(text.utf8)) == nil, "\(text)")
        }
        let attributes = try FileManager.default.attributesOfItem(atPath: file(reference).path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(try FileManager.default.attributesOfItem(atPath: directory)[.posixPermissions] as? Int == 0o700)
    }

    @Test func `a change anywhere is noticed and names the object`() async throws {
        let reference = try await store.put([UInt8](repeating: 0x5A, count: 3_000_000))
        let original = try Data(contentsOf: file(reference))
        // Magic, reserved, key id, wrapped key's nonce, key and tag, each segment, each tag, the last byte.
        let places = [0, 5, 8, 16, 28, 60, 76, 1_048_651, 1_048_652, 1_048_668, 2_500_000, original.count - 1]
        for place in places {
            var changed = original
            changed[place] ^= 0x10
            try changed.write(to: file(reference))
            await #expect(throws: CodeStoreError.contentChanged(objectID: reference.objectID), "byte \(place)") {
                try await store.zip(reference)
            }
        }
        for count in [0, 1, 16, 75, 76, 1_000_000, 1_048_668, original.count - 1] {
            try original[..<count].write(to: file(reference))
            await #expect(throws: CodeStoreError.contentChanged(objectID: reference.objectID), "\(count) bytes") {
                try await store.zip(reference)
            }
        }
        try original.write(to: file(reference))
        #expect(try await store.zip(reference).count == 3_000_000)
    }

    @Test func `another object in its place is noticed`() async throws {
        let first = try await store.put([1, 2, 3])
        let second = try await store.put([1, 2, 3])
        try Data(contentsOf: file(second)).write(to: file(first))
        await #expect(throws: CodeStoreError.contentChanged(objectID: first.objectID)) { try await store.zip(first) }
        var lie = second
        lie.sha256 = "AAAA"
        await #expect(throws: CodeStoreError.contentChanged(objectID: second.objectID)) { try await store.zip(lie) }
    }

    @Test func `a wrong master key is told apart from a change`() async throws {
        let reference = try await store.put([1, 2, 3])
        let other = try MasterKey(bytes: [UInt8](repeating: 1, count: 32))
        let reopened = try CodeStore(directory: directory, masterKey: other)
        await #expect(
            throws: CodeStoreError.wrongMasterKey(
                objectID: reference.objectID,
                sealedWith: masterKey.id,
                given: other.id
            )
        ) { try await reopened.zip(reference) }
    }

    @Test func `what a crash left half written is gone after the next start`() async throws {
        let reference = try await store.put([1, 2, 3])
        let leftover = "\(directory)/\(UUID().uuidString.lowercased()).partial"
        #expect(FileManager.default.createFile(atPath: leftover, contents: Data(count: 100)))
        #expect(try await store.objectIDs() == [reference.objectID])
        let reopened = try CodeStore(directory: directory, masterKey: masterKey)
        #expect(!FileManager.default.fileExists(atPath: leftover))
        #expect(try await reopened.zip(reference) == [1, 2, 3])
    }

    @Test func `a link in an object's place is not followed`() async throws {
        let reference = try await store.put([1, 2, 3])
        let elsewhere = scratch.path + "/elsewhere"
        try FileManager.default.moveItem(atPath: file(reference).path, toPath: elsewhere)
        try FileManager.default.createSymbolicLink(atPath: file(reference).path, withDestinationPath: elsewhere)
        await #expect(throws: CodeStoreError.self) { try await store.zip(reference) }
    }

    @Test func `a directory that can't be one is refused`() throws {
        let path = scratch.path + "/file"
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        #expect(throws: CodeStoreError.self) { try CodeStore(directory: path, masterKey: masterKey) }
        #expect(throws: CodeStoreError.self) { try CodeStore(directory: path + "/below", masterKey: masterKey) }
    }

    @Test func `a write that fails leaves nothing`() async throws {
        try FileManager.default.removeItem(atPath: directory)
        await #expect(throws: CodeStoreError.self) { try await store.put([1]) }
        #expect(!FileManager.default.fileExists(atPath: directory))
    }

    @Test(.enabled(if: TinyDisk.isPossible, "mounting a tmpfs needs CAP_SYS_ADMIN"))
    func `a full disk refuses the write, leaves nothing of it and keeps the rest`() async throws {
        let disk = try TinyDisk(below: scratch.path, bytes: 1_048_576)
        defer { withExtendedLifetime(disk) {} }
        let store = try CodeStore(directory: disk.path + "/code", masterKey: masterKey)
        let kept = try await store.put([UInt8](repeating: 1, count: 300_000))
        let error = await #expect(throws: CodeStoreError.self) {
            try await store.put([UInt8](repeating: 2, count: 900_000))
        }
        guard case .system("write", _, ENOSPC) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path + "/code").count == 1)
        #expect(try await store.zip(kept).count == 300_000)

        let descriptor = open(disk.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(descriptor) }
        let large = ZipBuilder.zip([.init("large", String(repeating: "x", count: 900_000))])
        let refusal = #expect(throws: ArchiveRefusal.self) { try CodeArchive.unpack(large, into: descriptor) }
        #expect(refusal?.kind == .machine)
        #expect(refusal?.reason.contains("No space left") == true)
    }

    @Test func `many at once are all kept`() async throws {
        let references = try await withThrowingTaskGroup(of: (Int, CodeReference).self) { group in
            for index in 0..<40 {
                group.addTask { (index, try await store.put([UInt8](repeating: UInt8(index), count: 10_000))) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        for (index, reference) in references {
            #expect(try await store.zip(reference) == [UInt8](repeating: UInt8(index), count: 10_000))
        }
    }
}
