// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxSandbox
import Testing

@testable import ExecutionEnvironments

/// A sandbox that was nobody's becomes a function's, once, while a process of ours waits in it.
struct AssignmentTests {
    private let fixture: SandboxFixture

    init() throws { fixture = try SandboxFixture.shared() }

    private func look(_ sandbox: Sandbox, _ script: String) async throws -> String {
        try await fixture.run(["/bin/sh", "-c", script], in: sandbox).output
    }

    @Test func `code, layers and sizes come in, read-only, and over what was there`() async throws {
        try fixture.store.write(Array("print('layer')".utf8), to: "code/layer-1/python/l.py")
        try fixture.store.write(Array("print('task')".utf8), to: "code/task-1/app.py")
        let sandbox = try await fixture.make(memoryMiB: 128, isBlank: true)
        #expect(try await look(sandbox, "ls /var/task /opt | tr '\\n' ' '") == "/opt: lib  /var/task: lib ")
        try await sandbox.assign(memoryMiB: 320, code: "task-1", layers: "layer-1")
        #expect(sandbox.limits.memoryMiB == 320)
        #expect(try await look(sandbox, "ls /var/task /opt | tr '\\n' ' '") == "/opt: python  /var/task: app.py ")
        let mounts = try await look(sandbox, "grep -E ' (/var/task|/opt|/dev/shm) ' /proc/self/mounts")
        for point in ["/var/task", "/opt"] {
            let lines = mounts.split(separator: "\n").filter { $0.contains(" \(point) ") }
            #expect(lines.count == 1 && lines[0].contains(" ro,nosuid,nodev"), "\(mounts)")
        }
        #expect(mounts.contains("size=327680k"), "\(mounts)")
        let attempts = "touch /var/task/x /opt/x; rm -f /var/task/app.py"
        #expect(
            try await look(sandbox, "{ \(attempts); } 2>/dev/null; ls /var/task /opt")
                == "/opt:\npython\n\n/var/task:\napp.py\n"
        )
        if fixture.spawner.controlGroups.has("memory") {
            let hungry = "import sys; x = bytearray(200 << 20); print(len(x))"
            let output = try await fixture.run(["/usr/bin/python3", "-c", hungry], in: sandbox)
            #expect(output.output == "\(200 << 20)\n", "the limit that it was made with does not hold any more")
        }
        await sandbox.destroy()
    }

    @Test func `without layers nothing is in opt`() async throws {
        try fixture.store.write(Array("".utf8), to: "code/task-2/app.py")
        let sandbox = try await fixture.make(memoryMiB: 128, isBlank: true)
        try await sandbox.assign(memoryMiB: 128, code: "task-2", layers: nil)
        #expect(try await look(sandbox, "ls -A /opt; ls /var/task") == "app.py\n")
        await sandbox.destroy()
    }

    @Test func `a sandbox is assigned once, and only one that was made for it`() async throws {
        try fixture.store.write(Array("".utf8), to: "code/task-3/app.py")
        let blank = try await fixture.make(memoryMiB: 128, isBlank: true)
        try await blank.assign(memoryMiB: 128, code: "task-3", layers: nil)
        let again = await #expect(throws: SyscallError.self) {
            try await blank.assign(memoryMiB: 128, code: "task-3", layers: nil)
        }
        #expect(again?.errno == ESRCH)
        let other = try await fixture.make()
        let never = await #expect(throws: SyscallError.self) {
            try await other.assign(memoryMiB: 128, code: "task-3", layers: nil)
        }
        #expect(never?.errno == ESRCH)
        await blank.destroy()
        await other.destroy()
    }

    @Test(arguments: ["absent", "..", "a/b", ""])
    func `code that is not there, or leads elsewhere, is not mounted, and the spawner goes on`(
        name: String
    ) async throws {
        let sandbox = try await fixture.make(memoryMiB: 128, isBlank: true)
        await #expect(throws: SyscallError.self) { try await sandbox.assign(memoryMiB: 128, code: name, layers: nil) }
        #expect(try await look(sandbox, "ls /var/task") == "lib\n")
        await sandbox.destroy()
        let next = try await fixture.make(memoryMiB: 128)
        await next.destroy()
    }

    @Test func `a link in the store leads nowhere, and memory is not taken away`() async throws {
        try fixture.store.link("code/link", to: "/usr")
        try fixture.store.link("code/inner", to: "link")
        for name in ["link", "inner"] {
            let sandbox = try await fixture.make(memoryMiB: 128, isBlank: true)
            let error = await #expect(throws: SyscallError.self) {
                try await sandbox.assign(memoryMiB: 128, code: name, layers: nil)
            }
            #expect(error?.errno == ELOOP)
            await sandbox.destroy()
        }
        try fixture.store.write(Array("".utf8), to: "code/task-4/app.py")
        let sandbox = try await fixture.make(memoryMiB: 192, isBlank: true)
        await #expect(throws: SyscallError.self) {
            try await sandbox.assign(memoryMiB: 128, code: "task-4", layers: nil)
        }
        await sandbox.destroy()
    }

    @Test func `a process hears over its descriptor whose it is`() async throws {
        let sandbox = try await fixture.make(memoryMiB: 128, isBlank: true)
        let (ours, theirs) = try ControlSocket.pair()
        var (read, write): (CInt, CInt) = (-1, -1)
        var ends: [CInt] = [-1, -1]
        try #require(pipe(&ends) == 0)
        (read, write) = (ends[0], ends[1])
        let program = """
            import os
            os.write(4, b"ready")
            os.write(3, os.read(4, 100) + os.read(4, 100) + str(sorted(int(n) for n in os.listdir("/proc/self/fd"))[:-1]).encode())
            """
        try sandbox.run(
            ProcessPlan(
                executables: ["/usr/bin/python3"],
                arguments: ["-c", program],
                environment: ["PATH=/usr/bin:/bin"],
                workingDirectory: "/var/task",
                hasTelemetry: true,
                isBlank: true,
                dataMiB: 0
            ),
            output: write,
            telemetry: write,
            assignment: theirs
        )
        close(theirs)
        close(write)
        let channel = BlankChannel(ours)
        try await channel.awaitReady(on: fixture.reactor, timeout: .seconds(600)) {}
        #expect(channel.take() && !channel.take())
        try channel.assign(["A=1", "B="])
        try channel.enter()
        var bytes = [UInt8](repeating: 0, count: 100)
        let count = Glibc.read(read, &bytes, bytes.count)
        #expect(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self) == "A=1\0B=\0go[0, 1, 2, 3, 4]")
        channel.close()
        close(read)
        await sandbox.destroy()
    }

    @Test func `a program that waits is executed when its files are there, or never`() async throws {
        try fixture.store.write(Array("echo $A; ls /proc/self/fd\n".utf8), to: "code/task-5/script")
        for isSaid in [true, false] {
            let sandbox = try await fixture.make(memoryMiB: 128, isBlank: true)
            let (ours, theirs) = try ControlSocket.pair()
            var ends: [CInt] = [-1, -1]
            try #require(pipe(&ends) == 0)
            try sandbox.run(
                ProcessPlan(
                    executables: ["/absent", "/bin/sh"],
                    arguments: ["/var/task/script"],
                    environment: ["A=1", "PATH=/usr/bin:/bin"],
                    workingDirectory: "/var/task",
                    hasTelemetry: false,
                    waits: true,
                    dataMiB: 0
                ),
                output: ends[1],
                telemetry: nil,
                assignment: theirs
            )
            close(theirs)
            close(ends[1])
            try await sandbox.assign(memoryMiB: 128, code: "task-5", layers: nil)
            let channel = BlankChannel(ours)
            if isSaid { try channel.enter() }
            channel.close()
            let output = try await SandboxFixture.readToEnd(ends[0])
            // The last is that of the directory which is listed.
            #expect(String(decoding: output, as: UTF8.self) == (isSaid ? "1\n0\n1\n2\n3\n" : ""))
            await sandbox.destroy()
        }
    }

    @Test(arguments: [("absent", ENOENT), ("plain", EACCES), ("lib", EACCES)])
    func `a program that waits and can't be executed says why`(name: String, errno: Int32) async throws {
        try fixture.store.write(Array("plain".utf8), to: "code/task-6/plain")
        try fixture.store.write(Array("".utf8), to: "code/task-6/lib/file")
        let sandbox = try await fixture.make(memoryMiB: 128, isBlank: true)
        let (ours, theirs) = try ControlSocket.pair()
        try sandbox.run(waiting(["/var/task/\(name)"]), output: theirs, telemetry: nil, assignment: theirs)
        close(theirs)
        // With other memory than it was made with, as most have.
        try await sandbox.assign(memoryMiB: 256, code: "task-6", layers: nil)
        let channel = BlankChannel(ours)
        try channel.enter()
        var failure: (process: UInt32, errno: Int32)?
        for await reply in sandbox.replies {
            guard case .startFailed(let process, let errno) = reply else { continue }
            failure = (process, errno)
            break
        }
        #expect(failure?.process == ProcessPlan.blankNumber && failure?.errno == errno)
        channel.close()
        await sandbox.destroy()
    }

    @Test func `a program that is killed while it waits is told, and init starts another`() async throws {
        try fixture.store.write(Array("".utf8), to: "code/task-7/app.py")
        let sandbox = try await fixture.make(memoryMiB: 128, isBlank: true)
        let (ours, theirs) = try ControlSocket.pair()
        try sandbox.run(waiting(["/bin/true"]), output: theirs, telemetry: nil, assignment: theirs)
        close(theirs)
        let channel = BlankChannel(ours)
        channel.close()
        for await reply in sandbox.replies {
            guard case .exited(let process, _) = reply else { continue }
            #expect(process == ProcessPlan.blankNumber)
            break
        }
        try await sandbox.assign(memoryMiB: 128, code: "task-7", layers: nil)
        #expect(try await look(sandbox, "ls /var/task") == "app.py\n")
        await sandbox.destroy()
    }

    private func waiting(_ executables: [String]) -> ProcessPlan {
        ProcessPlan(
            number: ProcessPlan.blankNumber,
            executables: executables,
            arguments: [],
            environment: [],
            workingDirectory: "/var/task",
            hasTelemetry: false,
            waits: true,
            dataMiB: 0
        )
    }

    @Test func `a process that ends before it waits, or while it does, is told`() async throws {
        let (ours, theirs) = try ControlSocket.pair()
        close(theirs)
        let dead = BlankChannel(ours)
        await #expect(throws: SyscallError.self) {
            try await dead.awaitReady(on: fixture.reactor, timeout: .seconds(600)) {}
        }
        dead.close()

        let (server, process) = try ControlSocket.pair()
        let (ends, end) = AsyncStream<Void>.makeStream()
        try ControlSocket.send(Array("ready".utf8), to: process)
        let channel = BlankChannel(server)
        try await channel.awaitReady(on: fixture.reactor, timeout: .seconds(600)) { end.finish() }
        close(process)
        for await _ in ends {}
        #expect(!channel.take())
        channel.close()

        let (silent, other) = try ControlSocket.pair()
        let late = BlankChannel(silent)
        let error = await #expect(throws: SyscallError.self) {
            try await late.awaitReady(on: fixture.reactor, timeout: .zero) {}
        }
        #expect(error?.errno == ETIMEDOUT)
        late.close()
        close(other)
    }
}
