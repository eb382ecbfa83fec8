// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import LinuxSandbox
import Synchronization
import Testing

@testable import ExecutionEnvironments

/// Limits, and what is left when something ends.
@Suite(.serialized)
struct LifeTests {
    private func python(
        _ program: String,
        _ fixture: SandboxFixture,
        _ sandbox: Sandbox
    ) async throws -> SandboxFixture.Output {
        try await fixture.run(["/usr/bin/python3", "-c", program], in: sandbox)
    }

    @Test func `killing all keeps the files and leaves no process, detached ones included`() async throws {
        let fixture = try SandboxFixture.shared()
        let sandbox = try await fixture.make()
        let detach = """
            import os, time
            open('/tmp/kept', 'w').write('x')
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.close(1); os.close(2)
                    time.sleep(600)
                os._exit(0)
            """
        _ = try await python(detach, fixture, sandbox)
        try sandbox.killAll()
        for await reply in sandbox.replies where reply == .allKilled { break }
        let look =
            "import os; print(os.listdir('/tmp'), sorted(int(p) for p in os.listdir('/proc') if p.isdigit())[0:1], len([p for p in os.listdir('/proc') if p.isdigit()]))"
        #expect(try await python(look, fixture, sandbox).output == "['kept'] [1] 2\n")
        await sandbox.destroy()
    }

    @Test func `exit codes and signals arrive as they are`() async throws {
        let fixture = try SandboxFixture.shared()
        #expect(try await fixture.python("import os; os._exit(7)").status == 7 << 8)
        #expect(try await fixture.python("import os; os.kill(os.getpid(), 11)").status & 0x7F == SIGSEGV)
    }

    @Test func `a program that is not there says so`() async throws {
        let fixture = try SandboxFixture.shared()
        let sandbox = try await fixture.make()
        #expect(try await fixture.run(["/var/task/bootstrap"], in: sandbox).output == "execve: \(ENOENT)")
        await sandbox.destroy()
    }

    @Test func `memory beyond the limit is killed and counted`() async throws {
        let fixture = try SandboxFixture.shared()
        // An ordinary user without a delegated group has RLIMIT_DATA instead: the allocation fails.
        guard fixture.spawner.controlGroups.has("memory") || geteuid() == 0 else {
            return try await expectAllocationFails(fixture)
        }
        let sandbox = try await fixture.make(memoryMiB: 128)
        let result = try await python("x = bytearray(300 << 20); print(len(x))", fixture, sandbox)
        #expect(result.status & 0x7F == SIGKILL)
        #expect(try sandbox.outOfMemoryKills() == 1)
        let peak = try #require(try sandbox.memoryPeakBytes())
        #expect(peak > 100 << 20 && peak <= 128 << 20)
        await sandbox.destroy()
    }

    private func expectAllocationFails(_ fixture: SandboxFixture) async throws {
        let sandbox = try await fixture.make(memoryMiB: 128)
        let program = """
            try: bytearray(300 << 20)
            except MemoryError: print('refused')
            """
        let result = try await fixture.run(["/usr/bin/python3", "-c", program], in: sandbox, dataMiB: 128)
        #expect(result.output == "refused\n")
        await sandbox.destroy()
    }

    @Test func `memory that processes share is looked at as shared`() async throws {
        let fixture = try SandboxFixture.shared()
        let sandbox = try await fixture.make(memoryMiB: 256)
        // Ten processes with the same 100 MiB each: a gigabyte by their resident sizes.
        let program = """
            import os, time
            held = bytearray(100 << 20)
            for _ in range(9):
                if os.fork() == 0:
                    sum(held[::4096])
                    time.sleep(600)
                    os._exit(0)
            sum(held[::4096])
            time.sleep(2)
            os.write(1, b'ready')
            os.close(1); os.close(2)
            time.sleep(600)
            """
        var ends: [CInt] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let plan = ProcessPlan(
            executables: ["/usr/bin/python3"],
            arguments: ["-c", program],
            environment: [],
            workingDirectory: "/",
            hasTelemetry: false,
            dataMiB: 0
        )
        try sandbox.run(plan, output: ends[1], telemetry: nil)
        close(ends[1])
        var buffer = [UInt8](repeating: 0, count: 16)
        #expect(read(ends[0], &buffer, buffer.count) == 5)
        close(ends[0])
        try sandbox.requestMemory()
        for await reply in sandbox.replies {
            guard case .memory(let resident, _) = reply else { continue }
            #expect(resident > 100 << 10 && resident < 256 << 10, "\(resident) KiB")
            break
        }
        await sandbox.destroy()
    }

