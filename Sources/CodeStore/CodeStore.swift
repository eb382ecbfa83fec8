// SPDX-License-Identifier: Apache-2.0
import Crypto
package import EnvelopeEncryption
import Foundation
import Glibc
package import LambdaModel

/// The code of every function, encrypted, in one local directory: a file per object, written once and never changed.
///
/// Only ciphertext reaches the disk (see `Envelope`); plain code exists in the caller's memory and where `unpack` is
/// told to put it. Files have mode 0600 in a directory of mode 0700.
///
/// Reads, writes and unpacking block, so they run on at most `blockingOperationsMax` threads of an operation queue that
/// belongs to the store: Swift's cooperative threads are as many as the cores and must not wait for a disk. (An
/// operation queue, since it is the one thing at hand that bounds its threads; what waits in it are suspended callers.)
package struct CodeStore: Sendable {
    package static let blockingOperationsMax = 4
    /// Larger zips are refused by `put` and, so that no file can exhaust memory, by `zip`.
    package static let zipBytesMax = LimitsProfile.unzippedBytesMax

    private static let suffix = ".code"
    private static let partialSuffix = ".partial"

    private let directory: String
    private let masterKey: MasterKey
    private let queue: OperationQueue

    /// Opens the store in `directory`, which is made when absent; what a crash left half written is removed.
    ///
    /// One process per directory: another one's unfinished `put` would be taken for such a leftover. Blocks.
    package init(directory: String, masterKey: MasterKey) throws {
        self.directory = directory
        self.masterKey = masterKey
        queue = OperationQueue()
        queue.name = "CodeStore"
        queue.maxConcurrentOperationCount = Self.blockingOperationsMax
        try Self.makeDirectory(directory)
        for name in try Self.list(directory) where name.hasSuffix(Self.partialSuffix) {
            guard unlink("\(directory)/\(name)") == 0 || errno == ENOENT else {
                throw CodeStoreError.system(call: "unlink", subject: name, errno: errno)
            }
        }
    }

    /// Stores a zip under a new object id.
    ///
    /// When this returns, it survives a power cut.
    package func put(_ zip: [UInt8]) async throws -> CodeReference {
        guard zip.count <= Self.zipBytesMax else { throw CodeStoreError.tooLarge(bytes: zip.count) }
        let objectID = UUID().uuidString.lowercased()
        return try await blocking {
            let sealed = try Envelope.seal(zip, context: Self.context(objectID), with: masterKey)
            try write(sealed, objectID: objectID)
            let digest = Data(SHA256.hash(data: zip)).base64EncodedString()
            return CodeReference(objectID: objectID, sha256: digest, sizeBytes: zip.count)
        }
    }

    /// The zip's bytes, exactly those that were stored.
    ///
    /// - Throws: `CodeStoreError`: absent, changed since it was written, or written under another master key.
    package func zip(_ reference: CodeReference) async throws -> [UInt8] {
        try await blocking { try read(reference) }
    }

    /// Unpacks an object into the empty directory that the descriptor is of; see `CodeArchive.unpack`.
    package func unpack(_ reference: CodeReference, into directory: Int32) async throws -> CodeArchive.Summary {
        try await blocking { try CodeArchive.unpack(read(reference), into: directory) }
    }

    /// `CodeArchive.inspect` on the store's threads.
    package func inspect(_ zip: [UInt8]) async throws -> CodeArchive.Summary {
        try await blocking { try CodeArchive.inspect(zip) }
    }

    /// Deletes an object; one that is not there is no error.
    ///
    /// A deletion lost in a power cut is made good by whoever compares `objectIDs` with what is in use.
    package func delete(objectID: String) async throws {
        let path = try path(objectID)
        try await blocking {
            guard unlink(path) == 0 || errno == ENOENT else {
                throw CodeStoreError.system(call: "unlink", subject: objectID, errno: errno)
            }
        }
    }

    /// Every object there is, in no order.
    ///
    /// Files that are not the store's are not listed.
    package func objectIDs() async throws -> [String] {
        try await blocking {
            try Self.list(directory).compactMap { name in
                guard name.hasSuffix(Self.suffix) else { return nil }
                let objectID = String(name.dropLast(Self.suffix.count))
                return Self.isObjectID(objectID) ? objectID : nil
            }
        }
    }

    private func blocking<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            queue.addOperation { continuation.resume(with: Result(catching: work)) }
        }
    }

    private static func context(_ objectID: String) -> String { "code object \(objectID)" }

    /// An id that came back from a database is a file's name here, so it is looked at first.
    private static func isObjectID(_ text: String) -> Bool {
        text.utf8.count == 36 && UUID(uuidString: text) != nil && text == text.lowercased()
    }

    private func path(_ objectID: String) throws -> String {
        guard Self.isObjectID(objectID) else { throw CodeStoreError.notFound(objectID: objectID) }
        return "\(directory)/\(objectID)\(Self.suffix)"
    }

    private func read(_ reference: CodeReference) throws -> [UInt8] {
        let objectID = reference.objectID
        let descriptor = open(try path(objectID), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { throw CodeStoreError.notFound(objectID: objectID) }
            throw CodeStoreError.system(call: "open", subject: objectID, errno: errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw CodeStoreError.system(call: "fstat", subject: objectID, errno: errno)
        }
        // Twice the limit is room for every header and tag, and still a bound.
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= 2 * off_t(Self.zipBytesMax) else {
            throw CodeStoreError.contentChanged(objectID: objectID)
        }
        let sealed = try readAll(descriptor, bytes: Int(status.st_size), objectID: objectID)
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

    private func readAll(_ descriptor: Int32, bytes size: Int, objectID: String) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let result = Glibc.read(descriptor, buffer.baseAddress.map { $0 + count }, size - count)
                if result == 0 { break }
                if result < 0 {
                    if errno == EINTR { continue }
                    throw CodeStoreError.system(call: "read", subject: objectID, errno: errno)
                }
                count += result
            }
        }
    }

    /// Under another name first, synced, renamed, and the directory synced: a crash leaves the whole file or none.
    private func write(_ bytes: [UInt8], objectID: String) throws {
        let partial = "\(directory)/\(objectID)\(Self.partialSuffix)"
        func failure(_ call: String) -> CodeStoreError { .system(call: call, subject: objectID, errno: errno) }
        let descriptor = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure("open") }
        do {
            defer { close(descriptor) }
            try bytes.withUnsafeBytes { buffer in
                var position = 0
                while position < buffer.count {
                    let rest = UnsafeRawBufferPointer(rebasing: buffer[position...])
                    let result = Glibc.write(descriptor, rest.baseAddress, rest.count)
                    if result < 0 {
                        if errno == EINTR { continue }
                        throw failure("write")
                    }
                    position += result
                }
            }
            guard fsync(descriptor) == 0 else { throw failure("fsync") }
            guard rename(partial, try path(objectID)) == 0 else { throw failure("rename") }
        } catch {
            unlink(partial)
            throw error
        }
        try Self.synchronise(directory)
    }

    private static func makeDirectory(_ path: String) throws {
        if mkdir(path, 0o700) != 0 {
            guard errno == EEXIST else { throw CodeStoreError.system(call: "mkdir", subject: path, errno: errno) }
        } else {
            try synchronise(URL(fileURLWithPath: path).deletingLastPathComponent().path)
        }
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw CodeStoreError.system(call: "stat", subject: path, errno: errno)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw CodeStoreError.system(call: "mkdir", subject: path, errno: ENOTDIR)
        }
    }

    private static func synchronise(_ directory: String) throws {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CodeStoreError.system(call: "open", subject: directory, errno: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw CodeStoreError.system(call: "fsync", subject: directory, errno: errno)
        }
    }

    private static func list(_ directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory)
    }
}

