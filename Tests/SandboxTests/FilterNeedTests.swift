// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxSandbox
import SandboxPolicy
import Testing

@testable import ExecutionEnvironments

/// Each group that is allowed is needed: a program that works with the filter does not without that group.
@Suite(.serialized)
struct FilterNeedTests {
    struct Need: CustomTestStringConvertible, Sendable {
        var group: String
        var command: [String]
        var expected: String
        var testDescription: String { group }
    }

    private static func python(_ group: String, _ program: String, _ expected: String) -> Need {
        Need(group: group, command: ["/usr/bin/python3", "-c", program], expected: expected)
    }

    private static func shell(_ group: String, _ program: String, _ expected: String) -> Need {
        Need(group: group, command: ["/bin/sh", "-c", program], expected: expected)
    }

    /// Node.js where it is among the system's programs; the same calls by hand where it is not.
    private static let watching =
        FileManager.default.isExecutableFile(atPath: "/usr/bin/node")
        ? Need(
            group: "watching files",
            command: [
                "/usr/bin/node", "-e",
                """
                const fs = require('fs'); const w = fs.watch('/tmp', (e, n) => { console.log(n); w.close(); });
                fs.writeFileSync('/tmp/seen', 'x');
                """,
            ],
            expected: "seen"
        )
        : python(
            "watching files",
            "import ctypes; l = ctypes.CDLL(None); print(l.inotify_add_watch(l.inotify_init1(0), b'/tmp', 256))",
            "1"
        )

    private static let needs: [Need] = [
        // Without these two the sandbox's first process can't even start the program.
        shell("start", "exit 0", ""),
        shell("processes", "exit 0", ""),
        python("reading files", "import json; print(json.dumps([1]))", "[1]"),
        shell("changing files", "cd /tmp && git init -q r && test -f r/.git/HEAD && echo made", "made"),
        shell("descriptors", "echo $(echo 1 | cat)", "1"),
        python("requests", "import socket; s = socket.socket(); s.setblocking(False); print(s.gettimeout())", "0.0"),
        python(
            "copying",
            "import os; f = open('/tmp/f', 'wb'); print(os.sendfile(f.fileno(), os.open('/var/task/app.py', 0), 0, 5))",
            "5"
        ),
        python("extended attributes", "import shutil; shutil.copy2('/var/task/app.py', '/tmp/a'); print(1)", "1"),
        watching,
        python(
            "durability",
            "import sqlite3; c = sqlite3.connect('/tmp/d'); c.execute('create table t (x)'); c.commit(); print(1)",
            "1"
        ),
        python("memory", "import mmap; m = mmap.mmap(-1, 4096); m.resize(8192); print(len(m))", "8192"),
        Need(
            group: "process settings",
            command: [
                "/usr/bin/perl", "-e",
                "$0 = 'renamed'; open my $f, '<', '/proc/self/comm'; print <$f>;",
            ],
            expected: "renamed"
        ),
        shell("identity", "id -un", "sbx_user1051"),
        shell("scheduling", "nice -n 5 nice", "5"),
        python(
            "signals",
            "import os, signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [10]); os.kill(os.getpid(), 10); print(signal.sigwait([10]).name)",
            "SIGUSR1"
        ),
        python("clocks and timers", "import time; time.sleep(0.001); print(1)", "1"),
        python(
            "event loops",
            "import asyncio\nasync def f():\n  await asyncio.sleep(0.001)\n  print(1)\nasyncio.run(f())",
            "1"
        ),
        python(
            "locks",
            "import threading; t = threading.Thread(target=lambda: print(1)); t.start(); t.join()",
            "1"
        ),
        python("sockets", "import socket; print(socket.create_connection(('192.0.2.1', 443)).fileno() > 0)", "True"),
        Need(
            group: "System V objects",
            command: [
                "/usr/bin/perl", "-e",
                "$i = shmget(0, 9, 0600); shmwrite($i, 'x', 0, 1); shmread($i, $b, 0, 1); print $b; shmctl($i, 0, 0)",
            ],
            expected: "x"
        ),
        python(
            "POSIX queues",
            "import ctypes; l = ctypes.CDLL('librt.so.1'); print(l.mq_open(b'/q', 0o102, 0o600, None) >= 0)",
            "True"
        ),
        shell("system", "uname -n", "localhost"),
    ]

    private static func run(_ need: Need, filter: [UInt8]?) async throws -> SandboxFixture.Output {
        let fixture = try filter.map { try SandboxFixture(filter: $0) } ?? SandboxFixture.shared()
        let sandbox = try await fixture.make()
        let result = try await fixture.run(need.command, in: sandbox)
        await sandbox.destroy()
        return result
    }

    @Test func `every group that is allowed has a program that needs it`() throws {
        let allowed = try SystemCallPolicy.builtIn().groups.filter { $0.answer == .allow }.map(\.group)
        #expect(Self.needs.map(\.group).sorted() == allowed.sorted())
    }

    @Test(arguments: needs)
    func `a program works with its group and not without`(need: Need) async throws {
        let whole = try await Self.run(need, filter: nil)
        #expect(whole.output.trimmingCharacters(in: .newlines) == need.expected && whole.status == 0, "\(whole)")
        var less = try SystemCallPolicy.builtIn()
        less.groups.removeAll { $0.group == need.group }
        let filter = try FilterProgram(less).bytes
        do {
            let broken = try await Self.run(need, filter: filter)
            let works = broken.output.trimmingCharacters(in: .newlines) == need.expected && broken.status == 0
            #expect(!works, "\(need.group) is not needed by this program")
        } catch is SyscallError {
            // The sandbox's first process did not get so far as to start it.
            #expect(["start", "processes", "descriptors", "event loops", "signals", "sockets"].contains(need.group))
        }
    }
}
