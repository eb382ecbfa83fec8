// SPDX-License-Identifier: Apache-2.0

/// A look at a zip's central directory for what libarchive does not say, before libarchive reads the archive.
///
/// libarchive cuts names at a NUL, turns some backslashes into slashes, takes names from the local headers without
/// comparing them with the directory's, makes regular files of FIFOs, and does not tell modes that were stored from
/// those that it made up. Layout: PKWARE's APPNOTE.TXT 4.3 and 4.5.3.
/// This reader only ever refuses; what is unpacked is libarchive's reading alone.
struct ZipDirectory {
    /// Whether any entry was made on Unix (host system 3), where permission bits are stored.
    private(set) var hasUnixModes = false

    private let bytes: [UInt8]
    private var entries: [(offset: Int, name: Range<Int>)] = []

    init(_ bytes: [UInt8]) throws(ArchiveRefusal) {
        self.bytes = bytes
        let end = try locateEnd()
        // Bytes before the archive (a self-extractor's program) shift every offset by their number.
        let shift = end.position - end.directorySize - end.directoryOffset
        let isConsistent = end.claimedPosition.map { $0 + shift == end.position } ?? true
        guard shift >= 0, isConsistent else { throw .unusable("the central directory is not where the archive says") }
        guard end.entries <= CodeArchive.entriesMax else {
            throw .unusable("there are more than \(CodeArchive.entriesMax) entries")
        }
        var position = end.directoryOffset + shift
        for _ in 0..<end.entries { position = try checkEntry(at: position, shift: shift) }
        guard position == end.position else { throw .unusable("the central directory has not the size it says") }
        entries.sort { $0.offset < $1.offset }
        for (entry, next) in zip(entries, entries.dropFirst()) where entry.offset == next.offset {
            throw .unusable("two entries are in one place")
        }
    }

    var count: Int { entries.count }

    /// The name of the entry that libarchive reads as number `index` (it goes by their offsets) under the name `read`.
    ///
    /// libarchive composes what a zip marks as UTF-8 (é, where macOS writes e and an accent), so the bytes of the archive
    /// are given back. Where they are not the same text (Swift compares by canonical equivalence), libarchive reads
    /// another directory than the one that was looked at here.
    func storedName(at index: Int, readAs read: [UInt8]) throws(ArchiveRefusal) -> [UInt8] {
        guard entries.indices.contains(index) else { throw Self.twoReadings }
        let stored = bytes[entries[index].name]
        guard String(decoding: stored, as: UTF8.self) == String(decoding: read, as: UTF8.self) else {
            throw Self.twoReadings
        }
        return Array(stored)
    }

    static let twoReadings = ArchiveRefusal.unusable("the archive can be read in two ways")

    private struct End {
        /// Where the first of the end records begins: the byte after the central directory.
        var position: Int
        var entries: Int
        var directorySize: Int
        var directoryOffset: Int
        /// Where the locator says the zip64 record is, before the shift; nil without one.
        var claimedPosition: Int?
    }

    private func locateEnd() throws(ArchiveRefusal) -> End {
        // 22 bytes and a comment of at most 65,535.
        var position = bytes.count - 22
        let first = max(0, bytes.count - 22 - 65_535)
        while position >= first {
            if number(position, 4) == 0x0605_4B50 {
                // libarchive takes the last one, whatever comment it claims: there may be no other opinion here.
                guard position + 22 + number(position + 20, 2) <= bytes.count else { break }
                return try readEnd(at: position)
            }
            position -= 1
        }
        throw .unusable("there is no central directory: not a zip, or cut off")
    }

