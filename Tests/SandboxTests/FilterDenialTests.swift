// SPDX-License-Identifier: Apache-2.0
import CSeccomp
import Foundation
import Glibc
import SandboxPolicy
import Testing

@testable import ExecutionEnvironments

/// Everything that the filter denies, tried behind it.
///
/// The argument rules are written down here a second time, as plain lists: a slip in the data is not repeated by its test.
@Suite(.serialized)
struct FilterDenialTests {
    /// Calls by number; prints `errno` symbolically, or `allowed`.
    private static let prelude = """
        import ctypes, errno, sys
        libc = ctypes.CDLL(None, use_errno=True)
        def call(number, *arguments):
            ctypes.set_errno(0)
            result = libc.syscall(ctypes.c_long(number), *[ctypes.c_ulong(a) for a in arguments])
            return 'allowed' if result >= 0 else errno.errorcode.get(ctypes.get_errno(), str(ctypes.get_errno()))

        """

    private static func number(_ name: String) throws -> Int32 {
        let number = seccomp_syscall_resolve_name(name)
        try #require(number >= 0, "\(name)")
        return number
    }

    private func lines(_ program: String) async throws -> [String] {
        let result = try await SandboxFixture.shared().python(Self.prelude + program)
        #expect(result.status == 0, "\(result.output)")
        return result.output.split(separator: "\n").map(String.init)
    }

    // MARK: - Whole calls

    @Test(arguments: [("EPERM", UInt16(EPERM)), ("ENOSYS", UInt16(ENOSYS)), ("allowed", 0)])
    func `what is named and not done answers as the data says`(name: String, errno: UInt16) async throws {
        let policy = try SystemCallPolicy.builtIn()
        let numbered = try FilterProgram.numbered(policy).filter { $0.group.answer == .errno(errno) }
        #expect(numbered.count >= 2)
        let program = numbered.map { "print('\($0.call.name)', call(\($0.number), 0, 0, 0, 0, 0, 0))" }
        let found = try await lines(program.joined(separator: "\n"))
        #expect(found == numbered.map { "\($0.call.name) \(name)" })
    }

    @Test func `what is not named answers ENOSYS`() async throws {
        let named = Set(try FilterProgram.numbered(SystemCallPolicy.builtIn()).map(\.number))
        var unnamed = (UInt32(0)..<1_024).filter { !named.contains($0) }
        #if arch(x86_64)
        // uretprobe and uprobe: the kernel takes them past every filter, and ends a caller that it has put no probe into.
        unnamed.removeAll { [335, 336].contains($0) }
        #endif
        let found = try await lines("for n in \(unnamed): print(n, call(n, 0, 0, 0, 0, 0, 0))")
        #expect(found == unnamed.map { "\($0) ENOSYS" })
    }

    /// A flush of everything on the machine would take as long as others have written; nothing happens instead.
    @Test func `sync and syncfs succeed, with any descriptor`() async throws {
        let found = try await lines("print(call(\(Self.number("sync"))), call(\(Self.number("syncfs")), 12345))")
        #expect(found == ["allowed allowed"])
    }

    // MARK: - Arguments

    /// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
    @Test func `clone makes no namespace, by any of its flags or all, and makes threads and forks`() async throws {
        let flags: [UInt64] = [
            0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000,
        ]
        let tried = flags + [flags.reduce(0, |)] + flags.map { $0 | 0x0000_0100 }
        // SIGCHLD; the upper half, of which the kernel reads nothing, changes nothing.
        let program = """
            for f in \(tried): print(call(\(try Self.number("clone")), f | 17, 0, 0, 0, 0), call(\(try Self.number("clone")), f | 17 | 1 << 40, 0, 0, 0, 0))
            import os, threading
            t = threading.Thread(target=lambda: print('thread', flush=True)); t.start(); t.join()
            pid = os.fork()
            if pid == 0: os._exit(3)
            print('fork', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            """
        let found = try await lines(program)
        #expect(found == tried.map { _ in "EPERM EPERM" } + ["thread", "fork 3"])
    }

