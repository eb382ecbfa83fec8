// SPDX-License-Identifier: Apache-2.0
import CArchive
import CodeStore
import Foundation
import Glibc
import LambdaModel
import Testing

private typealias Entry = ZipBuilder.Entry

struct CodeArchiveTests {
    private func unpacked(_ zip: [UInt8]) throws -> [String: String] {
        let scratch = try Scratch()
        let summary = try CodeArchive.unpack(zip, into: scratch.descriptor)
        #expect(try CodeArchive.inspect(zip) == summary)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["root"])
        return try scratch.tree()
    }

    /// Both ways in refuse it, for the same reason, and nothing appears outside the root.
    private func refusal(_ zip: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) throws -> ArchiveRefusal? {
        let scratch = try Scratch()
        let first = #expect(throws: ArchiveRefusal.self, sourceLocation: sourceLocation) {
            try CodeArchive.inspect(zip)
        }
        let second = #expect(throws: ArchiveRefusal.self, sourceLocation: sourceLocation) {
            try CodeArchive.unpack(zip, into: scratch.descriptor)
        }
        #expect(first == second, sourceLocation: sourceLocation)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["root"],
            sourceLocation: sourceLocation
        )
        return first
    }

    private func expectUnusable(
        _ zip: [UInt8],
        _ reason: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let refusal = try refusal(zip, sourceLocation: sourceLocation)
        #expect(refusal?.kind == .unusable, sourceLocation: sourceLocation)
        guard let reason else { return }
        #expect(refusal?.reason.contains(reason) == true, "\(refusal?.reason ?? "")", sourceLocation: sourceLocation)
    }

    @Test func `files, modes, directories and links arrive`() throws {
        let zip = ZipBuilder.zip([
            Entry("app.py", "print(1)\n"), Entry("bin/run", "#!", mode: 0o100755), .directory("empty", mode: 0o040700),
            .link("lib/current", to: "../bin/run"), Entry("private", "p", mode: 0o100600), Entry("./x//y", "z"),
        ])
        #expect(
            try unpacked(zip) == [
                "app.py": "f 644 print(1)\n", "bin": "d 755", "bin/run": "f 755 #!", "empty": "d 700", "lib": "d 755",
                "lib/current": "l ../bin/run", "private": "f 600 p", "x": "d 755", "x/y": "f 644 z",
            ]
        )
        #expect(try CodeArchive.inspect(zip) == CodeArchive.Summary(entries: 6, unzippedBytes: 13))
    }

    @Test func `setuid, setgid and sticky are dropped, and directories stay usable`() throws {
        let zip = ZipBuilder.zip([
            Entry("setuid", "", mode: 0o104755), Entry("setgid", "", mode: 0o102711), .directory("d", mode: 0o041555),
            Entry("d/inside", "i"), Entry("none", "", mode: 0o100000),
        ])
        #expect(
            try unpacked(zip) == [
                "setuid": "f 755 ", "setgid": "f 711 ", "d": "d 755", "d/inside": "f 644 i", "none": "f 644 ",
            ]
        )
    }

    @Test func `an archive without Unix modes gets usual ones`() throws {
        var entries = [Entry("app.py", "x"), Entry.directory("lib"), Entry("lib/a.py", "y")]
        for index in entries.indices { entries[index].system = 0 }
        #expect(
            try unpacked(ZipBuilder.zip(entries)) == ["app.py": "f 644 x", "lib": "d 755", "lib/a.py": "f 644 y"]
        )
    }

    @Test func `names in UTF-8 arrive byte for byte, flagged or not, in the C locale`() throws {
        #expect(setlocale(LC_ALL, nil).map { String(cString: $0) } == "C")
        for isUTF8 in [true, false] {
            // The last one is e with a combining accent, as macOS writes it.
            let names = ["ünïcode/日本語.py", "emoji-🐦", "a b", "cafe\u{301}"]
            let tree = try unpacked(ZipBuilder.zip(names.map { Entry($0, "c", isUTF8: isUTF8) }))
            #expect(Set(tree.keys.map { Array($0.utf8) }) == Set((names + ["ünïcode"]).map { Array($0.utf8) }))
        }
    }

    @Test func `names that are not UTF-8 arrive byte for byte, unless they say they are`() throws {
        var entry = Entry("x", "c")
        entry.name = [0x63, 0x61, 0x66, 0xE9]
        let scratch = try Scratch()
        _ = try CodeArchive.unpack(ZipBuilder.zip([entry]), into: scratch.descriptor)
        #expect(faccessat(scratch.descriptor, [0x63, 0x61, 0x66, CChar(bitPattern: 0xE9), 0], F_OK, 0) == 0)
        entry.flags = 0x0800
        _ = try refusal(ZipBuilder.zip([entry]))
    }

    @Test func `a later entry of the same name wins`() throws {
        let zip = ZipBuilder.zip([
            Entry("a", "first", mode: 0o100755), Entry("b", "file"), .link("c", to: "a"), Entry("a", "second"),
            .link("b", to: "a"), Entry("c", "not through the link"), .directory("d"), .directory("d", mode: 0o040711),
        ])
        #expect(
            try unpacked(zip) == [
                "a": "f 644 second", "b": "l a", "c": "f 644 not through the link", "d": "d 711",
            ]
        )
    }

    @Test(arguments: [
        "../evil", "a/../../evil", "a/../b", "..", "/etc/evil", "//evil", "\\evil", "a\\..\\..\\evil", "..\\evil",
        "C:\\evil", "a/..\\b",
    ])
    func `paths that could leave the root are refused`(name: String) throws {
        _ = try refusal(ZipBuilder.zip([Entry("good", "g"), Entry(name, "evil")]))
        var windows = Entry(name, "evil")
        windows.system = 0
        _ = try refusal(ZipBuilder.zip([windows]))
    }

    @Test func `names that are empty, hold NUL or are too long or deep are refused`() throws {
        try expectUnusable(ZipBuilder.zip([Entry("", "x")]))
        try expectUnusable(ZipBuilder.zip([Entry("app.py\0.txt", "x")]), "NUL")
        try expectUnusable(ZipBuilder.zip([Entry(String(repeating: "n", count: 256))]), "255")
        _ = try unpacked(ZipBuilder.zip([Entry(String(repeating: "n", count: 255))]))
        let long = Array(repeating: String(repeating: "n", count: 200), count: 21).joined(separator: "/")
        try expectUnusable(ZipBuilder.zip([Entry(long)]), "4095")
        try expectUnusable(ZipBuilder.zip([Entry(Array(repeating: "d", count: 129).joined(separator: "/"))]), "deep")
        _ = try unpacked(ZipBuilder.zip([Entry(Array(repeating: "d", count: 128).joined(separator: "/"))]))
    }

    @Test func `an entry whose two headers name it differently is refused`() throws {
        var entry = Entry("evil.py", "x")
        entry.directoryName = Array("good.py".utf8)
        try expectUnusable(ZipBuilder.zip([entry]), "another name")
    }

    @Test(arguments: [
        [Entry.link("l", to: "/etc/passwd")], [Entry.link("l", to: "..")], [Entry.link("a/l", to: "../../x")],
        [Entry.link("l", to: "a/../../x")], [Entry.link("l", to: "a\\b")], [Entry.link("l", to: "l")],
        [Entry.link("l", to: "")], [Entry.link("l", to: String(repeating: "a/", count: 2_500))],
        [Entry.link("a", to: "b"), Entry.link("b", to: "a")],
        // One link at a time each stays inside; one after the other they do not.
        [Entry.directory("p/q"), Entry.link("p/q/up", to: "../.."), Entry.link("out", to: "p/q/up/..")],
        [Entry.link("out", to: "p/q/up/.."), Entry.link("p/q/up", to: "../..")],
    ])
    private func `links that leave the root are refused`(entries: [Entry]) throws {
        #expect(try refusal(ZipBuilder.zip(entries))?.reason.contains("link") == true)
    }

    /// Behind the end that has `shown` comes one whose comment does not fit: we passed it over, libarchive did not.
    @Test func `an archive that can be read in two ways is refused`() throws {
        let both = ZipBuilder.zip([Entry("shown", "1"), Entry("hidden", "2")])
        let signature: [UInt8] = [0x50, 0x4B, 0x01, 0x02]
        let starts = both.indices.filter { both[$0...].starts(with: signature) }
        let end = both.count - 22
        func ending(_ directory: ArraySlice<UInt8>, at offset: Int, comment: Int) -> [UInt8] {
            let counts = ZipBuilder.le16(0) + ZipBuilder.le16(0) + ZipBuilder.le16(1) + ZipBuilder.le16(1)
            return [0x50, 0x4B, 0x05, 0x06] + counts + ZipBuilder.le32(UInt32(directory.count))
                + ZipBuilder.le32(UInt32(offset)) + ZipBuilder.le16(UInt16(comment))
        }
        let (shown, hidden) = (both[starts[0]..<starts[1]], both[starts[1]..<end])
        let first = Array(both[..<starts[0]]) + shown
        let zip = first + ending(shown, at: starts[0], comment: hidden.count + 22) + hidden
        try expectUnusable(zip + ending(hidden, at: zip.count - hidden.count, comment: 1_000), "cut off")
        // One entry of the two is in the directory: the other is not unpacked.
        #expect(try unpacked(first + ending(shown, at: starts[0], comment: 0)) == ["shown": "f 644 1"])
    }

    /// Each link goes forty times through one that goes down and up 800 times: 16 KB that would keep a thread busy for long.
    @Test func `links that lead through each other without end are refused`() throws {
        let long = Array(repeating: "d/..", count: 800).joined(separator: "/")
        let through = Array(repeating: "w", count: 40).joined(separator: "/")
        let links = (0..<100).map { Entry.link("l\($0)", to: through) }
        let zip = ZipBuilder.zip([.directory("d"), .link("w", to: long)] + links)
        let refusal = #expect(throws: ArchiveRefusal.self) { try CodeArchive.inspect(zip) }
        #expect(refusal?.kind == .unusable && refusal?.reason.contains("too many directories") == true)
        let few = ZipBuilder.zip([.directory("d"), .link("w", to: long)] + links.prefix(20))
        #expect(try CodeArchive.inspect(few).entries == 22)
    }

    @Test func `links inside the root are kept, dangling ones too`() throws {
        let zip = ZipBuilder.zip([
            .link("a/b/up", to: "../.."), .link("root", to: "."), .link("dangling", to: "no/such"),
            .link("through", to: "a/b/up/file"), Entry("file", "f"),
        ])
        let tree = try unpacked(zip)
        #expect(tree["a/b/up"] == "l ../..")
        #expect(tree["through"] == "l a/b/up/file")
        #expect(tree["dangling"] == "l no/such")
    }

    @Test func `nothing is written through a link or over a directory`() throws {
        try expectUnusable(ZipBuilder.zip([.link("d", to: "sub"), .directory("sub"), Entry("d/f", "x")]), "below")
        try expectUnusable(ZipBuilder.zip([Entry("d", "x"), Entry("d/f", "x")]), "below")
        try expectUnusable(ZipBuilder.zip([Entry("d/f", "x"), Entry("d", "x")]), "both")
        try expectUnusable(ZipBuilder.zip([Entry("d/f", "x"), .link("d", to: "e")]), "both")
        try expectUnusable(ZipBuilder.zip([.link("d", to: "e"), .directory("d")]), "both")
        try expectUnusable(ZipBuilder.zip([.link(".", to: "e")]))
    }

    @Test(arguments: [0o010644, 0o020644, 0o060644, 0o140644] as [UInt32])
    func `devices, pipes and sockets are refused`(mode: UInt32) throws {
        try expectUnusable(ZipBuilder.zip([Entry("node", mode: mode)]), "neither")
    }

    @Test func `encrypted archives are refused`() throws {
        var entry = Entry("secret", "0123456789abXX")
        entry.flags = 1
        try expectUnusable(ZipBuilder.zip([entry]), "encrypted")
    }

    @Test(arguments: [1, 6, 9, 12, 14, 93, 95, 98] as [UInt16])
    func `other methods than deflate are refused`(method: UInt16) throws {
        var entry = Entry("packed", "0123456789")
        entry.method = method
        _ = try refusal(ZipBuilder.zip([entry]))
    }

    /// The checksum in the local header differs from the directory's: libarchive's words for it end in a newline.
    @Test func `a reason is one line`() throws {
        var zip = ZipBuilder.zip([Entry("a", "x")])
        zip[14] ^= 1
        let refusal = try refusal(zip)
        #expect(refusal?.kind == .unusable && refusal?.reason.contains { $0.isNewline } == false)
    }

    @Test func `a wrong checksum or size is refused`() throws {
        var entry = Entry("a", "content")
        entry.checksum = 1
        _ = try refusal(ZipBuilder.zip([entry]))
        entry = Entry("a", "content")
        entry.claimedSize = 4
        _ = try refusal(ZipBuilder.zip([entry]))
    }

    @Test func `an archive without entries is refused`() throws {
        try expectUnusable(ZipBuilder.zip([]))
    }

    @Test func `bytes that are no zip are refused`() throws {
        for bytes in [[], [0x50], Array("not a zip".utf8), [UInt8](repeating: 0, count: 100_000)] {
            try expectUnusable(bytes)
        }
        let tar = [UInt8](repeating: 0x61, count: 512) + [UInt8](repeating: 0, count: 1_024)
        try expectUnusable(tar, "not a zip")
    }

    @Test func `an archive with bytes before or a comment behind is read`() throws {
        let zip = ZipBuilder.zip([Entry("a", "b")], prefix: Array("#!/bin/sh\n".utf8), comment: Array("hello".utf8))
        #expect(try unpacked(zip) == ["a": "f 644 b"])
    }

    @Test func `every truncation is refused`() throws {
        let zip = ZipBuilder.zip([Entry("a", "content"), Entry("b/c", "more"), .link("l", to: "a")])
        for count in 0..<zip.count {
            #expect(throws: ArchiveRefusal.self, "\(count) bytes") { try CodeArchive.inspect(Array(zip[..<count])) }
        }
    }

    @Test(arguments: UInt64(0)..<16)
    func `changed bytes never crash it or leave the root`(seed: UInt64) throws {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        func random(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
        let zip = ZipBuilder.zip([Entry("a", "content"), Entry("b/c", "more"), .link("l", to: "a"), .directory("d")])
        for _ in 0..<100 {
            var changed = zip
            for _ in 0...random(4) { changed[random(zip.count)] = UInt8(random(256)) }
            let scratch = try Scratch()
            do {
                _ = try CodeArchive.unpack(changed, into: scratch.descriptor)
            } catch {
                #expect(error.kind != .machine, "seed \(seed): \(error.reason)")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["root"], "seed \(seed)")
        }
    }

    @Test func `a bomb is stopped while it goes off`() throws {
        let bomb = try deflatedZeros(bytes: LimitsProfile.unzippedBytesMax + 1)
        #expect(bomb.count < 1_000_000)
        let error = #expect(throws: ArchiveRefusal.self) { try CodeArchive.inspect(bomb) }
        #expect(error?.kind == .tooLarge)
        #expect(
            error?.lambdaError
                == .invalidParameterValue(message: "Unzipped size must be smaller than 262144000 bytes")
        )
    }

    @Test func `deflated entries are read`() throws {
        let zip = try deflatedZeros(bytes: 1_000_000)
        #expect(try CodeArchive.inspect(zip) == CodeArchive.Summary(entries: 1, unzippedBytes: 1_000_000))
    }

    @Test func `too many entries are refused, those only implied too`() throws {
        // 1,000 paths of 101 names each.
        let entries = (0..<1_000).map { Entry("\($0)/" + Array(repeating: "d", count: 100).joined(separator: "/")) }
        let refusal = #expect(throws: ArchiveRefusal.self) { try CodeArchive.inspect(ZipBuilder.zip(entries)) }
        #expect(refusal?.reason == "there are more than 100000 entries")
    }

    @Test func `refusals have AWS's text`() {
        let refusal = #expect(throws: ArchiveRefusal.self) { try CodeArchive.inspect([1, 2, 3]) }
        #expect(
            refusal?.lambdaError
                == .invalidParameterValue(
                    message: "Could not unzip uploaded file. Please check your file, then try to upload again."
                )
        )
    }

    /// A zip as other programs make it: one deflated entry with its sizes behind the data.
    private func deflatedZeros(bytes: Int) throws -> [UInt8] {
        let capacity = bytes / 500 + 65_536
        return try [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            let writer = try #require(archive_write_new())
            defer { archive_write_free(writer) }
            #expect(archive_write_set_format_zip(writer) == ARCHIVE_OK)
            #expect(archive_write_open_memory(writer, buffer.baseAddress, capacity, &count) == ARCHIVE_OK)
            let entry = try #require(archive_entry_new())
            defer { archive_entry_free(entry) }
            archive_entry_set_pathname(entry, "zeros")
            archive_entry_set_filetype(entry, 0o100000)
            archive_entry_set_perm(entry, 0o644)
            archive_entry_set_size(entry, Int64(bytes))
            #expect(archive_write_header(writer, entry) == ARCHIVE_OK)
            let chunk = [UInt8](repeating: 0, count: 1_048_576)
            var left = bytes
            while left > 0 {
                let written = archive_write_data(writer, chunk, min(left, chunk.count))
                try #require(written > 0)
                left -= written
            }
            #expect(archive_write_close(writer) == ARCHIVE_OK)
        }
    }
}
