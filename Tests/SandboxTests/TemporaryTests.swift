// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import InvocationCore
import LinuxSandbox
import Logging
import Testing

@testable import ExecutionEnvironments

/// File systems for /tmp, mounted ahead of need: only root may mount images.
@Suite(.serialized, .enabled(if: geteuid() == 0 && FileManager.default.fileExists(atPath: "/dev/loop-control")))
struct TemporaryTests {
    private static let sizeMiB = 512
    private let look =
        "import os; print(sorted(os.listdir('/tmp')), os.stat('/tmp').st_uid, oct(os.stat('/tmp').st_mode))"
    private let empty = "[] 993 0o41777\n"

    private func python(
        _ program: String,
        _ fixture: SandboxFixture,
        _ sandbox: Sandbox
    ) async throws -> String {
        try await fixture.run(["/usr/bin/python3", "-c", program], in: sandbox).output
    }

    private func prepare(_ number: UInt64, _ images: TemporaryImages, _ fixture: SandboxFixture) async throws {
        let image = try images.make()
        defer { close(image) }
        try await fixture.spawner.prepareTemporary(number, image: image)
    }

    private func images(_ fixture: SandboxFixture) throws -> TemporaryImages {
        try TemporaryImages(sizeMiB: Self.sizeMiB, directory: fixture.directory)
    }

    /// How many loop devices have an image of that fixture's.
    private func loopDevices(_ fixture: SandboxFixture) -> Int {
        let devices = (try? FileManager.default.contentsOfDirectory(atPath: "/sys/block")) ?? []
        return devices.count { device in
            // Of a device without an image, and a machine may have a thousand, there is no such file.
            let path = "/sys/block/\(device)/loop/backing_file"
            guard access(path, R_OK) == 0 else { return false }
            let file = try? String(contentsOfFile: path, encoding: .utf8)
            return file?.contains((fixture.directory as NSString).lastPathComponent) ?? false
        }
    }

    /// The kernel lets a device go a moment after its last user.
    private func expectLoopDevices(_ count: Int, _ fixture: SandboxFixture) async throws {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(120)
        // Looked at once a turn: a number that was right may be another one a moment later.
        var found = loopDevices(fixture)
        while found != count, clock.now < end {
            try await Task.sleep(for: .milliseconds(50))
            found = loopDevices(fixture)
        }
        #expect(found == count)
    }

    /// A device is there before it is known to be ready, and goes after it is known to be none.
    private func expectReady(_ count: Int, _ temporaries: TemporaryFileSystems) async throws {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(120)
        var found = await temporaries.ready(sizeMiB: Self.sizeMiB)
        while found != count, clock.now < end {
            try await Task.sleep(for: .milliseconds(50))
            found = await temporaries.ready(sizeMiB: Self.sizeMiB)
        }
        #expect(found == count)
    }

    @Test func `temporary storage ends at its size and is not the function's memory`() async throws {
        let fixture = try SandboxFixture()
        try await prepare(1, images(fixture), fixture)
        let sandbox = try await fixture.make(memoryMiB: 128, temporary: 1)
        let program = """
            import errno, os
            block = b'x' * (1 << 20)
            total = 0
            try:
                with open('/tmp/big', 'wb', buffering=0) as f:
                    while total < 700: total += f.write(block) / (1 << 20)
            except OSError as e: print(errno.errorcode[e.errno])
            print(505 <= total <= 515, os.stat('/tmp').st_uid)
            """
        #expect(try await python(program, fixture, sandbox) == "ENOSPC\nTrue 993\n")
        await sandbox.destroy()
        try await expectLoopDevices(0, fixture)
    }

    @Test func `each sandbox has its own, empty, and none sees another's or one that waits`() async throws {
        let fixture = try SandboxFixture()
        let images = try images(fixture)
        for number in UInt64(1)...4 { try await prepare(number, images, fixture) }
        #expect(loopDevices(fixture) == 4)
        let first = try await fixture.make(temporary: 1)
        #expect(try await python(look, fixture, first) == empty)
        _ = try await python("open('/tmp/secret', 'w').write('x')", fixture, first)
        let second = try await fixture.make(temporary: 2)
        #expect(try await python(look, fixture, second) == empty)
        let mounts = "print([l.split()[4] for l in open('/proc/self/mountinfo') if 'noinit_itable' in l])"
        #expect(try await python(mounts, fixture, second) == "['/tmp']\n")
        await first.destroy()
        let third = try await fixture.make(temporary: 3)
        #expect(try await python(look, fixture, third) == empty)
        await second.destroy()
        await third.destroy()
        try await expectLoopDevices(1, fixture)
        fixture.spawner.discardTemporary(4)
        try await expectLoopDevices(0, fixture)
    }