    private func readEnd(at position: Int) throws(ArchiveRefusal) -> End {
        var end = End(
            position: position,
            entries: number(position + 10, 2),
            directorySize: number(position + 12, 4),
            directoryOffset: number(position + 16, 4)
        )
        guard number(position + 4, 2) == 0 || number(position + 4, 2) == 0xFFFF else {
            throw .unusable("the archive is one part of several")
        }
        guard position >= 20, number(position - 20, 4) == 0x0706_4B50 else { return end }
        // Zip64: the locator right before says where the larger record is, which is right before the locator.
        let record = position - 20 - 56
        guard record >= 0, number(record, 4) == 0x0606_4B50 else {
            throw .unusable("the zip64 record is not where it belongs")
        }
        guard let entries = number64(record + 32), let size = number64(record + 40), let offset = number64(record + 48)
        else { throw .unusable("the zip64 record holds impossible numbers") }
        guard let claimed = number64(position - 20 + 8), claimed <= bytes.count else {
            throw .unusable("the zip64 record is not where it belongs")
        }
        end.position = record
        end.claimedPosition = claimed
        end.entries = entries
        end.directorySize = size
        end.directoryOffset = offset
        guard size <= bytes.count, offset <= bytes.count else {
            throw .unusable("the zip64 record holds impossible numbers")
        }
        return end
    }

    /// Checks the entry at `position` and says where the next one is.
    private mutating func checkEntry(at position: Int, shift: Int) throws(ArchiveRefusal) -> Int {
        guard position + 46 <= bytes.count, number(position, 4) == 0x0201_4B50 else {
            throw .unusable("the central directory is broken")
        }
        let nameBytes = number(position + 28, 2)
        let next = position + 46 + nameBytes + number(position + 30, 2) + number(position + 32, 2)
        guard next <= bytes.count else { throw .unusable("the central directory is cut off") }
        let name = bytes[position + 46..<position + 46 + nameBytes]
        guard !name.contains(0), !name.contains(UInt8(ascii: "\\")) else {
            throw .unusable("the path \(ArchiveRefusal.quote(name)) holds a NUL or a backslash")
        }
        if number(position + 5, 1) == 3 {
            hasUnixModes = true
            // Type bits: none, directory, regular file, symbolic link.
            guard [0x0, 0x4, 0x8, 0xA].contains(number(position + 41, 1) >> 4) else {
                throw .unusable("\(ArchiveRefusal.quote(name)) is neither file, directory nor link")
            }
        }
        guard let offset = localOffset(at: position, name: nameBytes) else {
            throw .unusable("the entry \(ArchiveRefusal.quote(name)) is nowhere in the archive")
        }
        let local = offset + shift
        guard local + 30 <= bytes.count, number(local, 4) == 0x0403_4B50 else {
            throw .unusable("the entry \(ArchiveRefusal.quote(name)) has no local header")
        }
        let localName = local + 30
        guard number(local + 26, 2) == nameBytes, localName + nameBytes <= bytes.count,
            bytes[localName..<localName + nameBytes].elementsEqual(name)
        else { throw .unusable("the entry \(ArchiveRefusal.quote(name)) has another name in its local header") }
        entries.append((local, name.indices))
        return next
    }

    /// The offset of the local header, from the zip64 field where the plain one is full; nil when out of range.
    private func localOffset(at position: Int, name nameBytes: Int) -> Int? {
        let plain = number(position + 42, 4)
        guard plain == 0xFFFF_FFFF else { return plain }
        var field = position + 46 + nameBytes
        let end = field + number(position + 30, 2)
        while field + 4 <= end {
            let size = number(field + 2, 2)
            if number(field, 2) == 1 {
                // Only what is full in the entry is here, in this order: both sizes, then the offset.
                let before = [24, 20].filter { number(position + $0, 4) == 0xFFFF_FFFF }.count * 8
                guard before + 8 <= size, field + 4 + before + 8 <= end else { return nil }
                return number64(field + 4 + before).flatMap { $0 <= bytes.count ? $0 : nil }
            }
            field += 4 + size
        }
        return nil
    }

    /// Little-endian; `position` and the bytes after it were checked, or are checked by the array.
    private func number(_ position: Int, _ count: Int) -> Int {
        var value = 0
        for index in (0..<count).reversed() { value = value << 8 | Int(bytes[position + index]) }
        return value
    }

    private func number64(_ position: Int) -> Int? {
        guard bytes[position + 7] < 0x80 else { return nil }
        return number(position, 8)
    }
}
