// SPDX-License-Identifier: Apache-2.0

/// Server to a sandbox's init, over the socket that the spawner handed on unread.
package enum InitRequest: Equatable, Sendable {
    /// First message: how the sandbox looks.
    case build(SandboxPlan)
    /// Start a process. Descriptors: its standard output and error; the telemetry log, if `hasTelemetry`; the socket over
    /// which it hears whose it is, if `isBlank`, or that it may go on, if `waits`.
    ///
    /// Init does nothing else until a process that waits has gone on.
    case run(ProcessPlan)
    /// A process that a zygote forked, by the number that it has inside, is called `process` from now on: as if `run` had started it.
    ///
    /// Where there is no such child of init's it has ended, which is not told.
    case adopt(process: UInt32, pid: Int32)
    /// A signal to a process that was started by that number and may have ended.
    case signal(process: UInt32, Int32)
    /// Kill every process but init, and say so when all are reaped. Files stay.
    case killAll
    /// SIGSTOP or SIGCONT to every process: what stands in for the freezer where there is no control group.
    case stopAll
    case continueAll
    /// The processes' memory, where there is no control group to ask.
    case measureMemory(limitKibibytes: UInt64)
    /// A TCP socket of the sandbox's network namespace, not connected, for the server to connect to something inside.
    case openSocket
}

/// A sandbox's init to the server.
///
/// The init shares its namespaces with the function, so the server believes none of this beyond what it does to the one
/// sandbox.
package enum InitReply: Equatable, Sendable {
    /// Descriptors in the order of `ListenerKind`, without the IPv6 one where `hasIPv6` is false.
    case built(hasIPv6: Bool)
    case failed(SyscallError)
    /// The process could not be started: errno of execve(2).
    case startFailed(process: UInt32, errno: Int32)
    /// wait(2) status of the process. Its children may still run.
    case exited(process: UInt32, status: Int32)
    case allKilled
    /// Sums of the processes' resident sizes, and of the largest that each has had.
    case memory(residentKibibytes: UInt64, peakKibibytes: UInt64)
    /// The answer to `openSocket`, in order: one descriptor; or none, and why.
    case socket(errno: Int32)
}

/// The sockets opened inside the sandbox's network namespace and served by the server.
package enum ListenerKind: Int, CaseIterable, Sendable {
    case runtimeAPI
    case egressIPv4
    case resolverUDP
    case resolverTCP
    case egressIPv6
}

/// The file system of a sandbox.
///
/// Paths in `source` are the host's, those in `target` are relative to the new root.
package struct SandboxPlan: Equatable, Sendable {
    package struct Mount: Equatable, Sendable {
        package enum Kind: UInt8, Sendable {
            /// Read-only, no devices, no setuid.
            case readOnly
            /// A device node.
            case device
        }

        package var source: String
        package var target: String
        package var kind: Kind

        package init(source: String, target: String, kind: Kind) {
            self.source = source
            self.target = target
            self.kind = kind
        }
    }

    /// Directory that becomes `/`, with every mount's target in it.
    package var root: String
    package var mounts: [Mount]
    /// Size of the tmpfs at /tmp where no image was given.
    package var temporaryMiB: UInt32
    package var sharedMemoryMiB: UInt32
    /// Ids inside.
    package var userID: UInt32
    package var groupID: UInt32
    package var role: Role

    /// What namespaces may be made in the sandbox's user namespace, or below it.
    package enum Role: UInt8, Sendable {
        case alone
        /// Other sandboxes are made below it.
        case zygote
        /// A process comes in, and makes a namespace of control groups.
        case below
        /// As a zygote's, of one version of a function.
        case snapshot
    }

    package init(
        root: String,
        mounts: [Mount],
        temporaryMiB: UInt32,
        sharedMemoryMiB: UInt32,
        userID: UInt32,
        groupID: UInt32,
        role: Role = .alone
    ) {
        self.root = root
        self.mounts = mounts
        self.temporaryMiB = temporaryMiB
        self.sharedMemoryMiB = sharedMemoryMiB
        self.userID = userID
        self.groupID = groupID
        self.role = role
    }

    /// Of a tmpfs of that size, at most.
    package static func inodes(sizeMiB: UInt32) -> UInt32 { max(4_096, sizeMiB * 64) }
}

/// A process of the function's: its runtime, or an extension.
package struct ProcessPlan: Equatable, Sendable {
    /// What the process is called in requests and replies, until `killAll`.
    package var number: UInt32
    /// Tried in order; the first that exists is executed.
    package var executables: [String]
    /// Without the zeroth, which is the executable.
    package var arguments: [String]
    /// `NAME=VALUE`.
    package var environment: [String]
    package var workingDirectory: String
    package var hasTelemetry: Bool
    /// It is started before it is known whose it is; it has the telemetry log too.
    package var isBlank: Bool
    /// It forks into sandboxes below its own.
    package var isZygote: Bool
    /// Its files may not be there yet: it executes nothing before it has heard so, and ends when nobody is left to say it.
    package var waits: Bool
    /// RLIMIT_DATA of each process, where no control group holds the memory; 0 for none.
    package var dataMiB: UInt32

    package init(
        number: UInt32 = ProcessPlan.runtimeNumber,
        executables: [String],
        arguments: [String],
        environment: [String],
        workingDirectory: String,
        hasTelemetry: Bool,
        isBlank: Bool = false,
        isZygote: Bool = false,
        waits: Bool = false,
        dataMiB: UInt32
    ) {
        precondition(hasTelemetry || !isBlank, "the descriptors of a process have no gap")
        precondition(!waits || !(isBlank || isZygote), "one socket is heard of")
        self.number = number
        self.executables = executables
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.hasTelemetry = hasTelemetry
        self.isBlank = isBlank
        self.isZygote = isZygote
        self.waits = waits
        self.dataMiB = dataMiB
    }

    package static let runtimeNumber: UInt32 = 0
    /// Of a runtime's process that was started before the function's code was there.
    package static let blankNumber: UInt32 = .max
    /// Processes that init keeps count of at once, at most.
    package static let processesMax = 16
    /// Descriptor of the telemetry log in the runtime's process.
    package static let telemetryDescriptor: CInt = 3
    /// Descriptor over which a blank process hears whose it is.
    package static let assignmentDescriptor: CInt = 4
    /// How many descriptors come with the request.
    package var descriptorsCount: Int { 1 + (hasTelemetry ? 1 : 0) + (isBlank || waits ? 1 : 0) }
}