    /// Every family up to 63, every type up to 15, and the protocols that lead elsewhere.
    @Test func `sockets are those of three families and of the list of interfaces`() async throws {
        let program = """
            import os
            protocols = [0, 1, 2, 6, 12, 15, 16, 17, 33, 58, 132, 136, 143, 255, 262]
            for family in range(64):
                for kind in range(16):
                    for protocol in protocols:
                        for flags in (0, 0o2004000):
                            result = call(\(try Self.number("socket")), family, kind | flags, protocol)
                            if result != 'EPERM': print(family, kind, protocol, flags, result)
                            pair = (ctypes.c_int * 2)()
                            other = call(\(try Self.number("socketpair")), family, kind | flags, protocol, ctypes.addressof(pair))
                            if other != 'EPERM': print('pair', family, kind, protocol, flags, other)
                            for d in pair:
                                if d: os.close(d)
                os.closerange(3, 1000)
            """
        let found = Set(try await lines(program))
        var wanted: [(String, Int, [Int], [Int])] = [
            ("", Int(AF_UNIX), [1, 2, 5], [0, 1]), ("pair ", Int(AF_UNIX), [1, 2, 5], [0, 1]),
            ("", Int(AF_NETLINK), [2, 3], [0]),
        ]
        for family in [AF_INET, AF_INET6] {
            wanted += [("", Int(family), [1], [0, 6]), ("", Int(family), [2], [0, 17])]
        }
        var expected: Set<String> = []
        for (prefix, family, kinds, protocols) in wanted {
            for kind in kinds {
                for number in protocols {
                    for flags in [0, 0o2004000] {
                        expected.insert("\(prefix)\(family) \(kind) \(number) \(flags) allowed")
                    }
                }
            }
        }
        #expect(found == expected, "\(found.symmetricDifference(expected).sorted().prefix(20))")
    }

    @Test func `personalities are the present one's`() async throws {
        let program = """
            n = \(try Self.number("personality"))
            print([call(n, v) for v in [1 << b for b in range(32)] + [0x0040000 | 3]].count('EPERM'), call(n, 0), call(n, 0xffffffff), call(n, 2**64 - 1))
            """
        #expect(try await lines(program) == ["33 allowed allowed allowed"])
    }

