// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import LinuxSandbox
import Testing

@testable import ExecutionEnvironments

/// The control groups of a sandbox as the kernel has them, v1 and v2, and that they hold.
@Suite(.serialized)
struct ControlGroupTests {
    /// Whoever runs the tests on a host made for them says what has to be found: a version, or 0.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["MARTLET_TEST_CONTROL_GROUPS"] != nil))
    func `the host's control groups are those that the host was given`() throws {
        let expected = ProcessInfo.processInfo.environment["MARTLET_TEST_CONTROL_GROUPS"].flatMap { UInt8($0) }
        let groups = try SandboxFixture.shared().spawner.controlGroups
        #expect(groups.version == expected)
        #expect(groups.missing == (expected == 0 ? ["memory", "cpu", "pids", "freezer"] : []))
    }

    /// The directory with that controller's files for a sandbox.
    private func group(_ sandbox: Sandbox, _ controller: String, _ fixture: SandboxFixture) throws -> String {
        let tree = fixture.spawner.controlGroups.version == 1 ? "/sys/fs/cgroup/\(controller)" : "/sys/fs/cgroup"
        let name = "\(fixture.controlGroupName)/\(sandbox.id)"
        let found = FileManager.default.enumerator(atPath: tree)?.first { ($0 as? String)?.hasSuffix(name) == true }
        return "\(tree)/\(try #require(found as? String))"
    }

    private func value(_ path: String) throws -> String {
        try FileText.read(path).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test func `limits are written as they were asked for`() async throws {
        let fixture = try SandboxFixture.shared()
        let groups = fixture.spawner.controlGroups
        guard groups.version != 0 else { return }
        let sandbox = try await fixture.make(memoryMiB: 192, processesMax: 17)
        let isFirst = groups.version == 1
        if groups.has("memory") {
            let group = try group(sandbox, "memory", fixture)
            #expect(try value("\(group)/\(isFirst ? "memory.limit_in_bytes" : "memory.max")") == "\(192 << 20)")
            #expect(try value("\(group)/\(isFirst ? "memory.swappiness" : "memory.swap.max")") == "0")
        }
        if groups.has("pids") { #expect(try value("\(group(sandbox, "pids", fixture))/pids.max") == "17") }
        if groups.has("cpu") {
            let file = "\(try group(sandbox, "cpu", fixture))/\(isFirst ? "cpu.cfs_quota_us" : "cpu.max")"
            let rest = isFirst ? "" : " 20000"
            #expect(try value(file) == (isFirst ? "-1" : "max 100000"))
            try sandbox.setProcessorShare(.bought)
            #expect(try value(file) == "\(20_000 * 192 / 1_769)\(rest)")
            try sandbox.setProcessorShare(.all)
            #expect(try value(file) == (isFirst ? "-1" : "max 20000"))
        }
        if groups.has("freezer") {
            let file = "\(try group(sandbox, "freezer", fixture))/\(isFirst ? "freezer.state" : "cgroup.freeze")"
            #expect(try value(file) == (isFirst ? "THAWED" : "0"))
            try sandbox.setFrozen(true)
            #expect(["FREEZING", "FROZEN", "1"].contains(try value(file)))
        }
        let path = try groups.has("pids") ? group(sandbox, "pids", fixture) : nil
        await sandbox.destroy()
        if let path { #expect(!FileManager.default.fileExists(atPath: path)) }
    }

    @Test func `processes beyond the limit are refused`() async throws {
        let fixture = try SandboxFixture.shared()
        guard fixture.spawner.controlGroups.has("pids") else { return }
        let sandbox = try await fixture.make(processesMax: 17)
        let bomb = """
            import os, time
            n = 0
            try:
                while n < 100:
                    if os.fork() == 0: os.close(1); os.close(2); time.sleep(60); os._exit(0)
                    n += 1
            except OSError as e: print(n, e.errno)
            """
        // The sandbox's init and the program itself are two of them.
        #expect(try await fixture.run(["/usr/bin/python3", "-c", bomb], in: sandbox).output == "15 \(EAGAIN)\n")
        await sandbox.destroy()
    }

    @Test func `processor time is in proportion to memory`() async throws {
        let fixture = try SandboxFixture.shared()
        guard fixture.spawner.controlGroups.has("cpu") else { return }
        // A tenth of a processor.
        let sandbox = try await fixture.make(memoryMiB: 177)
        let burn = """
            import time
            wall, used = time.monotonic(), time.process_time()
            while time.monotonic() - wall < 2: pass
            print((time.process_time() - used) / (time.monotonic() - wall))
            """
        try sandbox.setProcessorShare(.bought)
        let share = Double(try await fixture.run(["/usr/bin/python3", "-c", burn], in: sandbox).output.dropLast())
        #expect(try #require(share) < 0.15)
        await sandbox.destroy()
    }

    @Test func `a child beyond the memory is killed and its parent is not`() async throws {
        let fixture = try SandboxFixture.shared()
        guard fixture.spawner.controlGroups.has("memory") else { return }
        let sandbox = try await fixture.make(memoryMiB: 128)
        let program = """
            import subprocess, sys
            child = subprocess.run([sys.executable, '-c', 'x = bytearray(300 << 20)'])
            print(child.returncode)
            """
        #expect(try await fixture.run(["/usr/bin/python3", "-c", program], in: sandbox).output == "-9\n")
        #expect(try sandbox.outOfMemoryKills() == 1)
        await sandbox.destroy()
    }

    @Test func `all sandboxes together have a limit of memory`() async throws {
        let fixture = try SandboxFixture(memoryMiB: 160)
        guard fixture.spawner.controlGroups.has("memory") else { return }
        // Each has room in its own group, and the two have none together.
        let child = "import time; held = bytearray(100 << 20); time.sleep(4)"
        let program = "import subprocess, sys; print(subprocess.run([sys.executable, '-c', '\(child)']).returncode)"
        let sandboxes = [try await fixture.make(), try await fixture.make()]
        let outputs = try await withThrowingTaskGroup { group in
            for sandbox in sandboxes {
                group.addTask { try await fixture.run(["/usr/bin/python3", "-c", program], in: sandbox).output }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outputs != ["0\n", "0\n"], "both had what is there for one")
        for sandbox in sandboxes { await sandbox.destroy() }
    }
}
