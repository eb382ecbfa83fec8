// SPDX-License-Identifier: Apache-2.0
import Crypto
package import EnvelopeEncryption
import Foundation
package import LambdaModel
import Synchronization

/// The code of every function and layer, encrypted: an object for each, written once and never changed.
///
/// Only ciphertext leaves this store for the directory or the bucket that it keeps objects in (see `Envelope`); plain code
/// exists in the caller's memory and where `unpack` is told to put it. An object is bound to its id and its content to the
/// reference, so none passes for another.
///
/// Reads, writes and unpacking: at most `operationsMax` at one time, which bounds the memory for objects on their way; the
/// others wait. What blocks runs on as many threads of the store's own.
package struct CodeStore: Sendable {
    package static let operationsMax = 4
    /// Larger zips are refused by `put` and, so that no object can exhaust memory, by `zip`.
    package static let zipBytesMax = LimitsProfile.unzippedBytesMax

    private let objects: any CodeObjects
    private let masterKey: MasterKey
    private let operations: BlockingOperations
    private let gate = OperationGate(operationsMax: operationsMax)

    /// A store in a local directory, which is made when absent; what a crash left half written is removed.
    ///
    /// One process per directory. Blocks.
    package init(directory: String, masterKey: MasterKey) throws {
        operations = BlockingOperations("CodeStore", threadsMax: Self.operationsMax)
        objects = try DirectoryObjects(directory, operations: operations)
        self.masterKey = masterKey
    }

    package init(objects: any CodeObjects, masterKey: MasterKey) {
        operations = BlockingOperations("CodeStore", threadsMax: Self.operationsMax)
        self.objects = objects
        self.masterKey = masterKey
    }

    /// Where objects are, for error texts.
    package var place: String { objects.place }

    package static func newObjectID() -> String { RandomIdentifier.uuid() }

    /// Stores a zip under a new object id.
    ///
    /// When this returns, it survives a power cut. After an error something may be left: `delete` it.
    package func put(_ zip: [UInt8], as objectID: String = newObjectID()) async throws -> CodeReference {
        guard zip.count <= Self.zipBytesMax else { throw CodeStoreError.tooLarge(bytes: zip.count) }
        return try await gate.pass {
            let (sealed, digest) = try await operations.run {
                (
                    try Envelope.seal(zip, context: Self.context(objectID), with: masterKey),
                    Data(SHA256.hash(data: zip)).base64EncodedString()
                )
            }
            try await objects.write(sealed, objectID: objectID)
            return CodeReference(objectID: objectID, sha256: digest, sizeBytes: zip.count)
        }
    }

    /// The zip's bytes, exactly those that were stored.
    ///
    /// - Throws: `CodeStoreError`: absent, changed since it was written, or written under another master key.
    package func zip(_ reference: CodeReference) async throws -> [UInt8] {
        try await gate.pass {
            let sealed = try await read(reference)
            return try await operations.run { try open(sealed, reference) }
        }
    }

    /// Unpacks objects, each over those before it, into the empty directory that the descriptor is of; see
    /// `CodeArchive.Unpacking`.
    package func unpack(_ references: [CodeReference], into directory: Int32) async throws -> CodeArchive.Summary {
        let unpacking = Mutex(CodeArchive.Unpacking(into: directory))
        for reference in references {
            try await gate.pass {
                let sealed = try await read(reference)
                try await operations.run {
                    let zip = try open(sealed, reference)
                    try unpacking.withLock { try $0.add(zip) }
                }
            }
        }
        return try await operations.run { try unpacking.withLock { try $0.finish() } }
    }

    /// `CodeArchive.inspect` on the store's threads.
    package func inspect(_ zip: [UInt8]) async throws -> CodeArchive.Summary {
        try await operations.run { try CodeArchive.inspect(zip) }
    }

    /// Deletes an object; one that is not there is no error.
    ///
    /// A deletion lost in a power cut is made good by whoever compares `objectIDs` with what is in use.
    package func delete(objectID: String) async throws {
        guard Self.isObjectID(objectID) else { throw CodeStoreError.notFound(objectID: objectID) }
        try await objects.delete(objectID)
    }

    /// Every object there is, in no order.
    package func objectIDs() async throws -> [String] { try await objects.objectIDs() }

    /// Whether an object is there; listings of some services are late to show what is new.
    package func has(objectID: String) async throws -> Bool {
        guard Self.isObjectID(objectID) else { return false }
        do {
            _ = try await objects.read(objectID, bytesMax: 0)
            return true
        } catch CodeStoreError.notFound {
            return false
        } catch CodeStoreError.contentChanged {
            // It has a byte at least, which is all that was asked.
            return true
        }
    }

    private static func context(_ objectID: String) -> String { "code object \(objectID)" }

    /// An id that came back from a database is a file's name or a key, so it is looked at first.
    static func isObjectID(_ text: String) -> Bool {
        text.utf8.count == 36 && UUID(uuidString: text) != nil && text == text.lowercased()
    }

    private func read(_ reference: CodeReference) async throws -> [UInt8] {
        guard Self.isObjectID(reference.objectID) else {
            throw CodeStoreError.notFound(objectID: reference.objectID)
        }
        guard (0...Self.zipBytesMax).contains(reference.sizeBytes) else {
            throw CodeStoreError.contentChanged(objectID: reference.objectID)
        }
        let bytes = Envelope.sealedBytes(of: reference.sizeBytes)
        return try await objects.read(reference.objectID, bytesMax: bytes)
    }

    private func open(_ sealed: [UInt8], _ reference: CodeReference) throws -> [UInt8] {
        let objectID = reference.objectID
        let zip: [UInt8]
        do {
            zip = try Envelope.open(sealed, context: Self.context(objectID), with: masterKey)
        } catch {
            switch error {
            case .wrongMasterKey(let sealedWith, let given):
                throw CodeStoreError.wrongMasterKey(objectID: objectID, sealedWith: sealedWith, given: given)
            case .unsupportedVersion(let version):
                throw CodeStoreError.unsupportedVersion(objectID: objectID, version: version)
            case .notAnEnvelope, .contentChanged:
                throw CodeStoreError.contentChanged(objectID: objectID)
            }
        }
        guard zip.count == reference.sizeBytes,
            Data(SHA256.hash(data: zip)).base64EncodedString() == reference.sha256
        else { throw CodeStoreError.contentChanged(objectID: objectID) }
        return zip
    }
}
