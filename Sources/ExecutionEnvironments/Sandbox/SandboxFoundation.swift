// SPDX-License-Identifier: Apache-2.0
import Glibc
package import InvocationCore
package import LambdaModel
package import LinuxSandbox
package import Runtimes
import Synchronization

/// What all sandboxes of this server share: the spawner, the store with its root directory, the file systems for /tmp.
package final class SandboxFoundation: Sendable {
    package let spawner: SpawnerClient
    package let reactor: DescriptorReactor
    package let store: SandboxStore
    private let mounts: [SandboxPlan.Mount]
    /// The file systems for /tmp; nil where the spawner is an ordinary user's, or the machine has no loop devices: a tmpfs then.
    package let temporaries: TemporaryFileSystems?
    /// What a zygote's child installs when it has come into its sandbox: the filter of all others.
    let systemCallFilter: [UInt8]
    private let slots = Mutex(SlotAllocator())

    /// `imageDirectory` is where /tmp's blocks go, if /tmp is a file system image, and so not part of the function's memory; `zygoteLibrary` is
    /// the content of `Bootstraps.zygoteLibrary`.
    package init(
        spawner: SpawnerClient,
        reactor: DescriptorReactor,
        store: SandboxStore,
        imageDirectory: String,
        usesImages: Bool,
        systemCallFilter: [UInt8],
        zygoteLibrary: [UInt8]
    ) throws {
        self.systemCallFilter = systemCallFilter
        self.spawner = spawner
        self.reactor = reactor
        self.store = store
        let bootstraps = Bootstraps.files + [(path: "python/\(Bootstraps.zygoteLibrary)", bytes: zygoteLibrary)]
        mounts = try RootSkeleton(in: store, bootstraps: bootstraps).mounts
        for name in ["tmp", AssignmentRequest.codeDirectory] { try store.makeDirectory(name) }
        temporaries = usesImages ? TemporaryFileSystems(spawner: spawner, directory: imageDirectory) : nil
    }

    /// A sandbox with its walls up, for that function's code.
    package func make(
        _ id: EnvironmentID,
        _ configuration: FunctionConfiguration,
        runtime: RuntimeDefinition,
        code: UnpackedCode,
        kinship: SandboxKinship = .none
    ) async throws -> Sandbox {
        let slot = slots.withLock { $0.take() }
        do {
            let limits = SandboxLimits(
                memoryMiB: UInt32(configuration.memoryMiB),
                processesMax: UInt32(LimitsProfile.processesMax)
            )
            var plan = plan(configuration, runtime, code)
            plan.role = SandboxPlan.Role(kinship)
            return try await make(
                SandboxRequest(id: id.number, slot: slot, limits: limits, temporary: nil, kinship: kinship),
                plan: plan,
                temporaryMiB: configuration.ephemeralStorageMiB
            )
        } catch {
            release(slot: slot)
            throw error
        }
    }

    /// A sandbox with its walls up that is nobody's yet: `assign` gives it a function of that runtime.
    ///
    /// `zygote` is the sandbox of the zygote that forks into it, if one does.
    func makeBlank(
        _ id: BlankID,
        runtime: RuntimeDefinition,
        memoryMiB: Int,
        below zygote: UInt64?
    ) async throws -> Sandbox {
        let slot = slots.withLock { $0.take() }
        do {
            // Whatever it is to be: while it waits it may not take more.
            let limits = SandboxLimits(
                memoryMiB: UInt32(hasMemoryGroup ? min(memoryMiB, Self.blankMemoryMiB) : memoryMiB),
                processesMax: UInt32(LimitsProfile.processesMax)
            )
            var plan = plan(
                mounts(of: runtime),
                temporaryMiB: UInt32(Self.blankTemporaryMiB),
                memoryMiB: limits.memoryMiB
            )
            let kinship = zygote.map { SandboxKinship.below(zygote: $0) } ?? .none
            plan.role = SandboxPlan.Role(kinship)
            return try await make(
                SandboxRequest(
                    id: Self.blankIDs + id.number,
                    slot: slot,
                    limits: limits,
                    temporary: nil,
                    isBlank: true,
                    kinship: kinship
                ),
                plan: plan,
                temporaryMiB: Self.blankTemporaryMiB
            )
        } catch {
            release(slot: slot)
            throw error
        }
    }

    /// A sandbox that others can be made below, with its walls up.
    func makeZygote(_ id: ZygoteID, runtime: RuntimeDefinition) async throws -> Sandbox {
        let slot = slots.withLock { $0.take() }
        do {
            let limits = SandboxLimits(
                memoryMiB: Self.zygoteMemoryMiB,
                processesMax: UInt32(LimitsProfile.processesMax)
            )
            var plan = plan(mounts(of: runtime), temporaryMiB: 1, memoryMiB: 1)
            plan.role = .zygote
            // Nothing is written there: it needs no file system of its own on a disk.
            return try await Sandbox.make(
                SandboxRequest(
                    id: Self.zygoteIDs + id.number,
                    slot: slot,
                    limits: limits,
                    temporary: nil,
                    kinship: .zygote
                ),
                plan: plan,
                spawner: spawner,
                reactor: reactor
            )
        } catch {
            release(slot: slot)
            throw error
        }
    }

    /// No limit: some 2 MiB of each child, which it wrote to before it came to a control group of its own, count here as long as it lives.
    private static let zygoteMemoryMiB: UInt32 = 1 << 20

    /// /tmp of every blank sandbox: what nearly all functions have.
    static let blankTemporaryMiB = LimitsProfile.classic.ephemeralStorageMiB.lowerBound
    private static let blankMemoryMiB = 192
    /// Ids of sandboxes: below it those of environments.
    private static let blankIDs: UInt64 = 1 << 48
    private static let zygoteIDs: UInt64 = 1 << 49
    static let snapshotIDs: UInt64 = 1 << 50
    /// Ids of every function's processes, as on Lambda.
    static let (userID, groupID): (UInt32, UInt32) = (993, 990)

    /// Builds a sandbox and tears it down: fails with the step that this host does not allow.
    package func probe() async throws {
        var mounts = mounts
        mounts.append(.init(source: "\(store.path)/code", target: "var/task", kind: .readOnly))
        let size = LimitsProfile.classic.ephemeralStorageMiB.lowerBound
        let sandbox = try await make(
            SandboxRequest(
                id: 0,
                slot: 0,
                limits: SandboxLimits(memoryMiB: 128, processesMax: 16),
                temporary: nil
            ),
            plan: plan(mounts, temporaryMiB: UInt32(size), memoryMiB: 128),
            temporaryMiB: size
        )
        await sandbox.destroy()
    }

    package var hasMemoryGroup: Bool { spawner.controlGroups.has("memory") }

    /// Whether a process that has run a function's code can be forked from: control groups hold it, and a spawner that is root makes what
    /// is below it such that it can't look inside (`clinux_clone_beneath`).
    var holdsSnapshots: Bool {
        geteuid() == 0 && ["memory", "pids", "cpu", "freezer"].allSatisfy(spawner.controlGroups.has)
    }

    /// What a process may take beyond the limit until it is seen: more than this it could hardly touch in the interval.
    private static let memoryOvershootMiB: UInt32 = 1_024

    /// RLIMIT_DATA of each process of a function with that memory: where no control group holds it.
    func dataMiB(of memoryMiB: Int) -> UInt32 { hasMemoryGroup ? 0 : UInt32(memoryMiB) + Self.memoryOvershootMiB }

    /// After the sandbox is destroyed: its subordinate user id may be another's.
    package func release(slot: UInt32) { slots.withLock { $0.release(slot) } }

    private func make(
        _ request: SandboxRequest,
        plan: SandboxPlan,
        temporaryMiB: Int
    ) async throws -> Sandbox {
        let (spawner, reactor) = (spawner, reactor)
        guard let temporaries else {
            return try await Sandbox.make(request, plan: plan, spawner: spawner, reactor: reactor)
        }
        return try await temporaries.use(sizeMiB: temporaryMiB) { number in
            var request = request
            request.temporary = number
            return try await Sandbox.make(request, plan: plan, spawner: spawner, reactor: reactor)
        }
    }

    private func plan(
        _ configuration: FunctionConfiguration,
        _ runtime: RuntimeDefinition,
        _ code: UnpackedCode
    ) -> SandboxPlan {
        var mounts = mounts(of: runtime)
        mounts.append(.init(source: code.task, target: "var/task", kind: .readOnly))
        let layers = code.layers ?? "\(store.path)/\(SandboxStore.root)/empty"
        mounts.append(.init(source: layers, target: "opt", kind: .readOnly))
        return plan(
            mounts,
            temporaryMiB: UInt32(configuration.ephemeralStorageMiB),
            memoryMiB: UInt32(configuration.memoryMiB)
        )
    }

    private func mounts(of runtime: RuntimeDefinition) -> [SandboxPlan.Mount] {
        // A runtime that was found below /usr/local needs what is there; otherwise it is covered.
        let needsLocal = runtime.executables.contains { $0.hasPrefix("/usr/local/") }
        return mounts.filter { !needsLocal || $0.target != "usr/local" }
            + runtime.mounts.map { .init(source: $0.host, target: String($0.inside.dropFirst()), kind: .readOnly) }
    }

    private func plan(_ mounts: [SandboxPlan.Mount], temporaryMiB: UInt32, memoryMiB: UInt32) -> SandboxPlan {
        SandboxPlan(
            root: "\(store.path)/\(SandboxStore.root)",
            mounts: mounts,
            temporaryMiB: temporaryMiB,
            sharedMemoryMiB: memoryMiB,
            userID: Self.userID,
            groupID: Self.groupID
        )
    }
}

extension SandboxPlan.Role {
    fileprivate init(_ kinship: SandboxKinship) {
        switch kinship {
        case .none: self = .alone
        case .zygote: self = .zygote
        case .snapshot: self = .snapshot
        case .below: self = .below
        }
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
