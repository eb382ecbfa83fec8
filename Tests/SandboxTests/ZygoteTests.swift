// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import LinuxSandbox
import Runtimes
import SandboxPolicy
import Testing

@testable import ExecutionEnvironments

/// A process without capabilities forks into sandboxes that were made below its own.
struct ZygoteTests {
    private let fixture: SandboxFixture

    init() throws { try self.init(SandboxFixture.shared()) }

    private init(_ fixture: SandboxFixture) throws {
        self.fixture = fixture
        for (path, bytes) in Bootstraps.files where path == "python/_martlet_zygote.py" {
            try fixture.store.write(bytes, to: "code/_martlet_zygote.py")
        }
        let directory = (SandboxFixture.executable as NSString).deletingLastPathComponent
        let library = try #require(FileManager.default.contents(atPath: "\(directory)/\(Bootstraps.zygoteLibrary)"))
        try fixture.store.write(Array(library), to: "code/\(Bootstraps.zygoteLibrary)")
    }

    /// What the child does when it is in its sandbox: it tells what it is, and tries what it may not.
    private static let child = """
        import ctypes, errno, fcntl, json, os, socket, threading
        library = ctypes.CDLL(None, use_errno=True)
        def attempt(name, *arguments):
            result = getattr(library, name)(*arguments)
            return errno.errorcode[ctypes.get_errno()] if result < 0 else "done"
        status = dict(line.rstrip("\\n").split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
        own = os.open("/proc/self/ns/uts", os.O_RDONLY)
        print(json.dumps({
            "capabilities": [status[n] for n in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
            "no_new_privileges": status["NoNewPrivs"], "filters": status.get("Seccomp_filters", "2"),
            "ids": [os.getresuid(), os.getresgid()], "groups": os.getgroups(), "parent": os.getppid(),
            "processes": len([n for n in os.listdir("/proc") if n.isdigit()]),
            "control_groups": sorted({line.rstrip("\\n").split(":", 2)[2] for line in open("/proc/self/cgroup")}),
            "descriptors": sorted(int(n) for n in os.listdir("/proc/self/fd") if int(n) != own)[:-1],
            "setns": attempt("setns", own, 0), "unshare": attempt("unshare", 0x02000000),
            "mount": attempt("mount", b"x", b"/tmp", b"tmpfs", 0, None),
            "filter": attempt("prctl", 22, 2, 0, 0, 0), "hostname": attempt("sethostname", b"x", 1),
            "input": fcntl.fcntl(0, fcntl.F_GETFL) & os.O_APPEND, "thread": threading.main_thread().native_id == os.getpid(),
            "sees_init": os.access("/proc/1/ns/mnt", os.R_OK),
            # The C library reads it where the kernel writes it for each thread (rseq(2)).
            "processors": [os.sched_setaffinity(0, {n}) or library.sched_getcpu() == n for n in os.sched_getaffinity(0)],
        }), flush=True)
        fcntl.fcntl(0, fcntl.F_SETFL, os.O_APPEND)
        os.write(4, b"ready")
        os.read(4, 16)
        """

    /// A zygote's sandbox with its process, and that process's channel.
    private func zygote() async throws -> (Sandbox, BlankChannel) {
        let sandbox = try await fixture.make(kinship: .zygote)
        let (ours, theirs) = try ControlSocket.pair()
        let null = try #require(FileHandle(forWritingAtPath: "/dev/null"))
        let program = """
            import sys; sys.path.insert(0, "/var/task")
            import _martlet_zygote
            _martlet_zygote.serve()
            exec(sys.argv[1], {"__name__": "child"})
            """
        try sandbox.run(
            ProcessPlan(
                executables: ["/usr/bin/python3"],
                arguments: ["-c", program, Self.child],
                environment: ["PYTHONDONTWRITEBYTECODE=1"],
                workingDirectory: "/",
                hasTelemetry: true,
                isBlank: true,
                isZygote: true,
                dataMiB: 0
            ),
            output: null.fileDescriptor,
            telemetry: null.fileDescriptor,
            assignment: theirs
        )
        close(theirs)
        let channel = BlankChannel(ours)
        try await channel.awaitReady(
            afterSaying: try FilterProgram(SystemCallPolicy.builtIn()).bytes,
            on: fixture.reactor,
            timeout: .seconds(60)
        ) {}
        return (sandbox, channel)
    }

    private struct Child {
        let sandbox: Sandbox
        let channel: BlankChannel
        let output: FileHandle
    }

