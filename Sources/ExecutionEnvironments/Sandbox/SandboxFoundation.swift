// SPDX-License-Identifier: Apache-2.0
import Glibc
package import InvocationCore
package import LambdaModel
import LinuxSandbox
package import Runtimes
import Synchronization

/// What all sandboxes of this server share: the spawner, the store with its root directory, the file systems for /tmp.
package final class SandboxFoundation: Sendable {
    package let spawner: SpawnerClient
    package let reactor: DescriptorReactor
    package let store: SandboxStore
    private let mounts: [SandboxPlan.Mount]
    /// False where the spawner is an ordinary user's, or the machine has no loop devices: /tmp is a tmpfs then.
    package let usesImages: Bool
    private let images = Mutex<[Int: TemporaryImages]>([:])
    private let imageDirectory: String
    private let slots = Mutex(SlotAllocator())

    /// `imageDirectory` is where /tmp's blocks go, if /tmp is a file system image, and so not part of the function's memory.
    package init(
        spawner: SpawnerClient,
        reactor: DescriptorReactor,
        store: SandboxStore,
        imageDirectory: String,
        usesImages: Bool
    ) throws {
        self.spawner = spawner
        self.reactor = reactor
        self.store = store
        self.imageDirectory = imageDirectory
        mounts = try RootSkeleton(in: store, bootstraps: Bootstraps.files).mounts
        for name in ["tmp", "code"] { try store.makeDirectory(name) }
        self.usesImages = usesImages
    }

    /// A sandbox with its walls up, for that function's code.
    package func make(
        _ id: EnvironmentID,
        _ configuration: FunctionConfiguration,
        runtime: RuntimeDefinition,
        codePath: String
    ) async throws -> Sandbox {
        let slot = slots.withLock { $0.take() }
        do {
            let image = try image(sizeMiB: configuration.ephemeralStorageMiB)
            defer { if let image { close(image) } }
            let request = SandboxRequest(
                id: id.number,
                slot: slot,
                limits: SandboxLimits(
                    memoryMiB: UInt32(configuration.memoryMiB),
                    processesMax: UInt32(LimitsProfile.processesMax)
                ),
                hasTemporaryImage: image != nil
            )
            return try await Sandbox.make(
                request,
                plan: plan(configuration, runtime, codePath),
                image: image,
                spawner: spawner,
                reactor: reactor
            )
        } catch {
            release(slot: slot)
            throw error
        }
    }

    /// Builds a sandbox and tears it down: fails with the step that this host does not allow.
    package func probe() async throws {
        var mounts = mounts
        mounts.append(.init(source: "\(store.path)/code", target: "var/task", kind: .readOnly))
        let image = try image(sizeMiB: LimitsProfile.classic.ephemeralStorageMiB.lowerBound)
        defer { if let image { close(image) } }
        let sandbox = try await Sandbox.make(
            SandboxRequest(
                id: 0,
                slot: 0,
                limits: SandboxLimits(memoryMiB: 128, processesMax: 16),
                hasTemporaryImage: image != nil
            ),
            plan: plan(mounts, temporaryMiB: 512, memoryMiB: 128),
            image: image,
            spawner: spawner,
            reactor: reactor
        )
        await sandbox.destroy()
    }

    /// After the sandbox is destroyed: its subordinate user id may be another's.
    package func release(slot: UInt32) { slots.withLock { $0.release(slot) } }

    private func image(sizeMiB: Int) throws -> CInt? {
        guard usesImages else { return nil }
        // A template is made once for each size asked for; the sizes of `--limits current` are few in practice, and bounded.
        return try images.withLock { images in
            if let known = images[sizeMiB] { return known }
            let made = try TemporaryImages(sizeMiB: sizeMiB, directory: imageDirectory)
            images[sizeMiB] = made
            return made
        }.make()
    }

    private func plan(
        _ configuration: FunctionConfiguration,
        _ runtime: RuntimeDefinition,
        _ codePath: String
    ) -> SandboxPlan {
        // A runtime that was found below /usr/local needs what is there; otherwise it is covered.
        let needsLocal = runtime.executables.contains { $0.hasPrefix("/usr/local/") }
        var mounts = mounts.filter { !needsLocal || $0.target != "usr/local" }
        mounts += runtime.mounts.map { .init(source: $0.host, target: String($0.inside.dropFirst()), kind: .readOnly) }
        mounts.append(.init(source: codePath, target: "var/task", kind: .readOnly))
        return plan(
            mounts,
            temporaryMiB: UInt32(configuration.ephemeralStorageMiB),
            memoryMiB: UInt32(configuration.memoryMiB)
        )
    }

    private func plan(_ mounts: [SandboxPlan.Mount], temporaryMiB: UInt32, memoryMiB: UInt32) -> SandboxPlan {
        SandboxPlan(
            root: "\(store.path)/\(SandboxStore.root)",
            mounts: mounts,
            temporaryMiB: temporaryMiB,
            sharedMemoryMiB: memoryMiB,
            userID: 993,
            groupID: 990
        )
    }
}

/// Numbers for subordinate user ids: the lowest free one, so that the range used stays small.
struct SlotAllocator {
    private var free: [UInt32] = []
    private var next: UInt32 = 0

    mutating func take() -> UInt32 {
        if let slot = free.popLast() { return slot }
        defer { next += 1 }
        return next
    }

    mutating func release(_ slot: UInt32) { free.append(slot) }
}
