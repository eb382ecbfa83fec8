// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import CommandLineClient

@Suite struct CodeDirectoryTests {
    /// A directory with one of everything that a package may have.
    private func withTree(_ body: (String) throws -> Void) throws {
        let root = NSTemporaryDirectory() + "martlet-code-\(UUID().uuidString)"
        let files = FileManager.default
        for directory in ["empty", "pkg/__pycache__", ".git", "ünïcode"] {
            try files.createDirectory(atPath: "\(root)/\(directory)", withIntermediateDirectories: true)
        }
        defer { #expect(throws: Never.self) { try files.removeItem(atPath: root) } }
        for (name, mode) in [
            ("bootstrap", 0o755), ("pkg/mod.py", 0o640), ("pkg/__pycache__/x.pyc", 0o644), (".git/HEAD", 0o644),
            ("ünïcode/日本語.py", 0o644),
        ] {
            try Data("content of \(name)".utf8).write(to: URL(filePath: "\(root)/\(name)"))
            try files.setAttributes([.posixPermissions: mode], ofItemAtPath: "\(root)/\(name)")
        }
        try files.createSymbolicLink(atPath: "\(root)/link.py", withDestinationPath: "pkg/mod.py")
        try body(root)
    }

    @Test func `entries are sorted, caches and repositories are left out`() throws {
        try withTree { root in
            let entries = try CodeDirectory(root).entries
            #expect(
                entries.map(\.path) == [
                    "bootstrap", "empty/", "link.py", "pkg/", "pkg/mod.py", "ünïcode/", "ünïcode/日本語.py",
                ]
            )
            #expect(entries.map(\.mode) == [0o755, 0o755, 0o777, 0o755, 0o640, 0o755, 0o644])
            #expect(entries[2].kind == .link(target: "pkg/mod.py"))
        }
    }

    @Test func `the same files give the same bytes`() throws {
        try withTree { root in
            let first = try CodeDirectory(root).zip()
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 1)],
                ofItemAtPath: "\(root)/bootstrap"
            )
            let second = try CodeDirectory(root).zip()
            #expect(first == second)
            #expect(first.starts(with: [0x50, 0x4B, 3, 4]))
        }
    }

    @Test func `names are marked as UTF-8, modes and links are kept`() throws {
        try withTree { root in
            let zip = try CodeDirectory(root).zip()
            let archive = root + "/out.zip"
            try Data(zip).write(to: URL(filePath: archive))
            let list = Process()
            list.executableURL = URL(filePath: "/usr/bin/env")
            list.arguments = [
                "python3", "-c",
                """
                import sys, zipfile
                for i in zipfile.ZipFile(sys.argv[1]).infolist(): print(ascii(i.filename), oct(i.external_attr >> 16), i.create_system)
                """, archive,
            ]
            let output = Pipe()
            list.standardOutput = output
            try list.run()
            let text = try #require(
                String(bytes: try output.fileHandleForReading.readToEnd() ?? Data(), encoding: .utf8)
            )
            list.waitUntilExit()
            #expect(
                text == #"""
                    'bootstrap' 0o100755 3
                    'empty/' 0o40755 3
                    'link.py' 0o120777 3
                    'pkg/' 0o40755 3
                    'pkg/mod.py' 0o100640 3
                    '\xfcn\xefcode/' 0o40755 3
                    '\xfcn\xefcode/\u65e5\u672c\u8a9e.py' 0o100644 3

                    """#
            )
        }
    }

    @Test func `what can't be in a package is refused`() throws {
        try withTree { root in
            #expect(mkfifo(root + "/pipe", 0o600) == 0)
            #expect(throws: ClientError("\(root)/pipe is neither a file, nor a directory, nor a link.")) {
                try CodeDirectory(root)
            }
        }
        #expect(throws: ClientError.self) { try CodeDirectory("/does/not/exist") }
        #expect(throws: ClientError.self) { try DeployCommand.package("/does/not/exist") }
        #expect(throws: ClientError.self) { try DeployCommand.package("/etc/passwd") }
    }

    @Test func `a package over the limit is refused`() throws {
        try withTree { root in
            // Random bytes don't shrink.
            var random = SystemRandomNumberGenerator()
            let noise = (0..<(7 << 20)).map { _ in random.next() }
            try noise.withUnsafeBytes { try Data($0).write(to: URL(filePath: root + "/noise")) }
            let message = try refusal { try CodeDirectory(root).zip() }
            #expect(message.contains("52428800"))
            // Sparse: nothing of it is read, since its size alone is too much.
            #expect(truncate(root + "/noise", 300_000_000) == 0)
            #expect(try refusal { try CodeDirectory(root).zip() }.contains("262144000"))
        }
    }

    private func refusal(_ body: () throws -> [UInt8]) throws -> String {
        do {
            return "\(try body().count) bytes"
        } catch {
            return "\(error)"
        }
    }
}
