// SPDX-License-Identifier: Apache-2.0
import Crypto
import Foundation

/// Encryption at rest: a random AES-256-GCM data key per object, itself wrapped by the master key.
///
/// Layout: magic `MRTE`, version 1, the object's number (three bytes, big-endian), the master key's identifier
/// (8 bytes); the wrapped data key (nonce 12, key 32, tag 16); then the plain bytes in segments of 1 MiB, each followed by its tag of 16 bytes. There
/// is always a last segment, empty for an empty object.
///
/// The wrapped key is authenticated together with the header, with number 0, and the caller's context. A segment's
/// nonce holds its object's number, its index and whether it is the last one (the STREAM construction of Hoang,
/// Reyhanitabar, Rogaway and Vizár, 2015), so segments that are missing, added, swapped or taken from another object
/// are refused. What is not hidden: the object's size, and which objects were
/// sealed together, in which order: they have one wrapped key, and their numbers are readable.
///
/// Objects that are sealed together have one data key, and numbers from 0; all others have a key of their own, and
/// number 0.
///
/// Nonces of wrapped keys are random under one key: safe for 2^32 of them per master key (NIST SP 800-38D, 8.3).
package enum Envelope {
    /// Plain bytes of a segment.
    package static let segmentBytes = 1_048_576
    /// Plain bytes of an object: the segment index has 32 bits.
    package static let plainBytesMax = segmentBytes * Int(UInt32.max)

    /// Bytes of an envelope of so many plain bytes.
    package static func sealedBytes(of plainBytes: Int) -> Int {
        headerBytes + plainBytes + segments(of: plainBytes) * tagBytes
    }

    private static func segments(of plainBytes: Int) -> Int { max(1, (plainBytes + segmentBytes - 1) / segmentBytes) }

    static let magic = Array("MRTE".utf8)
    static let version: UInt8 = 1
    /// Where a header has the object's number.
    static let numberBytes = 5..<8
    private static let objectsMax = 1 << 24
    static let prefixBytes = 16
    static let wrappedKeyBytes = 12 + 32 + 16
    static let headerBytes = prefixBytes + wrappedKeyBytes
    static let tagBytes = 16

    /// Encrypts `plain` so that only `open` with the same context and master key gives it back.
    ///
    /// The context says what the object is (its id, a function's ARN and the field's name). It is not secret and not
    /// stored, and an object put in another's place does not open.
    package static func seal(_ plain: [UInt8], context: String, with master: MasterKey) throws -> [UInt8] {
        try seal([plain], context: context, with: master)[0]
    }

    /// Encrypts objects of one context that are often read together, up to 2^24 of them.
    ///
    /// Each opens by itself, too.
    package static func seal(_ plains: [[UInt8]], context: String, with master: MasterKey) throws -> [[UInt8]] {
        precondition(plains.count <= objectsMax, "more objects than their number can count")
        let dataKey = SymmetricKey(size: .bits256)
        let prefix = prefix(masterKeyIdentifier: master.identifier)
        let wrapped = try AES.GCM.seal(
            dataKey.withUnsafeBytes { Data($0) },
            using: master.wrappingKey,
            authenticating: prefix + Array(context.utf8)
        )
        var header = prefix
        header += wrapped.nonce
        header += wrapped.ciphertext
        header += wrapped.tag
        return try plains.enumerated().map { number, plain in
            for (byte, position) in numberBytes.enumerated() {
                header[position] = UInt8(truncatingIfNeeded: number >> (16 - 8 * byte))
            }
            return try seal(plain, header, dataKey)
        }
    }

    private static func seal(_ plain: [UInt8], _ header: [UInt8], _ dataKey: SymmetricKey) throws -> [UInt8] {
        precondition(plain.count <= plainBytesMax, "more segments than their index can count")
        let segments = segments(of: plain.count)
        var sealed: [UInt8] = []
        sealed.reserveCapacity(sealedBytes(of: plain.count))
        sealed += header
        for index in 0..<segments {
            let start = index * segmentBytes
            let segment = plain[start..<min(start + segmentBytes, plain.count)]
            let nonce = try segmentNonce(of: header, index: index, isLast: index == segments - 1)
            let box = try AES.GCM.seal(segment, using: dataKey, nonce: nonce)
            sealed += box.ciphertext
            sealed += box.tag
        }
        return sealed
    }

    /// The plain bytes of what `seal` made, or an error that says which kind of wrong it is.
    package static func open(
        _ sealed: [UInt8],
        context: String,
        with master: MasterKey
    ) throws(EnvelopeError) -> [UInt8] {
        var opening = Opening(context: context, with: master)
        return try opening.open(sealed)
    }

    /// Opens objects of one context, one after the other: of those that were sealed together the data key is unwrapped once.
    package struct Opening {
        private let master: MasterKey
        /// A header's first bytes, as they must be but for the number, and what the wrapped key is authenticated with.
        private let prefix: [UInt8]
        private let authenticated: [UInt8]
        /// Of the object that was opened last.
        private var wrapped: ArraySlice<UInt8> = []
        private var dataKey = SymmetricKey(size: .bits256)

        package init(context: String, with master: MasterKey) {
            self.master = master
            prefix = Envelope.prefix(masterKeyIdentifier: master.identifier)
            authenticated = prefix + Array(context.utf8)
        }

        /// The plain bytes of what `seal` made, or an error that says which kind of wrong it is.
        package mutating func open(_ sealed: [UInt8]) throws(EnvelopeError) -> [UInt8] {
            guard sealed.count >= headerBytes + tagBytes else {
                throw sealed.starts(with: magic) ? .contentChanged : .notAnEnvelope
            }
            guard sealed.starts(with: magic) else { throw .notAnEnvelope }
            guard sealed[4] == version else { throw .unsupportedVersion(sealed[4]) }
            try unwrapKey(sealed)
            return try Envelope.open(sealed, dataKey)
        }

        private mutating func unwrapKey(_ sealed: [UInt8]) throws(EnvelopeError) {
            let identifier = sealed[numberBytes.upperBound..<prefixBytes]
            if sealed[prefixBytes..<headerBytes] != wrapped {
                do {
                    // Authenticated with the prefix as it must be: whether the stored one is that is looked at afterwards.
                    let box = try AES.GCM.SealedBox(combined: sealed[prefixBytes..<headerBytes])
                    let key = try AES.GCM.open(box, using: master.wrappingKey, authenticating: authenticated)
                    dataKey = SymmetricKey(data: key)
                } catch {
                    guard identifier.elementsEqual(master.identifier) else {
                        throw .wrongMasterKey(sealedWith: hexadecimal(identifier), given: master.id)
                    }
                    throw .contentChanged
                }
                wrapped = sealed[prefixBytes..<headerBytes]
            }
            // The key fits, so a prefix that differs was changed after sealing; a number that was, no segment fits.
            guard identifier == prefix[numberBytes.upperBound...] else { throw .contentChanged }
        }
    }

    private static func open(_ sealed: [UInt8], _ dataKey: SymmetricKey) throws(EnvelopeError) -> [UInt8] {
        var plain: [UInt8] = []
        plain.reserveCapacity(sealed.count - headerBytes)
        var position = headerBytes
        var index = 0
        repeat {
            let end = min(position + segmentBytes + tagBytes, sealed.count)
            guard end - position >= tagBytes, index <= Int(UInt32.max) else { throw .contentChanged }
            do {
                let box = try AES.GCM.SealedBox(
                    nonce: segmentNonce(of: sealed, index: index, isLast: end == sealed.count),
                    ciphertext: sealed[position..<end - tagBytes],
                    tag: sealed[end - tagBytes..<end]
                )
                plain += try AES.GCM.open(box, using: dataKey)
            } catch {
                // Nothing but the tag can be wrong here, and the cause says no more than that.
                throw .contentChanged
            }
            position = end
            index += 1
        } while position < sealed.count
        return plain
    }

    private static func prefix(masterKeyIdentifier: [UInt8]) -> [UInt8] {
        magic + [version, 0, 0, 0] + masterKeyIdentifier
    }

    /// Four zero bytes, the object's number, the index, both big-endian, and 1 for the last segment.
    private static func segmentNonce(of header: [UInt8], index: Int, isLast: Bool) throws -> AES.GCM.Nonce {
        var bytes = [UInt8](repeating: 0, count: 12)
        for (byte, number) in numberBytes.enumerated() { bytes[4 + byte] = header[number] }
        for byte in 0..<4 { bytes[7 + byte] = UInt8(truncatingIfNeeded: index >> (24 - 8 * byte)) }
        bytes[11] = isLast ? 1 : 0
        return try AES.GCM.Nonce(data: bytes)
    }
}

/// Why an envelope did not open.
package enum EnvelopeError: Error, Equatable, CustomStringConvertible {
    /// The bytes never were one, or their first four were changed.
    case notAnEnvelope
    /// Made by a newer version of this program, or changed.
    case unsupportedVersion(UInt8)
    /// Sealed under another master key; both are named by `MasterKey.id`.
    case wrongMasterKey(sealedWith: String, given: String)
    /// Authentication failed: bytes were changed, cut off, added or moved, or it belongs to another context.
    case contentChanged

    package var description: String {
        switch self {
        case .notAnEnvelope: "not encrypted by Martlet, or its beginning was changed"
        case .unsupportedVersion(let version): "encrypted in format \(version), which this version does not know"
        case .wrongMasterKey(let sealedWith, let given):
            "encrypted under the master key \(sealedWith), and the key in use is \(given)"
        case .contentChanged: "its encrypted content was changed or cut off since it was written"
        }
    }
}
