// SPDX-License-Identifier: Apache-2.0
package import Crypto

/// The operator's 32-byte key: it wraps the data key of every object at rest, and other keys are derived from it.
///
/// It is never used as an encryption key itself: wrapping and every `derive` get keys of their own through HKDF-SHA256
/// (RFC 5869), so that no use can be turned against another.
package struct MasterKey: Sendable {
    package static let byteCount = 32

    /// Eight bytes that name the key and say nothing about it, in hexadecimal: what errors and envelopes show.
    package var id: String { hexadecimal(identifier) }

    let identifier: [UInt8]
    let wrappingKey: SymmetricKey
    private let root: SymmetricKey

    /// The key made of `bytes`.
    ///
    /// - Throws: `MasterKeyError.wrongLength` unless there are exactly 32.
    package init(bytes: [UInt8]) throws(MasterKeyError) {
        guard bytes.count == Self.byteCount else {
            throw .wrongLength(source: "the value given", bytes: bytes.count)
        }
        root = SymmetricKey(data: bytes)
        wrappingKey = Self.expand(root, info: "martlet envelope data key wrapping 1")
        let name = Self.expand(root, info: "martlet master key identifier 1", byteCount: 8)
        identifier = name.withUnsafeBytes { [UInt8]($0) }
    }

    /// The key that `text` holds in base64; white space around it is ignored.
    package init(base64 text: String) throws(MasterKeyError) {
        try self.init(base64: text, source: "the value given")
    }

    /// A key for another use (session credentials, presigned URLs), the same for the same purpose.
    package func derive(_ purpose: String) -> SymmetricKey {
        Self.expand(root, info: "martlet purpose " + purpose)
    }

    init(base64 text: String, source: String) throws(MasterKeyError) {
        let trimmed = text.trimmingWhitespace()
        guard let bytes = decodeBase64(trimmed) else { throw .notBase64(source: source) }
        guard bytes.count == Self.byteCount else { throw .wrongLength(source: source, bytes: bytes.count) }
        try self.init(bytes: bytes)
    }

    private static func expand(_ root: SymmetricKey, info: String, byteCount: Int = 32) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: root,
            salt: Array("martlet".utf8),
            info: Array(info.utf8),
            outputByteCount: byteCount
        )
    }
}

/// Why there is no master key.
///
/// No case carries a byte of it.
package enum MasterKeyError: Error, Equatable, CustomStringConvertible {
    case wrongLength(source: String, bytes: Int)
    case notBase64(source: String)
    case notRegularFile(path: String)
    case modeTooWide(path: String, mode: UInt32)
    case wrongOwner(path: String, owner: UInt32)
    case systemCall(name: String, path: String, errno: Int32, text: String)
    case commandFailed(reason: String)

    package var description: String {
        switch self {
        case .wrongLength(let source, let bytes):
            "master key: \(source) holds \(bytes) bytes; it must be exactly \(MasterKey.byteCount)"
        case .notBase64(let source):
            "master key: \(source) is not base64 of \(MasterKey.byteCount) bytes"
        case .notRegularFile(let path):
            "master key: \(path) is not a regular file"
        case .modeTooWide(let path, let mode):
            "master key: \(path) has mode 0\(String(mode, radix: 8)), wider than 0600: chmod 600 \(path)"
        case .wrongOwner(let path, let owner):
            "master key: \(path) belongs to user \(owner), neither to the one who runs the server nor to root"
        case .systemCall(let name, let path, _, let text):
            "master key: \(name) \(path): \(text)"
        case .commandFailed(let reason):
            "master key: the command \(reason)"
        }
    }
}
