// SPDX-License-Identifier: Apache-2.0
import ExecutionEnvironments
import Foundation
import Glibc
import InvocationCore
import LambdaModel
import LinuxSandbox
import Logging
import Runtimes
import SandboxPolicy
import ServerConfiguration

/// What this host gives sandboxes: found out by building one, before the server serves anybody.
struct SandboxHost {
    private let configuration: ServeConfiguration
    private let reactor: DescriptorReactor
    private let logger: Logger

    init(_ configuration: ServeConfiguration, reactor: DescriptorReactor, logger: Logger) {
        self.configuration = configuration
        self.reactor = reactor
        self.logger = logger
    }

    /// What is no function's: blank environments, and what others are forked from.
    private static let sharedMemoryMiB = 256

    /// First of the ids that sandboxes of a server run by root have: above those that systemd and shadow-utils give out.
    private static let firstUserID: UInt32 = 1_900_000_000

    /// What all sandboxes share, after one was built and torn down; throws `StartFailure` with the setting that forbids them, if one does.
    ///
    /// `onSpawnerEnd` is called once when the spawner, and with it every sandbox, has ended by itself.
    func prepare(
        data: ServerDataDirectory,
        _ runtimes: RuntimeCatalog,
        onSpawnerEnd: @escaping @Sendable () -> Void
    ) async throws -> SandboxFoundation {
        guard let process = SpawnerStart.take() else { throw StartFailure("martlet-spawner was not started.") }
        let storePath = try data.directory("sandboxes")
        // For whoever looks after the machine, and for the tests: what to look for below /sys/fs/cgroup.
        try ServerDataDirectory.replace(
            "\(data.path)/control-group",
            with: Array("\(Self.controlGroupName(data.path))\n".utf8)
        )
        let client: SpawnerClient
        do {
            client = try SpawnerClient(
                process,
                configuration: try spawnerConfiguration(storePath),
                lockPath: "\(data.path)/spawner.lock"
            )
        } catch let error as SyscallError {
            throw StartFailure(sandbox: error)
        }
        do {
            try client.start(on: reactor, onEnd: onSpawnerEnd)
            let foundation = try SandboxFoundation(
                spawner: client,
                reactor: reactor,
                store: SandboxStore(directory: client.store, path: storePath),
                imageDirectory: data.path,
                usesImages: Self.canMountImages,
                systemCallFilter: try FilterProgram(SystemCallPolicy.builtIn()).bytes,
                zygoteLibrary: try Self.zygoteLibrary()
            )
            try await foundation.probe()
            // Only makes cold starts shorter: a host on which it fails runs functions all the same.
            do {
                try await runtimes.compileBootstraps(
                    in: "/proc/\(getpid())/fd/\(client.store)/\(SandboxStore.root)\(RuntimeDefinition.bootstrapsInside)"
                )
            } catch {
                logger.notice("bootstraps not compiled", metadata: ["error": "\(error)"])
            }
            return foundation
        } catch let error as SyscallError {
            client.stop()
            throw StartFailure(sandbox: error)
        } catch {
            client.stop()
            throw error
        }
    }

    private static func zygoteLibrary() throws -> [UInt8] {
        let path = try ownDirectory() + "/\(Bootstraps.zygoteLibrary)"
        guard let content = FileManager.default.contents(atPath: path) else {
            throw StartFailure("\(Bootstraps.zygoteLibrary) has to be in the directory of martlet.")
        }
        return Array(content)
    }

    /// Where the executable is.
    static func ownDirectory() throws -> String {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return (own as NSString).deletingLastPathComponent
    }

    static var canMountImages: Bool { geteuid() == 0 && FileText.exists("/dev/loop-control") }

    private func spawnerConfiguration(_ storePath: String) throws -> SpawnerConfiguration {
        SpawnerConfiguration(
            storePath: storePath,
            storeMiB: UInt32(clamping: max(1_024, configuration.functionMemoryMiB / 2)),
            controlGroupName: Self.controlGroupName(configuration.dataDirectory),
            memoryMiB: UInt32(clamping: configuration.functionMemoryMiB + Self.sharedMemoryMiB),
            firstUserID: Self.firstUserID,
            systemCallFilter: try FilterProgram(SystemCallPolicy.builtIn()).bytes,
            zygoteFilter: try FilterProgram(SystemCallPolicy.builtIn().forZygotes()).bytes,
            snapshotFilter: try FilterProgram(SystemCallPolicy.builtIn().forSnapshots()).bytes,
            network: try NetworkProgram.sandbox(ipv6: FileText.exists("/proc/net/if_inet6"))
        )
    }

    /// One name for each data directory: a restart finds what its predecessor left, and nobody else's.
    static func controlGroupName(_ dataDirectory: String) -> String {
        // FNV-1a, 64 bits.
        let hash = dataDirectory.utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return "martlet-" + String(hash, radix: 16)
    }
}
