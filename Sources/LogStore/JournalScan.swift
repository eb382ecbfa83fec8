// SPDX-License-Identifier: Apache-2.0
import Glibc
import LambdaModel

/// What a journal file holds: its frames, to the first that is not whole.
struct JournalScan {
    struct Found {
        var sequence: UInt64
        var entry: JournalEntry
        var ingestedAt: Timestamp
    }

    private(set) var found: [Found] = []
    /// nil where there is no frame.
    private(set) var salt: UInt64?
    /// Of the frames that were found, from the file's beginning.
    private(set) var soundBytes = 0
    /// Frames are behind what is none: it is not an end that was being written when the power went or the process ended.
    private(set) var isDamaged = false

    private struct Head {
        var salt: UInt64
        var sequence: UInt64
        var length: Int
        var checksum: UInt32
    }

    /// What is not behind `folded` is in the database: without what was before it, it is left of a file that was being cleared.
    init(_ bytes: [UInt8], folded: UInt64 = 0) {
        while let head = Self.head(bytes, at: soundBytes), salt == nil || head.salt == salt,
            head.sequence < UInt64(Int64.max),
            found.last.map({ $0.sequence < head.sequence }) ?? true,
            let one = Self.found(bytes, head, at: soundBytes + JournalFrame.headBytes)
        {
            salt = head.salt
            found.append(one)
            soundBytes += JournalFrame.headBytes + head.length
        }
        isDamaged =
            hasWholeFrame(bytes, at: soundBytes, after: folded) || hasFrame(bytes, behind: soundBytes, after: folded)
    }

    /// One that does not follow what is before it, or that is in no form known here.
    private func hasWholeFrame(_ bytes: [UInt8], at offset: Int, after folded: UInt64) -> Bool {
        guard let head = Self.head(bytes, at: offset), salt == nil || head.salt == salt, head.sequence > folded else {
            return false
        }
        return Self.isWhole(bytes, head, at: offset + JournalFrame.headBytes)
    }

    /// Whether a frame of the same file follows; of what was written before it was emptied last there may be some.
    private func hasFrame(_ bytes: [UInt8], behind offset: Int, after folded: UInt64) -> Bool {
        var next = offset + 1
        while next + JournalFrame.headBytes <= bytes.count {
            guard let start = Self.firstIndex(of: JournalFrame.magic[0], in: bytes, from: next) else { return false }
            if let head = Self.head(bytes, at: start), salt == nil || head.salt == salt, head.sequence > folded {
                return true
            }
            next = start + 1
        }
        return false
    }

    /// Of what may be zeros for mebibytes.
    private static func firstIndex(of byte: UInt8, in bytes: [UInt8], from start: Int) -> Int? {
        bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress,
                let found = memchr(base + start, CInt(byte), bytes.count - start)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }

    private static func head(_ bytes: [UInt8], at offset: Int) -> Head? {
        let end = offset + JournalFrame.headBytes
        guard end <= bytes.count, bytes[offset..<offset + 4].elementsEqual(JournalFrame.magic) else { return nil }
        func number<T: FixedWidthInteger>(_ at: Int, as: T.Type) -> T {
            bytes.withUnsafeBytes { T(littleEndian: $0.loadUnaligned(fromByteOffset: offset + at, as: T.self)) }
        }
        guard JournalFrame.checksum(bytes, offset..<offset + 28) == number(28, as: UInt32.self) else { return nil }
        return Head(
            salt: number(4, as: UInt64.self),
            sequence: number(12, as: UInt64.self),
            length: Int(number(20, as: UInt32.self)),
            checksum: number(24, as: UInt32.self)
        )
    }

    private static func isWhole(_ bytes: [UInt8], _ head: Head, at start: Int) -> Bool {
        head.length <= bytes.count - start
            && JournalFrame.checksum(bytes, start..<start + head.length) == head.checksum
    }

    private static func found(_ bytes: [UInt8], _ head: Head, at start: Int) -> Found? {
        guard isWhole(bytes, head, at: start) else { return nil }
        let read = bytes.withUnsafeBufferPointer {
            JournalFrame.entry(UnsafeBufferPointer(rebasing: $0[start..<start + head.length]))
        }
        return read.map { Found(sequence: head.sequence, entry: $0.entry, ingestedAt: $0.ingestedAt) }
    }
}
