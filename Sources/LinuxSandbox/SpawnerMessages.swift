// SPDX-License-Identifier: Apache-2.0

/// Server to spawner.
///
/// The spawner parses nothing that a user wrote: numbers, the policy's bytes, and the operator's paths.
package enum SpawnerRequest: Equatable, Sendable {
    /// First message. No descriptors.
    case configure(SpawnerConfiguration)
    /// Mount a file system for the /tmp of a sandbox that is still to be made.
    ///
    /// Descriptors: its ext4 image. The number is the server's, and not used again.
    case prepareTemporary(number: UInt64)
    /// Give back a prepared file system that no sandbox will have; one that is not there any more is no mistake. Not answered.
    case discardTemporary(number: UInt64)
    /// Descriptors: the init's control socket.
    case make(SandboxRequest)
    /// Give a sandbox that was made without a function what belongs to its function; at most once. Answered by `assigned`.
    case assign(AssignmentRequest)
    /// A zygote's process has come into the sandbox: it belongs to its control groups from now on. Answered by `adopted`.
    case adopt(id: UInt64)
    /// What the sandbox's processes may have together from now on. Answered by `memoryLimited`.
    case limitMemory(id: UInt64, memoryMiB: UInt32)
    /// Kill everything in the sandbox and give back what it had. Answered by `gone`.
    case destroy(id: UInt64)
}

/// Spawner to server.
package enum SpawnerReply: Equatable, Sendable {
    /// Descriptors: the directory of the memory-backed store.
    ///
    /// `sumsLimits`: what the kernel counts for a user has a limit for all sandboxes below one zygote together, which each would
    /// otherwise have for itself.
    case configured(ControlGroupSummary, sumsLimits: Bool)
    case configurationFailed(SyscallError)
    case prepared(number: UInt64)
    case prepareFailed(number: UInt64, SyscallError)
    /// Descriptors: one for each file of `ControlGroupFile` that the summary's version has, in that order; then, for a sandbox below
    /// a zygote's, one for each of `SandboxNamespace`.
    case made(id: UInt64)
    case makeFailed(id: UInt64, SyscallError)
    case assigned(id: UInt64)
    case assignFailed(id: UInt64, SyscallError)
    case adopted(id: UInt64)
    case adoptFailed(id: UInt64, SyscallError)
    case memoryLimited(id: UInt64)
    case memoryLimitFailed(id: UInt64, SyscallError)
    /// The sandbox's init is dead and reaped, and its control groups are removed.
    case gone(id: UInt64)
}

package struct SpawnerConfiguration: Equatable, Sendable {
    /// An existing directory, over which the spawner mounts the store in its own mount namespace.
    package var storePath: String
    /// Bound of the store.
    package var storeMiB: UInt32
    /// Name of the control groups below which every sandbox's are made; what an earlier run left there is removed.
    package var controlGroupName: String
    /// Of all sandboxes together, which the kernel enforces: beyond it a process of theirs is killed, not one of the machine's.
    package var memoryMiB: UInt32
    /// First of the subordinate user and group ids that sandboxes get when the spawner is root.
    package var firstUserID: UInt32
    package var systemCallFilter: [UInt8]
    /// What a zygote's sandbox has in its place: it lets the zygote's children enter the sandboxes made for them.
    package var zygoteFilter: [UInt8]
    /// The same where the zygote runs a function's code.
    package var snapshotFilter: [UInt8]
    package var network: NetworkProgram

    package init(
        storePath: String,
        storeMiB: UInt32,
        controlGroupName: String,
        memoryMiB: UInt32,
        firstUserID: UInt32,
        systemCallFilter: [UInt8],
        zygoteFilter: [UInt8],
        snapshotFilter: [UInt8],
        network: NetworkProgram
    ) {
        self.storePath = storePath
        self.storeMiB = storeMiB
        self.controlGroupName = controlGroupName
        self.memoryMiB = memoryMiB
        self.firstUserID = firstUserID
        self.systemCallFilter = systemCallFilter
        self.zygoteFilter = zygoteFilter
        self.snapshotFilter = snapshotFilter
        self.network = network
    }
}

package struct SandboxRequest: Equatable, Sendable {
    package var id: UInt64
    /// Which of the subordinate ids this sandbox gets; unique among the living ones.
    package var slot: UInt32
    package var limits: SandboxLimits
    /// The prepared file system that becomes the sandbox's /tmp, and is nobody else's, however the request ends; nil for a tmpfs.
    package var temporary: UInt64?
    /// It is made ahead of need and has no code yet: `assign` follows.
    package var isBlank: Bool
    package var kinship: SandboxKinship

    package init(
        id: UInt64,
        slot: UInt32,
        limits: SandboxLimits,
        temporary: UInt64?,
        isBlank: Bool = false,
        kinship: SandboxKinship = .none
    ) {
        self.id = id
        self.slot = slot
        self.limits = limits
        self.temporary = temporary
        self.isBlank = isBlank
        self.kinship = kinship
    }
}

