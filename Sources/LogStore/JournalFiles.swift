// SPDX-License-Identifier: Apache-2.0

/// Where in the two journal files frames are, and which of the files is written to.
///
/// One is written to while what is in the other goes into the database; then that one is emptied. Decides only.
struct JournalFiles {
    struct File {
        /// Of all its frames.
        var bytes: Int
        /// The last of them; zero where there is none.
        var last: UInt64
        /// In every frame since it was emptied last, and not to be guessed: bytes of a message, or of an earlier frame, are none.
        var salt: UInt64
        /// From its beginning, what the disk has kept for it: a frame there is written however full the disk is.
        var reserved = 0
    }

    /// Where a frame goes, and what stands in its head.
    struct Place: Equatable {
        var file: Int
        var offset: Int
        var sequence: UInt64
        var salt: UInt64
        /// What the file keeps where the frame can't be written.
        var keptBytes: Int
    }

    /// Of one file.
    static let bytesMax = 16 << 20
    /// Of one frame: what is larger is no work for an event loop.
    static let frameBytesMax = 128 << 10

    private var files: [File]
    private var current: Int
    private(set) var lastSequence: UInt64
    /// What is wanted to be kept for each file; zero where nothing can be promised.
    private let reserve: Int

    /// Of a database without entries, and of files without frames.
    static let empty = JournalFiles(
        File(bytes: 0, last: 0, salt: 0),
        File(bytes: 0, last: 0, salt: 0),
        folded: 0
    )

    /// `folded` is the last entry that is in the database.
    init(_ first: File, _ second: File, folded: UInt64, reserve: Int = 0) {
        files = [first, second]
        self.reserve = reserve
        current = second.last > first.last ? 1 : 0
        lastSequence = max(first.last, second.last, folded)
    }

    var hasContent: Bool { files.contains { $0.bytes > 0 } }

    /// What the disk keeps for frames to come.
    private var freeBytes: Int { files.reduce(0) { $0 + max(0, $1.reserved - $1.bytes) } }

    /// Whether half of what is wanted is there for frames to come: the other half is for invocations that run already.
    var hasRoom: Bool { freeBytes >= reserve }

    /// Whether a frame with log lines leaves the last quarter, which is for records of use alone.
    func hasRoomForLines(bytes: Int) -> Bool { reserve == 0 || freeBytes - bytes >= reserve / 2 }

    /// nil where there is no room.
    ///
    /// Where the database takes nothing, none of the files is being emptied: both are written to, first where the disk has kept room.
    func place(bytes: Int, isFailing: Bool) -> Place? {
        let candidates = isFailing ? [current, 1 - current] : [current]
        let reserved = candidates.first { isFailing && files[$0].bytes + bytes <= files[$0].reserved }
        guard let number = reserved ?? candidates.first(where: { files[$0].bytes + bytes <= Self.bytesMax }) else {
            return nil
        }
        let file = files[number]
        return Place(
            file: number,
            offset: file.bytes,
            sequence: lastSequence + 1,
            salt: file.salt,
            keptBytes: max(file.bytes, file.reserved)
        )
    }

    mutating func wrote(_ place: Place, bytes: Int) {
        current = place.file
        files[place.file].bytes = place.offset + bytes
        files[place.file].last = place.sequence
        lastSequence = place.sequence
    }

    /// The other file from here on, where it is empty.
    mutating func turn() {
        if files[1 - current].bytes == 0 { current = 1 - current }
    }

    /// The file that is not written to, if all of it is in the database.
    func obsolete(upTo folded: UInt64) -> Int? {
        let other = files[1 - current]
        return other.bytes > 0 && other.last <= folded ? 1 - current : nil
    }

    /// - Returns: whether the disk has kept more for it before.
    @discardableResult
    mutating func emptied(_ file: Int, salt: UInt64, reserved: Int = 0) -> Bool {
        defer { files[file] = File(bytes: 0, last: 0, salt: salt, reserved: reserved) }
        return files[file].reserved > reserved
    }
}
