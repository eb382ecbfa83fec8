// SPDX-License-Identifier: Apache-2.0
import ExecutionEnvironments
import Foundation
import Glibc
import LinuxSandbox
import Synchronization

/// The spawner that was started before anything else, until the server takes it.
enum SpawnerStart {
    private static let started = Mutex<SpawnerProcess?>(nil)

    static func begin() throws {
        let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
        // Capabilities are a thread's: another one would keep them.
        precondition(threads == 1, "the spawner is started before any other thread")
        let process = try SpawnerProcess.start(executable())
        started.withLock { $0 = process }
        if geteuid() == 0 { try SpawnerProcess.dropPrivileges() }
    }

    /// The spawner's process; once.
    static func take() -> SpawnerProcess? { started.withLock { $0.take() } }

    /// Beside this executable, or where MARTLET_SPAWNER says.
    private static func executable() throws -> String {
        if let path = ProcessInfo.processInfo.environment["MARTLET_SPAWNER"] { return path }
        return try SandboxHost.ownDirectory() + "/martlet-spawner"
    }
}