/// Whether processes of one sandbox come into existence by fork in another.
package enum SandboxKinship: Equatable, Sendable {
    case none
    /// Its process forks into sandboxes below: it ends after them, and they with it.
    case zygote
    /// The same, and its process runs a function's code: it may not be what it should.
    case snapshot
    /// Its user and pid namespaces are below those of that zygote's sandbox, whose user owns them.
    case below(zygote: UInt64)

    /// Others are below it.
    package var isZygote: Bool { self == .zygote || self == .snapshot }
}

/// What the child of a zygote enters, in the order in which it may, and in which they are handed over.
package enum SandboxNamespace: String, CaseIterable, Sendable {
    case user, mnt, net, ipc, uts, pid
}

/// What a sandbox gets when it becomes a function's.
package struct AssignmentRequest: Equatable, Sendable {
    package var id: UInt64
    /// Of the function: the sandbox may have been made with less, never with more.
    package var memoryMiB: UInt32
    /// Names of directories in the store's `code`: for /var/task, and for /opt unless that stays empty.
    package var code: String
    package var layers: String?

    package init(id: UInt64, memoryMiB: UInt32, code: String, layers: String?) {
        self.id = id
        self.memoryMiB = memoryMiB
        self.code = code
        self.layers = layers
    }

    /// Directory of the store that has all unpacked code.
    package static let codeDirectory = "code"

    /// Whether it is the name of a directory in `code`, and leads nowhere else.
    package static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 255 && !name.hasPrefix(".") && !name.utf8.contains(UInt8(ascii: "/"))
    }
}

package struct SandboxLimits: Equatable, Sendable {
    package var memoryMiB: UInt32
    package var processesMax: UInt32

    package init(memoryMiB: UInt32, processesMax: UInt32) {
        self.memoryMiB = memoryMiB
        self.processesMax = processesMax
    }

    /// CPU time for each `ControlGroups.period`: 1,769 MB is one core, as on Lambda.
    package var processorQuotaMicroseconds: Int {
        max(1_000, ControlGroups.periodMicroseconds * Int(memoryMiB) / 1_769)
    }
}

/// Longest control message.
package let controlMessageBytesMax = 128 * 1_024