    @Test func `the fork bomb ends at the limit of processes`() async throws {
        let fixture = try SandboxFixture.shared()
        let bomb = """
            import os, time
            n = 0
            try:
                while n < 3000:
                    if os.fork() == 0: os.close(1); os.close(2); time.sleep(60); os._exit(0)
                    n += 1
            except OSError as e: print(n <= 1024 and n > 500, e.errno)
            """
        #expect(try await fixture.python(bomb, memoryMiB: 3_008).output == "True \(EAGAIN)\n")
    }

    @Test func `a frozen sandbox does not run`() async throws {
        let fixture = try SandboxFixture.shared()
        let sandbox = try await fixture.make()
        try await Self.startTicking(sandbox)
        #expect(try await Self.ticksOn(fixture))
        try sandbox.setFrozen(true)
        #expect(try await Self.fallsSilent(fixture))
        try sandbox.setFrozen(false)
        #expect(try await Self.ticksOn(fixture))
        await sandbox.destroy()
        try? Self.forgetTicks()
    }

    /// The program writes a byte every 5 ms to a pipe that the test holds.
    private static func startTicking(_ sandbox: Sandbox) async throws {
        var ends: [CInt] = [-1, -1]
        try #require(pipe(&ends) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        tickPipe.withLock { $0 = ends[0] }
        try sandbox.run(
            ProcessPlan(
                executables: ["/usr/bin/python3"],
                arguments: ["-c", "import os, time\nwhile True: os.write(1, b'x'); time.sleep(0.005)"],
                environment: [],
                workingDirectory: "/",
                hasTelemetry: false,
                dataMiB: 0
            ),
            output: ends[1],
            telemetry: nil
        )
        close(ends[1])
    }

    private static func ticks(_ fixture: SandboxFixture) throws -> Int {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = read(tickPipe.withLock { $0 }, &buffer, buffer.count)
        return tickCount.withLock {
            $0 += max(0, count)
            return $0
        }
    }

    /// Waits for a tick that was not there before, up to two minutes: a busy machine starts the program late.
    private static func ticksOn(_ fixture: SandboxFixture) async throws -> Bool {
        let before = try ticks(fixture)
        for _ in 0..<12_000 {
            if try ticks(fixture) > before { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    /// Waits for half a second without a tick, up to two minutes: the kernel takes its time with a process.
    private static func fallsSilent(_ fixture: SandboxFixture) async throws -> Bool {
        for _ in 0..<240 {
            let before = try ticks(fixture)
            try await Task.sleep(for: .milliseconds(500))
            if try ticks(fixture) == before { return true }
        }
        return false
    }

    private static func forgetTicks() throws { close(tickPipe.withLock { $0 }) }

    @Test func `the spawner's death ends every process, and the next start removes what is left`() async throws {
        let fixture = try SandboxFixture()
        let sandbox = try await fixture.make()
        try await Self.startTicking(sandbox)
        #expect(try await Self.ticksOn(fixture))
        kill(fixture.spawner.process, SIGKILL)
        #expect(try await Self.fallsSilent(fixture))
        let next = try SandboxFixture(controlGroupName: fixture.controlGroupName)
        #expect(Self.groups(named: fixture.controlGroupName).allSatisfy { $0.hasSuffix(fixture.controlGroupName) })
        next.spawner.stop()
        #expect(Self.groups(named: fixture.controlGroupName).isEmpty)
    }

    @Test func `a spawner waits until the one before it has taken away what it made`() async throws {
        let fixture = try SandboxFixture()
        let name = fixture.controlGroupName
        let sandbox = try await fixture.make()
        try await Self.startTicking(sandbox)
        async let next = withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Swift.Result { try SandboxFixture(controlGroupName: name) })
            }
        }
        // It would have killed what runs below the same control groups by now.
        let seen = ContinuousClock.now + .seconds(2)
        while ContinuousClock.now < seen { try #require(try await Self.ticksOn(fixture)) }
        fixture.spawner.stop()
        let successor = try await next
        let other = try await successor.make()
        await other.destroy()
        successor.spawner.stop()
        #expect(Self.groups(named: name).isEmpty)
        try? Self.forgetTicks()
    }

    /// Directories of control groups with that name or below it.
    private static func groups(named name: String) -> [String] {
        ["memory", "cpu", "pids", "freezer", "unified", "."].flatMap { controller -> [String] in
            let parent = "/sys/fs/cgroup/\(controller)/\(name)"
            guard FileManager.default.fileExists(atPath: parent) else { return [] }
            let children = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
            return [parent] + children.filter { UInt64($0) != nil }.map { "\(parent)/\($0)" }
        }
    }
}

private let tickPipe = Mutex<CInt>(-1)
private let tickCount = Mutex(0)