    /// What a request does that is not on the list, it does not do here: on a file, a pipe and a socket.
    @Test func `requests are those of the list`() async throws {
        let refused: [String: UInt32] = [
            "TIOCSTI": 0x5412, "TIOCLINUX": 0x541C, "TIOCSCTTY": 0x540E, "TIOCCONS": 0x541D, "TCGETS": 0x5401,
            "FS_IOC_SETFLAGS": 0x4008_6602, "FS_IOC_GETFLAGS": 0x8008_6601, "FITRIM": 0xC018_5879,
            "FIFREEZE": 0xC004_5877, "FICLONE": 0x4004_9409, "FICLONERANGE": 0x4020_940D, "FIDEDUPERANGE": 0xC018_9436,
            "FS_IOC_FIEMAP": 0xC020_660B, "FIBMAP": 1, "LOOP_SET_FD": 0x4C00, "LOOP_CTL_GET_FREE": 0x4C82,
            "BLKDISCARD": 0x1277, "EXT4_IOC_RESIZE_FS": 0x4008_6610, "FS_IOC_ENABLE_VERITY": 0x4080_6685,
            "SIOCSIFFLAGS": 0x8914, "SIOCSIFADDR": 0x8916, "SIOCADDRT": 0x890B, "SIOCETHTOOL": 0x8946,
            "SIOCBRADDBR": 0x89A0, "NS_GET_USERNS": 0xB701, "NS_GET_PARENT": 0xB702, "RNDADDENTROPY": 0x4008_5203,
            "SECCOMP_IOCTL_NOTIF_RECV": 0xC050_2100, "PERF_EVENT_IOC_ENABLE": 0x2400, "KVM_CREATE_VM": 0xAE01,
            "UFFDIO_API": 0xC018_AA3F, "FS_IOC_SHUTDOWN": 0x8004_587D,
        ]
        let program = """
            import os, socket
            n = \(try Self.number("ioctl"))
            ends = os.pipe()
            targets = [os.open('/tmp/f', os.O_CREAT | os.O_RDWR), ends[0], socket.socket().fileno(), os.open('/dev/urandom', os.O_RDONLY), -1]
            for name, request in \(Self.python(refused)).items():
                print(name, {call(n, d & (2**64 - 1), r, 0) for d in targets for r in (request, request | 1 << 32)})
            value = ctypes.c_int(0)
            def ask(d, request): return call(n, d, request, ctypes.addressof(value))
            os.write(ends[1], b'abc')
            print(ask(ends[0], 0x541B), value.value, ask(ends[0], 0x5421), call(n, ends[0], 0x5451), call(n, ends[0], 0x5450))
            s = socket.socket()
            request = (ctypes.c_char * 40)(*b'lo')
            print([call(n, s.fileno(), r, ctypes.addressof(request)) for r in (0x8933, 0x8913, 0x8915, 0x8921)])
            """
        let found = try await lines(program)
        #expect(
            found == refused.keys.sorted().map { "\($0) {'ENOTTY'}" } + [
                "allowed 3 allowed allowed allowed", "['allowed', 'allowed', 'allowed', 'allowed']",
            ]
        )
    }

    private static func python(_ values: [String: UInt32]) -> String {
        "{" + values.sorted { $0.key < $1.key }.map { "'\($0.key)': \($0.value)" }.joined(separator: ", ") + "}"
    }

    @Test func `settings of a process are those of the list`() async throws {
        let allowed: Set<Int> = [
            1, 2, 3, 4, 15, 16, 21, 23, 29, 30, 36, 37, 38, 39, 41, 42, 47, 50, 51, 52, 53, 55, 56, 65, 66, 0x5356_4D41,
        ]
        // Those refused answer EINVAL whatever is asked; seccomp's, with a program that would be taken, is tried beside.
        let others = (Array(0..<128) + [0x5961_6D61, 0x4155_5856]).filter { !allowed.contains($0) }
        let program = """
            n = \(try Self.number("prctl"))
            print({call(n, o | high, a, 0, 0, 0) for o in \(others) for a in (0, 1, 2) for high in (0, 1 << 32)})
            class Program(ctypes.Structure): _fields_ = [('length', ctypes.c_ushort), ('instructions', ctypes.c_void_p)]
            instruction = (ctypes.c_uint8 * 8)(6, 0, 0, 0, 0, 0, 0xff, 0x7f)
            program = Program(1, ctypes.addressof(instruction))
            print(call(n, 22, 2, ctypes.addressof(program), 0, 0))
            name = ctypes.create_string_buffer(b'name')
            print(call(n, 15, ctypes.addressof(name), 0, 0, 0), open('/proc/self/comm').read().strip())
            print(call(n, 38, 1, 0, 0, 0), call(n, 39, 0, 0, 0, 0), call(n, 21, 0, 0, 0, 0))
            """
        #expect(try await lines(program) == ["{'EINVAL'}", "EINVAL", "allowed name", "allowed allowed allowed"])
    }

    @Test func `options of a socket are without programs, upper layers and packet filters`() async throws {
        let program = """
            import socket
            n = \(try Self.number("setsockopt"))
            s = socket.socket()
            value = ctypes.c_int(1)
            def option(level, name): return call(n, s.fileno(), level, name, ctypes.addressof(value), 4)
            refused = [(1, 26), (1, 50), (1, 51), (1, 52), (6, 31), (0, 64), (0, 65), (0, 96), (41, 64), (0, 128)]
            print({option(l, o) for l, o in refused} | {option(l | 1 << 32, o | 1 << 33) for l, o in refused})
            print({option(level, o) for level in range(512) if level not in (0, 1, 6, 41) for o in (0, 1, 2, 31, 100)})
            print(option(1, 2), option(1, 9), option(6, 1), option(0, 2))
            """
        #expect(try await lines(program) == ["{'EPERM'}", "{'EPERM'}", "allowed allowed allowed allowed"])
    }

    @Test func `nodes are queues and plain files, and no scheduling class is real-time`() async throws {
        let program = """
            import os, stat
            kinds = {'block': stat.S_IFBLK, 'character': stat.S_IFCHR, 'socket': stat.S_IFSOCK, 'queue': stat.S_IFIFO, 'plain': stat.S_IFREG, 'unsaid': 0}
            for name, kind in kinds.items():
                path = ctypes.create_string_buffer(f'/tmp/{name}'.encode())
                print(name, call(\(try Self.number("mknodat")), 2**64 - 100, ctypes.addressof(path), kind | 0o600, 0))
            parameter = ctypes.c_int(0)
            for policy in range(8):
                print(policy, call(\(try Self.number("sched_setscheduler")), 0, policy | 0x40000000, ctypes.addressof(parameter)))
            """
        #expect(
            try await lines(program) == [
                "block EPERM", "character EPERM", "socket EPERM", "queue allowed", "plain allowed", "unsaid allowed",
                "0 allowed", "1 EPERM", "2 EPERM", "3 allowed", "4 EPERM", "5 allowed", "6 EPERM", "7 EPERM",
            ]
        )
    }

    /// And not the one for core files, whose 1 keeps the kernel from starting the host's program for them.
    @Test func `limits are one's own`() async throws {
        let program = """
            import mmap, os
            old = (ctypes.c_ulong * 2)()
            n = \(try Self.number("prlimit64"))
            print([call(n, pid, 7, 0, ctypes.addressof(old)) for pid in (1, os.getppid(), 1 | 1 << 32, 2, 0, 1 << 32)])
            # A pointer whose low half is zero.
            libc.mmap.restype = ctypes.c_void_p
            low = libc.mmap(ctypes.c_void_p(1 << 33), ctypes.c_size_t(4096), 3, 0x100032, -1, ctypes.c_size_t(0))
            new = (ctypes.c_ulong * 2)()
            print(low == 1 << 33, [call(n, 0, resource, p, 0) for resource in (4, 4 | 1 << 32) for p in (low, ctypes.addressof(new))])
            print(call(n, 0, 4, 0, ctypes.addressof(old)), call(\(try Self.number("setrlimit")), 4, ctypes.addressof(new)))
            """
        #expect(
            try await lines(program) == [
                "['EPERM', 'EPERM', 'EPERM', 'EPERM', 'allowed', 'allowed']",
                "True ['EINVAL', 'EINVAL', 'EINVAL', 'EINVAL']", "allowed EINVAL",
            ]
        )
    }

    #if arch(x86_64)
    @Test func `arch_prctl is without maps and shadow stacks`() async throws {
        // ARCH_MAP_VDSO_X32, _32, _64; ARCH_CPUID; ARCH_SHSTK_*; ARCH_GET_UNTAG_MASK and its neighbours.
        let refused = [0x2001, 0x2002, 0x2003, 0x1011, 0x1012, 0x3001, 0x5001, 0x5002, 0x4001, 0x4002]
        let found = try await lines("print({call(\(Self.number("arch_prctl")), o, 0) for o in \(refused)})")
        #expect(found == ["{'EINVAL'}"])
    }

    /// One table's numbers mean other calls in another: getpid of i386 is writev here.
    @Test(arguments: [("native", "0 survived"), ("nobody", "0 survived"), ("i386", "-31 "), ("x32", "-31 ")])
    func `a call by another architecture's table kills`(kind: String, expected: String) async throws {
        let path = try CompiledPrograms.build(PackageResources.foreign_c_txt)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let fixture = try SandboxFixture.shared()
        try fixture.store.write(
            Array(try #require(FileManager.default.contents(atPath: path))),
            to: "code/foreign"
        )
        let run = """
            import os, shutil, subprocess
            shutil.copy('/var/task/foreign', '/tmp/foreign')
            os.chmod('/tmp/foreign', 0o700)
            done = subprocess.run(['/tmp/foreign', '\(kind)'], capture_output=True, text=True)
            print(done.returncode, done.stdout.strip())
            """
        let found = try await fixture.python(run)
        #expect(found.output.trimmingCharacters(in: .newlines) == expected)
    }
    #endif
}