    @Test func `a number is good for one sandbox, and an unknown one is refused`() async throws {
        let fixture = try SandboxFixture()
        let images = try images(fixture)
        try await prepare(1, images, fixture)
        await #expect(throws: SyscallError(call: "mount", errno: EEXIST, subject: "temporary 1")) {
            try await prepare(1, images, fixture)
        }
        let sandbox = try await fixture.make(temporary: 1)
        for number in [UInt64(1), 2] {
            await #expect(throws: SyscallError(call: "mount", errno: ENOENT, subject: "temporary \(number)")) {
                _ = try await fixture.make(temporary: number)
            }
            fixture.spawner.discardTemporary(number)
        }
        _ = try await python("open('/tmp/kept', 'w').write('x')", fixture, sandbox)
        #expect(try await python("import os; print(os.listdir('/tmp'))", fixture, sandbox) == "['kept']\n")
        await sandbox.destroy()
        try await expectLoopDevices(0, fixture)
    }

    @Test func `what is no file system is refused, and the spawner goes on`() async throws {
        let fixture = try SandboxFixture()
        let path = fixture.directory + "/zeros"
        try Data(count: 1 << 20).write(to: URL(fileURLWithPath: path))
        let file = open(path, O_RDWR | O_CLOEXEC)
        try #require(file >= 0)
        defer { close(file) }
        await #expect(throws: SyscallError.self) { try await fixture.spawner.prepareTemporary(1, image: file) }
        try await prepare(2, images(fixture), fixture)
        let sandbox = try await fixture.make(temporary: 2)
        #expect(try await python(look, fixture, sandbox) == empty)
        await sandbox.destroy()
        try await expectLoopDevices(0, fixture)
    }

    @Test(arguments: [true, false])
    func `the spawner's end leaves no loop device`(isKilled: Bool) async throws {
        let fixture = try SandboxFixture()
        let images = try images(fixture)
        for number in UInt64(1)...3 { try await prepare(number, images, fixture) }
        _ = try await fixture.make(temporary: 1)
        #expect(loopDevices(fixture) == 3)
        if isKilled { kill(fixture.spawner.process, SIGKILL) } else { fixture.spawner.stop() }
        try await expectLoopDevices(0, fixture)
        await #expect(throws: SyscallError.self) { try await prepare(4, images, fixture) }
        // A killed spawner's control groups are the next start's to remove.
        if isKilled { try SandboxFixture(controlGroupName: fixture.controlGroupName).spawner.stop() }
    }

    @Test func `some are kept ready, and a sandbox that finds none waits for its own`() async throws {
        let fixture = try SandboxFixture()
        let settings = TemporaryPool.Settings(defaultSizeMiB: Self.sizeMiB, readyMax: 2)
        let temporaries = TemporaryFileSystems(
            spawner: fixture.spawner,
            directory: fixture.directory,
            settings: settings
        )
        func use() async throws -> Sandbox {
            try await temporaries.use(sizeMiB: Self.sizeMiB) { try await fixture.make(temporary: $0) }
        }
        let onTheSpot = try await use()
        #expect(try await python(look, fixture, onTheSpot) == empty)
        let running = Task { await temporaries.run(logger: Logger(label: "test")) }
        try await expectReady(2, temporaries)
        try await expectLoopDevices(3, fixture)
        let ahead = try await use()
        #expect(try await python(look, fixture, ahead) == empty)
        try await expectReady(2, temporaries)
        try await expectLoopDevices(4, fixture)
        // One that was taken for a sandbox that failed is given back.
        await #expect(throws: CancellationError.self) {
            _ = try await temporaries.use(sizeMiB: Self.sizeMiB) { _ -> Int in throw CancellationError() }
        }
        try await expectReady(2, temporaries)
        try await expectLoopDevices(4, fixture)
        running.cancel()
        await running.value
        await onTheSpot.destroy()
        await ahead.destroy()
        try await expectLoopDevices(2, fixture)
    }
}
