// SPDX-License-Identifier: Apache-2.0
import CodeStore
import EnvelopeEncryption
import Foundation
import Glibc
import Testing

@testable import ExecutionEnvironments

/// Code is unpacked once, kept while it is used, and goes when there is no room.
struct CodeCacheTests {
    /// A zip of one file, app.py, with one byte in it.
    private static let zip =
        "UEsDBBQAAAAAAAAAIQCDFtyMAQAAAAEAAAAGAAAAYXBwLnB5eFBLAQIUAxQAAAAAAAAAIQCDFtyMAQAAAAEAAAAGAAAAAAAAAAAAAACkgQAAAABhcHAucHlQSwUGAAAAAAEAAQA0AAAAJQAAAAAA"

    @Test func `many at once are unpacked, kept while used, and evicted after`() async throws {
        let directory = NSTemporaryDirectory() + "martlet-code-cache-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory + "/store", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let descriptor = open(directory + "/store", O_RDONLY | O_DIRECTORY)
        defer { close(descriptor) }
        let bytes = Array(try #require(Data(base64Encoded: Self.zip)))
        let code = try CodeStore(
            directory: directory + "/code",
            masterKey: MasterKey(bytes: Array(repeating: 7, count: 32))
        )
        let cache = CodeCache(
            codeStore: code,
            store: SandboxStore(directory: descriptor, path: directory + "/store"),
            bytesMax: 10
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<200 {
                let reference = try await code.put(bytes)
                for _ in 0..<3 {
                    group.addTask {
                        let path = try await cache.acquire([reference])
                        #expect(FileManager.default.contents(atPath: path + "/app.py") == Data("x".utf8))
                        await cache.release([reference])
                    }
                }
            }
            try await group.waitForAll()
        }
        let kept = try FileManager.default.contentsOfDirectory(atPath: directory + "/store/code")
        #expect(kept.count == 10)
    }
}
