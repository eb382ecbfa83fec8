// SPDX-License-Identifier: Apache-2.0
import LinuxSandbox
import Testing

@testable import ExecutionEnvironments

/// More sandboxes than an ordinary limit of descriptors has room for in the spawner.
struct ManySandboxesTests {
    private static let count = 520

    @Test func `more than five hundred sandboxes stand at one time`() async throws {
        let fixture = try SandboxFixture()
        var sandboxes: [Sandbox] = []
        for _ in 0..<Self.count { sandboxes.append(try await fixture.make(memoryMiB: 64, isBlank: true)) }
        let last = try #require(sandboxes.last)
        #expect(try await fixture.run(["/bin/echo", "here"], in: last).output == "here\n")
        for sandbox in sandboxes { await sandbox.destroy() }
    }
}
