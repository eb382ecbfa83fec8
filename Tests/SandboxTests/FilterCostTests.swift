// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import SandboxPolicy
import Testing

/// What the filter costs: the numbers in docs/sandbox.md come from here.
@Suite(.serialized)
struct FilterCostTests {
    /// MARTLET_FILTER_PAIRS sets how many pairs; few suffice to see that nothing is wildly slower.
    @Test func `a call costs little more with the filter than without`() throws {
        let program = try CompiledPrograms.build(PackageResources.cost_c_txt)
        defer { try? FileManager.default.removeItem(atPath: program) }
        try Data(FilterProgram(SystemCallPolicy.builtIn()).bytes).write(to: URL(fileURLWithPath: program + ".bpf"))
        defer { try? FileManager.default.removeItem(atPath: program + ".bpf") }
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = [program + ".bpf", ProcessInfo.processInfo.environment["MARTLET_FILTER_PAIRS"] ?? "5"]
        process.standardOutput = output
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        print("nanoseconds a call, without and with the filter, and the difference:\n\(text)", terminator: "")
        let rows = text.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(rows.map { $0.first } == ["getppid", "ioctl", "setsockopt", "bpf"])
        for row in rows {
            // Two orders of magnitude above what is measured: a busy machine is no failure, a walk down a long list would be.
            #expect(Double(row[3]) ?? .infinity < 5_000, "\(row)")
        }
    }
}
