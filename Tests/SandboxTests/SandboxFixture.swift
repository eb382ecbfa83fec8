// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import LinuxSandbox
import SandboxPolicy
import Synchronization
import Testing

@testable import ExecutionEnvironments

/// A spawner and one sandbox of its own, with a program of the test's running inside.
final class SandboxFixture: Sendable {
    struct Output {
        var output: String
        var status: Int32
    }

    let spawner: SpawnerClient
    let reactor: DescriptorReactor
    let store: SandboxStore
    let directory: String
    let controlGroupName: String
    private let skeleton: RootSkeleton
    private let nextID = Atomic<UInt64>(1)

    /// One for all tests that do not end it: starting a spawner is not what they test.
    static func shared() throws -> SandboxFixture { try sharedFixture.get() }
    private static let sharedFixture = Swift.Result { try SandboxFixture() }

    /// `memoryMiB` is for all its sandboxes together, `filter` is their system call filter; without one it is the product's.
    init(
        controlGroupName: String = "martlet-test-\(UUID().uuidString)",
        memoryMiB: UInt32 = 8_192,
        filter: [UInt8]? = nil
    ) throws {
        self.controlGroupName = controlGroupName
        directory = NSTemporaryDirectory() + "martlet-sandbox-tests-\(UUID().uuidString)"
        let path = directory + "/store"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        reactor = try DescriptorReactor()
        let configuration = SpawnerConfiguration(
            storePath: path,
            storeMiB: 512,
            controlGroupName: controlGroupName,
            memoryMiB: memoryMiB,
            firstUserID: 1_900_000_000,
            systemCallFilter: try filter ?? FilterProgram(SystemCallPolicy.builtIn()).bytes,
            zygoteFilter: try FilterProgram(SystemCallPolicy.builtIn().forZygotes()).bytes,
            snapshotFilter: try FilterProgram(SystemCallPolicy.builtIn().forSnapshots()).bytes,
            network: try NetworkProgram.sandbox(ipv6: FileText.exists("/proc/net/if_inet6"))
        )
        spawner = try SpawnerClient(
            SpawnerProcess.start(Self.executable),
            configuration: configuration,
            lockPath: "\(NSTemporaryDirectory())\(controlGroupName).lock"
        )
        store = SandboxStore(directory: spawner.store, path: path)
        skeleton = try RootSkeleton(in: store, bootstraps: [])
        try store.makeDirectory("tmp")
        try store.write(Array("print('hello')".utf8), to: "code/app.py")
        try spawner.start(on: reactor) {}
    }

    /// Beside the test bundle, in the build folder.
    static var executable: String {
        ProcessInfo.processInfo.environment["MARTLET_SPAWNER"]
            ?? Bundle.allBundles.first.map { $0.bundleURL.deletingLastPathComponent().path + "/martlet-spawner" } ?? ""
    }

    /// `temporary` is the number of a prepared file system for /tmp; without one /tmp is a tmpfs.
    ///
    /// One that is blank has no code.
    func make(
        memoryMiB: UInt32 = 256,
        processesMax: UInt32 = 1_024,
        temporary: UInt64? = nil,
        isBlank: Bool = false,
        kinship: SandboxKinship = .none
    ) async throws -> Sandbox {
        let id = nextID.add(1, ordering: .relaxed).newValue
        var mounts = skeleton.mounts
        if !isBlank { mounts.append(.init(source: "\(store.path)/code", target: "var/task", kind: .readOnly)) }
        let role: SandboxPlan.Role =
            switch kinship {
            case .none: .alone
            case .zygote: .zygote
            case .snapshot: .snapshot
            case .below: .below
            }
        let plan = SandboxPlan(
            root: "\(store.path)/\(SandboxStore.root)",
            mounts: mounts,
            temporaryMiB: 512,
            sharedMemoryMiB: memoryMiB,
            userID: 993,
            groupID: 990,
            role: role
        )
        return try await Sandbox.make(
            SandboxRequest(
                id: id,
                slot: UInt32(id),
                limits: SandboxLimits(memoryMiB: memoryMiB, processesMax: processesMax),
                temporary: temporary,
                isBlank: isBlank,
                kinship: kinship
            ),
            plan: plan,
            spawner: spawner,
            reactor: reactor
        )
    }

    /// Runs a program to its end in that sandbox, and gives what it printed.
    func run(_ arguments: [String], in sandbox: Sandbox, dataMiB: UInt32 = 0) async throws -> Output {
        var ends: [CInt] = [-1, -1]
        try #require(pipe(&ends) == 0)
        try sandbox.run(
            ProcessPlan(
                executables: [arguments[0]],
                arguments: Array(arguments.dropFirst()),
                environment: ["PATH=/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8"],
                workingDirectory: "/var/task",
                hasTelemetry: false,
                dataMiB: dataMiB
            ),
            output: ends[1],
            telemetry: nil
        )
        close(ends[1])
        let output = String(decoding: try await Self.readToEnd(ends[0]), as: UTF8.self)
        for await reply in sandbox.replies {
            switch reply {
            case .exited(_, let status): return Output(output: output, status: status)
            case .startFailed(_, let errno): return Output(output: "execve: \(errno)", status: -1)
            default: continue
            }
        }
        return Output(output: output, status: -2)
    }

    /// On a thread of its own: it blocks until the program ends, and the tests beside this one have few threads.
    static func readToEnd(_ descriptor: CInt) async throws -> Data {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
                continuation.resume(with: Swift.Result { try file.readToEnd() ?? Data() })
            }
        }
    }

    func python(_ program: String, memoryMiB: UInt32 = 256) async throws -> Output {
        let sandbox = try await make(memoryMiB: memoryMiB)
        let result = try await run(["/usr/bin/python3", "-c", program], in: sandbox)
        await sandbox.destroy()
        return result
    }

    deinit {
        spawner.stop()
        try? FileManager.default.removeItem(atPath: directory)
        try? FileManager.default.removeItem(atPath: "\(NSTemporaryDirectory())\(controlGroupName).lock")
    }
}
