// SPDX-License-Identifier: Apache-2.0
import Foundation
import SandboxPolicy
import Testing

@testable import ExecutionEnvironments

/// The workloads whose system calls Scripts/system-calls-used.py compares with the filter, run behind it: nothing in them goes wrong.
@Suite(.serialized)
struct FilterWorkloadTests {
    private func run(_ program: [UInt8], as name: String, by interpreter: [String]) async throws {
        let fixture = try SandboxFixture.shared()
        try fixture.store.write(program, to: "code/\(name)")
        let sandbox = try await fixture.make(memoryMiB: 1_024)
        let result = try await fixture.run(interpreter + ["/var/task/\(name)"], in: sandbox)
        await sandbox.destroy()
        #expect(result.status == 0 && result.output.hasSuffix("done\n"), "\(result)")
    }

    @Test func `Python's`() async throws {
        try await run(PackageResources.python_all_py, as: "workload.py", by: ["/usr/bin/python3"])
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/node"), "no Node.js in /usr/bin"))
    func `Node.js's`() async throws {
        try await run(PackageResources.node_all_js, as: "workload.js", by: ["/usr/bin/node"])
    }

    @Test func `the shells', coreutils', git's and Perl's`() async throws {
        try await run(PackageResources.shell_sh, as: "workload.sh", by: ["/usr/bin/bash"])
    }

    @Test func `a compiled program's`() async throws {
        let path = try CompiledPrograms.build(PackageResources.compiled_c_txt)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let program = Array(try #require(FileManager.default.contents(atPath: path)))
        let copy = "cp \"$0\" /tmp/program && chmod 700 /tmp/program && exec /tmp/program"
        try await run(program, as: "workload", by: ["/bin/sh", "-c", copy])
    }
}
