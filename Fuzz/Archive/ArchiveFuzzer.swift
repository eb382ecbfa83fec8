// SPDX-License-Identifier: Apache-2.0
import Glibc
import LambdaModel

@testable import CodeStore

/// A zip as it is (`PK…`), or the choices for one: entries with names, types and lies of every kind.
///
/// What is accepted is unpacked below a directory that has a neighbour, then walked through and compared with what was promised.
func fuzz(_ bytes: [UInt8]) {
    let zip = bytes.starts(with: Array("PK".utf8)) ? bytes : composed(FuzzInput(bytes))
    let inspected = Result { () throws(ArchiveRefusal) in try CodeArchive.inspect(zip) }
    let cage = Cage()
    defer { cage.remove() }
    let unpacked = Result { () throws(ArchiveRefusal) in try CodeArchive.unpack(zip, into: cage.descriptor) }
    switch (inspected, unpacked) {
    case (.success(let before), .success(let after)):
        expect(before == after, "an archive is inspected as it is unpacked")
        cage.check(before)
    case (.failure(let before), .failure(let after)):
        expect(before.kind != .machine && before.kind == after.kind, "refused in two ways: \(before), \(after)")
        expect(before.reason.utf8.count < 4_096 && !before.reason.utf8.contains(0x0A), "a reason is one line")
        cage.checkOutside()
    default: expect(false, "inspected and unpacked differently: \(inspected), \(unpacked)")
    }
}

// MARK: - Making zips

private let names = [
    "a", "b", "a/b", "a/b/c", "d/", "d/e", "../x", "/x", "é", "e\u{301}", "\\", "a\u{0}b", "", ".", "./", "..", "%2e",
    "a//b",
]
private let targets = [
    "a", "b", "../a", "..", ".", "d/e", "../../x", "/etc/passwd", "a/../../x", "../root/a", "b/b/b", "",
]

private func composed(_ source: FuzzInput) -> [UInt8] {
    var input = source
    var entries: [ZipBuilder.Entry] = []
    for _ in 0..<input.below(9) {
        var entry = ZipBuilder.Entry("")
        entry.name = input.flag() ? Array(input.pick(names).utf8) : input.bytes(24)
        entry.content = input.flag() ? Array(input.pick(targets).utf8) : input.bytes(40)
        entry.unixMode = UInt32(input.pick([0o100644, 0o120777, 0o040755, 0o104755, 0o010644, 0o060600, 0o140000, 0]))
        if entry.unixMode == 0 { entry.unixMode = UInt32(input.number(UInt16.self)) }
        entry.system = input.pick([3, 3, 3, 0, 10, 19])
        entry.flags = input.pick([0, 0x0800, 0, 0x0800, 1, 8, 0x2000, 0x41])
        entry.method = input.pick([0, 0, 0, 8, 0, 12, 14, 99])
        switch input.below(12) {
        case 0: entry.directoryName = input.bytes(24)
        case 1: entry.claimedSize = input.number()
        case 2: entry.checksum = input.number()
        default: break
        }
        entries.append(entry)
    }
    let prefix = input.below(8) == 1 ? input.bytes(30) : []
    var zip = ZipBuilder.zip(entries, prefix: prefix, comment: input.below(8) == 1 ? input.bytes() : [])
    // A few bytes changed: most of what fits a zip together is at its end.
    for _ in 0..<input.below(4) {
        let index = input.flag() ? zip.count - 1 - input.below(min(zip.count, 120)) : input.below(zip.count)
        zip[index] = input.byte()
    }
    if input.below(12) == 1 { zip = Array(zip.prefix(input.below(zip.count + 1))) }
    return zip
}

// MARK: - Looking at what came out

/// A directory `root` to unpack into, beside things that a way out would lead to.
private struct Cage {
    /// A path as the kernel takes it, with its zero: names from an archive need not be text.
    private typealias Path = [CChar]

    private static let base = "/dev/shm/martlet-fuzz-\(getpid())"
    private let root = base + "/root"
    let descriptor: CInt

    init() {
        mkdir(Self.base, 0o700)
        mkdir(Self.base + "/x", 0o700)
        mkdir(root, 0o700)
        descriptor = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        expect(descriptor >= 0, "/dev/shm can be written")
    }

    func remove() {
        close(descriptor)
        Self.remove(Self.path(Self.base))
    }

    func checkOutside() {
        let inside = Set(Self.paths(in: Self.path(Self.base)))
        let expected: Set = [Self.path(root), Self.path(Self.base + "/x")]
        expect(inside == expected, "something is outside")
        expect(
            Self.paths(in: Self.path(Self.base + "/x")).isEmpty,
            "something is outside, in a directory that was there"
        )
    }

    func check(_ summary: CodeArchive.Summary) {
        checkOutside()
        var found = CodeArchive.Summary(entries: 0, unzippedBytes: 0)
        walk(Self.path(root), &found)
        expect(found.unzippedBytes <= summary.unzippedBytes, "more bytes than were counted")
        expect(summary.unzippedBytes <= LimitsProfile.unzippedBytesMax, "bytes have their bounds")
        expect(max(found.entries, summary.entries) <= CodeArchive.entriesMax, "entries have their bounds")
    }

    private func walk(_ directory: Path, _ found: inout CodeArchive.Summary) {
        for path in Self.paths(in: directory) {
            var status = stat()
            expect(lstat(path, &status) == 0, "what is there has a status")
            found.entries += 1
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                expect(status.st_mode & 0o7700 == 0o700, "a directory is its owner's")
                walk(path, &found)
            case S_IFREG:
                expect(status.st_mode & 0o7000 == 0 && status.st_nlink == 1, "a file has plain permissions")
                found.unzippedBytes += Int(status.st_size)
            case S_IFLNK: checkLink(path)
            default: expect(false, "neither file, directory nor link")
            }
        }
    }

    /// As the kernel resolves it; a link that leads nowhere leads nowhere outside.
    private func checkLink(_ path: Path) {
        guard let resolved = realpath(path, nil) else { return }
        defer { free(resolved) }
        let target = String(cString: resolved)
        expect(target == root || target.hasPrefix(root + "/"), "a link leaves the root, to \(target)")
    }

    private static func remove(_ path: Path) {
        // A link is removed, not what it leads to.
        if unlink(path) == 0 { return }
        for path in paths(in: path) { remove(path) }
        rmdir(path)
    }

    private static func path(_ text: String) -> Path { text.utf8CString.map { $0 } }

    /// Of all in a directory.
    private static func paths(in directory: Path) -> [Path] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var paths: [Path] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                Path(bytes.bindMemory(to: CChar.self).prefix { $0 != 0 })
            }
            if name != [0x2E], name != [0x2E, 0x2E] { paths.append(directory.dropLast() + [0x2F] + name + [0]) }
        }
        return paths
    }
}
