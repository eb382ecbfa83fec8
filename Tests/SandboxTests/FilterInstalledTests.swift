// SPDX-License-Identifier: Apache-2.0
import CTracer
import Foundation
import Glibc
import LinuxSandbox
import SandboxPolicy
import Testing

@testable import ExecutionEnvironments

/// The filter and the missing privileges as the kernel has them, asked from outside, of every process of a running sandbox.
@Suite(.serialized)
struct FilterInstalledTests {
    /// A sandbox's first process, a runtime, and the runtime's child.
    private struct Live {
        /// Ends its spawner, and so the sandbox, when nobody has it any more.
        var fixture: SandboxFixture
        var sandbox: Sandbox
        var output: FileHandle
        var processes: [pid_t]
    }

    /// In a fixture of its own: by its spawner's children the sandbox is known from those of tests that run beside.
    private func live(_ fixture: SandboxFixture) async throws -> Live {
        let before = Set(Self.children(fixture.spawner.process))
        let sandbox = try await fixture.make()
        let initial = try await Self.child(of: fixture.spawner.process, except: before)
        var ends: [CInt] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let program =
            "import subprocess, sys\nsubprocess.Popen(['sleep', '600'])\nprint('up', flush=True)\nsys.stdin.read()\n"
            + "import time; time.sleep(600)"
        try sandbox.run(
            ProcessPlan(
                executables: ["/usr/bin/python3"],
                arguments: ["-c", program],
                environment: ["PATH=/usr/bin:/bin"],
                workingDirectory: "/",
                hasTelemetry: false,
                dataMiB: 0
            ),
            output: ends[1],
            telemetry: nil
        )
        close(ends[1])
        let output = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
        try #require(try output.read(upToCount: 3) == Data("up\n".utf8))
        let runtime = try await Self.child(of: initial)
        let child = try await Self.child(of: runtime)
        return Live(fixture: fixture, sandbox: sandbox, output: output, processes: [initial, runtime, child])
    }

    private static func children(_ pid: pid_t) -> [pid_t] {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)) ?? ""
        return text.split(separator: " ").compactMap { pid_t($0) }
    }

    /// The kernel's list leaves one out when the tree changes while it is read (proc(5)): it is read again.
    private static func child(of pid: pid_t, except others: Set<pid_t> = []) async throws -> pid_t {
        for _ in 0..<6_000 {
            if let child = children(pid).first(where: { !others.contains($0) }) { return child }
            try await Task.sleep(for: .milliseconds(20))
        }
        return try #require(nil, "process \(pid) has no child")
    }

    private static func status(_ pid: pid_t) throws -> [String: String] {
        let text = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        return Dictionary(
            text.split(separator: "\n").compactMap { line in
                let parts = line.split(separator: ":", maxSplits: 1)
                return parts.count == 2 ? (String(parts[0]), parts[1].trimmingCharacters(in: .whitespaces)) : nil
            },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// Needs no privilege: it runs as root and as an ordinary user.
    @Test func `init, runtime and child have one filter, no new privileges and no capability`() async throws {
        let live = try await live(SandboxFixture())
        for pid in live.processes {
            let status = try Self.status(pid)
            #expect(status["Seccomp"] == "2" && status["Seccomp_filters"] == "1" && status["NoNewPrivs"] == "1")
            for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
                #expect(status[set] == "0000000000000000", "\(set) of \(pid)")
            }
        }
        await live.sandbox.destroy()
    }

    /// The kernel gives a program back to root only (PTRACE_SECCOMP_GET_FILTER): an ordinary user is told so, and has the test above.
    @Test func `the kernel's filter is the server's, byte for byte`() async throws {
        let live = try await live(SandboxFixture())
        let wanted = try FilterProgram(SystemCallPolicy.builtIn()).bytes
        for pid in live.processes {
            var program = [UInt8](repeating: 0, count: 4_096 * 8)
            let count = tracer_filter(pid, 0, &program, 4_096)
            if geteuid() == 0 {
                #expect(count >= 0, "error \(count)")
                #expect(Array(program.prefix(max(0, Int(count)) * 8)) == wanted)
                #expect(tracer_filter(pid, 1, &program, 4_096) == -ENOENT)
            } else {
                #expect(count == -EACCES || count == -EPERM)
            }
        }
        await live.sandbox.destroy()
    }
}