/// Why the code store could not do what it was asked.
///
/// Names the object, never its content.
package enum CodeStoreError: Error, Equatable, CustomStringConvertible {
    case notFound(objectID: String)
    /// The file is not what was written: changed, cut off, or another object's.
    case contentChanged(objectID: String)
    case wrongMasterKey(objectID: String, sealedWith: String, given: String)
    case unsupportedVersion(objectID: String, version: UInt8)
    case tooLarge(bytes: Int)
    /// `subject` is an object's id or the store's directory. ENOSPC: the disk is full.
    case system(call: String, subject: String, errno: Int32)

    package var description: String {
        switch self {
        case .notFound(let objectID): "code object \(objectID) does not exist"
        case .contentChanged(let objectID):
            "code object \(objectID): its content was changed or cut off since it was stored"
        case .wrongMasterKey(let objectID, let sealedWith, let given):
            "code object \(objectID) was stored under the master key \(sealedWith), and the key in use is \(given)"
        case .unsupportedVersion(let objectID, let version):
            "code object \(objectID) is in format \(version), which this version does not know"
        case .tooLarge(let bytes): "a zip of \(bytes) bytes is over the limit of \(CodeStore.zipBytesMax)"
        case .system(let call, let subject, let errno):
            "code store: \(call) of \(subject): \(String(cString: strerror(errno)))"
        }
    }
}
