// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// C programs of the tests, compiled to static executables where the tests run.
enum CompiledPrograms {
    /// The path of an executable, which is the caller's to remove.
    static func build(_ source: [UInt8]) throws -> String {
        let path = NSTemporaryDirectory() + "martlet-program-\(UUID().uuidString)"
        try Data(source).write(to: URL(fileURLWithPath: path + ".c"))
        defer { try? FileManager.default.removeItem(atPath: path + ".c") }
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments = ["cc", "-O2", "-static", "-o", path, "-x", "c", path + ".c", "-lrt"]
        try compiler.run()
        compiler.waitUntilExit()
        try #require(compiler.terminationStatus == 0, "a C compiler is needed")
        return path
    }
}