extension InitRequest {
    package func encode() -> [UInt8] {
        var writer = MessageWriter()
        switch self {
        case .build(let plan):
            writer.write(UInt8(1))
            writer.write(plan.root)
            writer.write(UInt32(plan.mounts.count))
            for mount in plan.mounts {
                writer.write(mount.source)
                writer.write(mount.target)
                writer.write(mount.kind.rawValue)
            }
            writer.write(plan.temporaryMiB)
            writer.write(plan.sharedMemoryMiB)
            writer.write(plan.userID)
            writer.write(plan.groupID)
            writer.write(plan.role.rawValue)
        case .run(let plan):
            writer.write(UInt8(2))
            writer.write(plan.number)
            writer.write(plan.executables)
            writer.write(plan.arguments)
            writer.write(plan.environment)
            writer.write(plan.workingDirectory)
            writer.write(plan.hasTelemetry)
            writer.write(plan.isBlank)
            writer.write(plan.isZygote)
            writer.write(plan.waits)
            writer.write(plan.dataMiB)
        case .killAll: writer.write(UInt8(3))
        case .stopAll: writer.write(UInt8(4))
        case .continueAll: writer.write(UInt8(5))
        case .measureMemory(let limit):
            writer.write(UInt8(6))
            writer.write(limit)
        case .signal(let process, let signal):
            writer.write(UInt8(7))
            writer.write(process)
            writer.write(signal)
        case .openSocket: writer.write(UInt8(8))
        case .adopt(let process, let pid):
            writer.write(UInt8(9))
            writer.write(process)
            writer.write(pid)
        }
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(MalformedMessage) {
        var reader = MessageReader(bytes)
        switch try reader.number(UInt8.self) {
        case 1:
            let root = try reader.text()
            var mounts: [SandboxPlan.Mount] = []
            for _ in 0..<(try reader.count(max: 256)) {
                let (source, target) = (try reader.text(), try reader.text())
                guard let kind = SandboxPlan.Mount.Kind(rawValue: try reader.number()) else { throw MalformedMessage() }
                mounts.append(SandboxPlan.Mount(source: source, target: target, kind: kind))
            }
            var plan = SandboxPlan(
                root: root,
                mounts: mounts,
                temporaryMiB: try reader.number(),
                sharedMemoryMiB: try reader.number(),
                userID: try reader.number(),
                groupID: try reader.number()
            )
            guard let role = SandboxPlan.Role(rawValue: try reader.number()) else { throw MalformedMessage() }
            plan.role = role
            self = .build(plan)
        case 2: self = .run(try ProcessPlan(from: &reader))
        case 3: self = .killAll
        case 4: self = .stopAll
        case 5: self = .continueAll
        case 6: self = .measureMemory(limitKibibytes: try reader.number())
        case 7: self = .signal(process: try reader.number(), try reader.number())
        case 8: self = .openSocket
        case 9: self = .adopt(process: try reader.number(), pid: try reader.number())
        default: throw MalformedMessage()
        }
        try reader.end()
    }
}

extension InitReply {
    package func encode() -> [UInt8] {
        var writer = MessageWriter()
        switch self {
        case .built(let hasIPv6):
            writer.write(UInt8(1))
            writer.write(hasIPv6)
        case .failed(let error):
            writer.write(UInt8(2))
            error.write(to: &writer)
        case .startFailed(let process, let errno):
            writer.write(UInt8(3))
            writer.write(process)
            writer.write(errno)
        case .exited(let process, let status):
            writer.write(UInt8(4))
            writer.write(process)
            writer.write(status)
        case .allKilled: writer.write(UInt8(5))
        case .memory(let resident, let peak):
            writer.write(UInt8(6))
            writer.write(resident)
            writer.write(peak)
        case .socket(let errno):
            writer.write(UInt8(7))
            writer.write(errno)
        }
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(MalformedMessage) {
        var reader = MessageReader(bytes)
        switch try reader.number(UInt8.self) {
        case 1: self = .built(hasIPv6: try reader.flag())
        case 2: self = .failed(try SyscallError(from: &reader))
        case 3: self = .startFailed(process: try reader.number(), errno: try reader.number())
        case 4: self = .exited(process: try reader.number(), status: try reader.number())
        case 5: self = .allKilled
        case 6: self = .memory(residentKibibytes: try reader.number(), peakKibibytes: try reader.number())
        case 7: self = .socket(errno: try reader.number())
        default: throw MalformedMessage()
        }
        try reader.end()
    }
}

extension ProcessPlan {
    init(from reader: inout MessageReader) throws(MalformedMessage) {
        number = try reader.number()
        executables = try reader.texts()
        arguments = try reader.texts()
        environment = try reader.texts()
        workingDirectory = try reader.text()
        hasTelemetry = try reader.flag()
        isBlank = try reader.flag()
        isZygote = try reader.flag()
        waits = try reader.flag()
        dataMiB = try reader.number()
        guard hasTelemetry || !isBlank, !waits || !(isBlank || isZygote) else { throw MalformedMessage() }
    }
}
