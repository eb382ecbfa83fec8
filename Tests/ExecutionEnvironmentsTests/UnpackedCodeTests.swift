// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Testing

@testable import ExecutionEnvironments

/// Which programs of a customer's tree are found.
struct UnpackedCodeTests {
    private let directory = NSTemporaryDirectory() + "martlet-programs-\(UUID().uuidString)"

    private func store<T>(_ body: (SandboxStore) throws -> T) throws -> T {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY)
        defer { close(descriptor) }
        return try body(SandboxStore(directory: descriptor, path: directory))
    }

    @Test func `files and links in their order, and no more than asked for`() throws {
        try store { store in
            for name in ["b", "a b", "Z", "a"] { try store.write([1], to: "code/extensions/\(name)") }
            try store.makeDirectory("code/extensions/directory")
            try store.link("code/extensions/link", to: "../elsewhere")
            #expect(try store.programs(in: "code/extensions", atMost: 11) == ["Z", "a", "a b", "b", "link"])
            #expect(try store.programs(in: "code/extensions", atMost: 2) == ["Z", "a"])
        }
    }

    @Test func `no directory, a file or a link in its place have none`() throws {
        try store { store in
            try store.write([1], to: "outside/program")
            try store.write([1], to: "file/extensions")
            try store.makeDirectory("link")
            try store.link("link/extensions", to: "../outside")
            for name in ["none/extensions", "file/extensions", "link/extensions", "file/extensions/deeper"] {
                #expect(try store.programs(in: name, atMost: 11).isEmpty, "\(name)")
            }
        }
    }

    @Test func `a name that is no text is not mistaken for another`() throws {
        try store { store in
            try store.makeDirectory("extensions")
            let parent = try store.openDirectory("extensions")
            defer { close(parent) }
            let file = openat(parent, [CChar(bitPattern: 0xFF), 0x61, 0], O_CREAT | O_WRONLY, 0o755)
            #expect(file >= 0)
            close(file)
            #expect(try store.programs(in: "extensions", atMost: 11) == ["\u{FFFD}a"])
        }
    }
}