extension SpawnerRequest {
    package func encode() -> [UInt8] {
        var writer = MessageWriter()
        switch self {
        case .configure(let configuration):
            writer.write(UInt8(1))
            writer.write(configuration.storePath)
            writer.write(configuration.storeMiB)
            writer.write(configuration.controlGroupName)
            writer.write(configuration.memoryMiB)
            writer.write(configuration.firstUserID)
            writer.write(configuration.systemCallFilter)
            writer.write(configuration.zygoteFilter)
            writer.write(configuration.snapshotFilter)
            configuration.network.write(to: &writer)
        case .make(let request):
            writer.write(UInt8(2))
            writer.write(request.id)
            writer.write(request.slot)
            writer.write(request.limits.memoryMiB)
            writer.write(request.limits.processesMax)
            writer.write(request.temporary != nil)
            if let temporary = request.temporary { writer.write(temporary) }
            writer.write(request.isBlank)
            request.kinship.write(to: &writer)
        case .destroy(let id):
            writer.write(UInt8(3))
            writer.write(id)
        case .prepareTemporary(let number):
            writer.write(UInt8(4))
            writer.write(number)
        case .discardTemporary(let number):
            writer.write(UInt8(5))
            writer.write(number)
        case .assign(let request):
            writer.write(UInt8(6))
            writer.write(request.id)
            writer.write(request.memoryMiB)
            writer.write(request.code)
            writer.write(request.layers != nil)
            if let layers = request.layers { writer.write(layers) }
        case .adopt(let id):
            writer.write(UInt8(7))
            writer.write(id)
        case .limitMemory(let id, let memoryMiB):
            writer.write(UInt8(8))
            writer.write(id)
            writer.write(memoryMiB)
        }
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(MalformedMessage) {
        var reader = MessageReader(bytes)
        switch try reader.number(UInt8.self) {
        case 1:
            self = .configure(
                SpawnerConfiguration(
                    storePath: try reader.text(),
                    storeMiB: try reader.number(),
                    controlGroupName: try reader.text(),
                    memoryMiB: try reader.number(),
                    firstUserID: try reader.number(),
                    systemCallFilter: try reader.content(),
                    zygoteFilter: try reader.content(),
                    snapshotFilter: try reader.content(),
                    network: try NetworkProgram(from: &reader)
                )
            )
        case 2:
            self = .make(
                SandboxRequest(
                    id: try reader.number(),
                    slot: try reader.number(),
                    limits: SandboxLimits(memoryMiB: try reader.number(), processesMax: try reader.number()),
                    temporary: try reader.flag() ? try reader.number() : nil,
                    isBlank: try reader.flag(),
                    kinship: try SandboxKinship(from: &reader)
                )
            )
        case 3: self = .destroy(id: try reader.number())
        case 4: self = .prepareTemporary(number: try reader.number())
        case 5: self = .discardTemporary(number: try reader.number())
        case 6:
            self = .assign(
                AssignmentRequest(
                    id: try reader.number(),
                    memoryMiB: try reader.number(),
                    code: try reader.text(),
                    layers: try reader.flag() ? try reader.text() : nil
                )
            )
        case 7: self = .adopt(id: try reader.number())
        case 8: self = .limitMemory(id: try reader.number(), memoryMiB: try reader.number())
        default: throw MalformedMessage()
        }
        try reader.end()
    }
}

extension SpawnerReply {
    package func encode() -> [UInt8] {
        var writer = MessageWriter()
        switch self {
        case .configured(let summary, let sumsLimits):
            writer.write(UInt8(1))
            writer.write(summary.version)
            writer.write(summary.missing)
            writer.write(sumsLimits)
        case .configurationFailed(let error):
            writer.write(UInt8(2))
            error.write(to: &writer)
        case .made(let id):
            writer.write(UInt8(3))
            writer.write(id)
        case .makeFailed(let id, let error):
            writer.write(UInt8(4))
            writer.write(id)
            error.write(to: &writer)
        case .gone(let id):
            writer.write(UInt8(5))
            writer.write(id)
        case .prepared(let number):
            writer.write(UInt8(6))
            writer.write(number)
        case .prepareFailed(let number, let error):
            writer.write(UInt8(7))
            writer.write(number)
            error.write(to: &writer)
        case .assigned(let id):
            writer.write(UInt8(8))
            writer.write(id)
        case .assignFailed(let id, let error):
            writer.write(UInt8(9))
            writer.write(id)
            error.write(to: &writer)
        case .adopted(let id):
            writer.write(UInt8(10))
            writer.write(id)
        case .adoptFailed(let id, let error):
            writer.write(UInt8(11))
            writer.write(id)
            error.write(to: &writer)
        case .memoryLimited(let id):
            writer.write(UInt8(12))
            writer.write(id)
        case .memoryLimitFailed(let id, let error):
            writer.write(UInt8(13))
            writer.write(id)
            error.write(to: &writer)
        }
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(MalformedMessage) {
        var reader = MessageReader(bytes)
        switch try reader.number(UInt8.self) {
        case 1:
            self = .configured(
                ControlGroupSummary(version: try reader.number(), missing: try reader.texts()),
                sumsLimits: try reader.flag()
            )
        case 2: self = .configurationFailed(try SyscallError(from: &reader))
        case 3: self = .made(id: try reader.number())
        case 4: self = .makeFailed(id: try reader.number(), try SyscallError(from: &reader))
        case 5: self = .gone(id: try reader.number())
        case 6: self = .prepared(number: try reader.number())
        case 7: self = .prepareFailed(number: try reader.number(), try SyscallError(from: &reader))
        case 8: self = .assigned(id: try reader.number())
        case 9: self = .assignFailed(id: try reader.number(), try SyscallError(from: &reader))
        case 10: self = .adopted(id: try reader.number())
        case 11: self = .adoptFailed(id: try reader.number(), try SyscallError(from: &reader))
        case 12: self = .memoryLimited(id: try reader.number())
        case 13: self = .memoryLimitFailed(id: try reader.number(), try SyscallError(from: &reader))
        default: throw MalformedMessage()
        }
        try reader.end()
    }
}

extension SandboxKinship {
    func write(to writer: inout MessageWriter) {
        switch self {
        case .none: writer.write(UInt8(0))
        case .zygote: writer.write(UInt8(1))
        case .snapshot: writer.write(UInt8(3))
        case .below(let zygote):
            writer.write(UInt8(2))
            writer.write(zygote)
        }
    }

    init(from reader: inout MessageReader) throws(MalformedMessage) {
        switch try reader.number(UInt8.self) {
        case 0: self = .none
        case 1: self = .zygote
        case 2: self = .below(zygote: try reader.number())
        case 3: self = .snapshot
        default: throw MalformedMessage()
        }
    }
}