    private func fork(_ zygote: (sandbox: Sandbox, channel: BlankChannel)) async throws -> Child {
        let sandbox = try await fixture.make(memoryMiB: 128, kinship: .below(zygote: zygote.sandbox.id))
        let (ours, theirs) = try ControlSocket.pair()
        var ends: [CInt] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let namespaces = sandbox.takeNamespaces()
        #expect(namespaces.count == SandboxNamespace.allCases.count)
        let numbers: [UInt32] = [0, 993, 990]
        try zygote.channel.request(
            numbers.flatMap { number in withUnsafeBytes(of: number.littleEndian) { Array($0) } },
            descriptors: namespaces + [ends[1], ends[1], theirs]
        )
        // With the child's own ends open here nobody would see its end.
        for descriptor in namespaces + [ends[1], theirs] { close(descriptor) }
        let channel = BlankChannel(ours)
        let pid = try await channel.awaitArrival(on: fixture.reactor, timeout: .seconds(60))
        try await sandbox.adopt(process: 7, pid: pid)
        try await channel.awaitReady(
            afterSaying: BlankChannel.mayGoOn,
            on: fixture.reactor,
            timeout: .seconds(60)
        ) {}
        return Child(
            sandbox: sandbox,
            channel: channel,
            output: FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
        )
    }

    private func end(_ child: Child) async {
        child.channel.close()
        await child.sandbox.destroy()
    }

    @Test func `a child has nothing that any other function's process has not`() async throws {
        let zygote = try await zygote()
        let child = try await fork(zygote)
        let told = try JSONSerialization.jsonObject(with: child.output.availableData) as? [String: Any]
        let seen = try #require(told)
        #expect(seen["capabilities"] as? [String] == Array(repeating: "0000000000000000", count: 5))
        #expect(seen["no_new_privileges"] as? String == "1" && seen["filters"] as? String == "2")
        #expect(seen["ids"] as? [[Int]] == [[993, 993, 993], [990, 990, 990]])
        #expect((seen["groups"] as? [Int])?.allSatisfy { $0 == 65_534 } == true)
        #expect(seen["parent"] as? Int == 1 && seen["processes"] as? Int == 2)
        #expect(seen["control_groups"] as? [String] == ["/"])
        #expect(seen["descriptors"] as? [Int] == [0, 1, 2, 3, 4])
        for name in ["setns", "unshare", "mount", "hostname"] { #expect(seen[name] as? String == "EPERM", "\(name)") }
        #expect(seen["filter"] as? String == "EINVAL")
        let processors = try #require(seen["processors"] as? [Bool])
        #expect(!processors.isEmpty && !processors.contains(false))
        #expect(seen["sees_init"] as? Bool == false && seen["thread"] as? Bool == true)
        await end(child)
        zygote.1.close()
        await zygote.0.destroy()
    }

    @Test func `its end is told by the number that it was adopted under`() async throws {
        let zygote = try await zygote()
        let child = try await fork(zygote)
        // The end of its channel ends it.
        child.channel.close()
        for await reply in child.sandbox.replies {
            guard case .exited(let process, let status) = reply else { continue }
            #expect(process == 7 && status == 0)
            break
        }
        // The sandbox is one like any other: its init starts what it is asked to.
        let output = try await fixture.run(["/bin/sh", "-c", "id -u; ls -d /var/task"], in: child.sandbox)
        #expect(output.output == "993\n/var/task\n")
        await child.sandbox.destroy()
        zygote.1.close()
        await zygote.0.destroy()
    }

    @Test func `children don't see one another, and end with their zygote's sandbox`() async throws {
        let zygote = try await zygote()
        let children = [try await fork(zygote), try await fork(zygote)]
        let seen = try children.map { child in
            try JSONSerialization.jsonObject(with: child.output.availableData) as? [String: Any]
        }
        #expect(seen.allSatisfy { $0?["processes"] as? Int == 2 })
        #expect(seen.allSatisfy { $0?["input"] as? Int == 0 }, "what one sets of its input is its own")
        // A process of one more, before it is adopted, is nobody's.
        zygote.1.close()
        await zygote.0.destroy()
        for child in children {
            for await _ in child.sandbox.replies {}
            await end(child)
        }
        await #expect(throws: SyscallError.self) {
            try await fixture.make(memoryMiB: 128, kinship: .below(zygote: zygote.0.id))
        }
    }

    @Test func `the spawner ends with all of them alive`() async throws {
        let name = "martlet-test-\(UUID().uuidString)"
        do {
            let others = try ZygoteTests(SandboxFixture(controlGroupName: name))
            let zygote = try await others.zygote()
            for _ in 0..<4 { _ = try await others.fork(zygote) }
        }
        // The first has ended, or this one would wait for it.
        let next = try SandboxFixture(controlGroupName: name)
        #expect(try await next.python("print('hello')").output == "hello\n")
    }

    @Test func `only a sandbox below a zygote's adopts, and once`() async throws {
        let plain = try await fixture.make()
        #expect(plain.takeNamespaces().isEmpty)
        await #expect(throws: SyscallError.self) { try await plain.adopt(process: 1, pid: 2) }
        await plain.destroy()
        let zygote = try await zygote()
        let child = try await fork(zygote)
        await #expect(throws: SyscallError.self) { try await child.sandbox.adopt(process: 8, pid: 3) }
        await end(child)
        let empty = try await fixture.make(memoryMiB: 128, kinship: .below(zygote: zygote.0.id))
        let error = await #expect(throws: SyscallError.self) { try await empty.adopt(process: 1, pid: 2) }
        #expect(error?.errno == ECHILD)
        await empty.destroy()
        zygote.1.close()
        await zygote.0.destroy()
    }
}
