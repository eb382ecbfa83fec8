// SPDX-License-Identifier: Apache-2.0
import CodeStore
import Foundation
import Testing

private typealias Entry = ZipBuilder.Entry

/// Archives laid one over the other, as a function's layers are.
struct LayeringTests {
    private func layered(_ zips: [[UInt8]]) throws -> [String: String] {
        let scratch = try Scratch()
        _ = try layer(zips, into: scratch)
        return try scratch.tree()
    }

    private func layer(_ zips: [[UInt8]], into scratch: Scratch) throws(ArchiveRefusal) -> CodeArchive.Summary {
        var unpacking = CodeArchive.Unpacking(into: scratch.descriptor)
        for zip in zips { try unpacking.add(zip) }
        return try unpacking.finish()
    }

    private func refusal(_ zips: [[UInt8]]) throws -> ArchiveRefusal? {
        let scratch = try Scratch()
        let refusal = #expect(throws: ArchiveRefusal.self) { _ = try layer(zips, into: scratch) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["root"])
        return refusal
    }

    @Test func `directories merge, and a later file, link or mode takes the place of an earlier one`() throws {
        let first = ZipBuilder.zip([
            .directory("python", mode: 0o040700), Entry("python/both.py", "1"), Entry("python/one.py", "1"),
            Entry("bin/run", "#!1", mode: 0o100755), .link("lib/current", to: "one"), Entry("lib/one", "1"),
        ])
        let second = ZipBuilder.zip([
            Entry("python/both.py", "2", mode: 0o100600), Entry("python/two.py", "2"), Entry("bin/run", "#!2"),
            .link("lib/current", to: "two"), Entry("lib/two", "2"),
        ])
        #expect(
            try layered([first, second]) == [
                "python": "d 700", "python/both.py": "f 600 2", "python/one.py": "f 644 1", "python/two.py": "f 644 2",
                "bin": "d 755", "bin/run": "f 644 #!2", "lib": "d 755", "lib/current": "l two", "lib/one": "f 644 1",
                "lib/two": "f 644 2",
            ]
        )
        #expect(try layered([second, first])["python/both.py"] == "f 644 1")
        let scratch = try Scratch()
        #expect(
            try layer([first, second], into: scratch) == CodeArchive.Summary(entries: 11, unzippedBytes: 12)
        )
    }

    @Test func `a file replaces a directory with everything in it, and a directory a file`() throws {
        let tree = ZipBuilder.zip([Entry("x/a/b/c", "1"), Entry("x/a/d", "1"), .link("x/l", to: "a"), Entry("y", "1")])
        let file = ZipBuilder.zip([Entry("x", "2"), Entry("y/z", "2")])
        #expect(try layered([tree, file]) == ["x": "f 644 2", "y": "d 755", "y/z": "f 644 2"])
        #expect(
            try layered([tree, file, tree]) == [
                "x": "d 755", "x/a": "d 755", "x/a/b": "d 755", "x/a/b/c": "f 644 1", "x/a/d": "f 644 1", "x/l": "l a",
                "y": "f 644 1",
            ]
        )
        let link = ZipBuilder.zip([.link("x", to: "y"), .directory("y")])
        #expect(try layered([tree, link]) == ["x": "l y", "y": "d 755"])
    }

    @Test func `nothing is ever written through an earlier archive's link`() throws {
        let link = ZipBuilder.zip([.link("lib", to: "other"), Entry("other/kept", "1")])
        let files = ZipBuilder.zip([Entry("lib/new", "2"), Entry("lib/deep/er", "2")])
        #expect(
            try layered([link, files]) == [
                "lib": "d 755", "lib/new": "f 644 2", "lib/deep": "d 755", "lib/deep/er": "f 644 2", "other": "d 755",
                "other/kept": "f 644 1",
            ]
        )
    }

    @Test func `within one archive the old rules hold, whatever is below it`() throws {
        let below = ZipBuilder.zip([Entry("d/a", "1"), Entry("f", "1")])
        for hostile in [
            [Entry("d/x", ""), Entry("d", "")], [Entry("f", ""), Entry("f/x", "")],
            [Entry.link("f", to: "d"), Entry("f/x", "")], [Entry("d", ""), .directory("d")],
            [Entry("../x", "")], [Entry.link("l", to: "../x")], [Entry.link("l", to: "/etc")],
        ] {
            #expect(try refusal([below, ZipBuilder.zip(hostile)])?.kind == .unusable, "\(hostile)")
        }
    }

    @Test func `links that leave the root only together are refused`() throws {
        // Alone, `s` is a name like any other: up from it is where it is.
        let first = ZipBuilder.zip([.link("p/q/l", to: "s/../../..")])
        let second = ZipBuilder.zip([.link("p/q/s", to: "../../t"), .directory("t")])
        for zip in [first, second] { _ = try CodeArchive.inspect(zip) }
        #expect(try refusal([first, second])?.reason.contains("leaves the root") == true)
        // What a later archive has replaced is not looked at.
        let third = ZipBuilder.zip([Entry("p", "")])
        #expect(try layered([first, second, third]) == ["p": "f 644 ", "t": "d 755"])
    }

    @Test func `the limit is that of all together`() throws {
        let half = [UInt8](repeating: 0, count: 131_072_000)
        func zip(_ name: String) -> [UInt8] {
            var entry = Entry(name)
            entry.content = half
            entry.checksum = 0x2D80_7651
            return ZipBuilder.zip([entry])
        }
        let over = ZipBuilder.zip([Entry("one", "x")])
        #expect(try refusal([over, zip("a"), zip("b")])?.kind == .tooLarge)
    }
}
