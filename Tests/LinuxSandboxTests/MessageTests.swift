// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import LinuxSandbox

/// Control messages arrive as they were sent, and anything else is refused whole.
struct MessageTests {
    static let spawnerRequests: [SpawnerRequest] = [
        .configure(
            SpawnerConfiguration(
                storePath: "/var/lib/martlet/sandboxes",
                storeMiB: 4_096,
                controlGroupName: "martlet-1",
                memoryMiB: 6_400,
                firstUserID: 7,
                systemCallFilter: [1, 2, 3],
                zygoteFilter: [4, 5],
                snapshotFilter: [6],
                network: NetworkProgram(messages: [.init(netlinkProtocol: 12, acknowledgements: 3, bytes: [9, 8])])
            )
        ),
        .make(
            SandboxRequest(
                id: .max,
                slot: 3,
                limits: SandboxLimits(memoryMiB: 128, processesMax: 1_024),
                temporary: .max
            )
        ),
        .make(
            SandboxRequest(
                id: 1,
                slot: 0,
                limits: SandboxLimits(memoryMiB: 1, processesMax: 1),
                temporary: nil
            )
        ),
        .make(
            SandboxRequest(
                id: 2,
                slot: 1,
                limits: SandboxLimits(memoryMiB: 128, processesMax: 1),
                temporary: 3,
                isBlank: true
            )
        ),
        .make(
            SandboxRequest(
                id: 3,
                slot: 2,
                limits: SandboxLimits(memoryMiB: 128, processesMax: 1),
                temporary: nil,
                kinship: .zygote
            )
        ),
        .make(
            SandboxRequest(
                id: 4,
                slot: 3,
                limits: SandboxLimits(memoryMiB: 128, processesMax: 1),
                temporary: nil,
                kinship: .below(zygote: 1 << 49)
            )
        ),
        .make(
            SandboxRequest(
                id: 1 << 50,
                slot: 4,
                limits: SandboxLimits(memoryMiB: 128, processesMax: 1_024),
                temporary: nil,
                kinship: .snapshot
            )
        ),
        .adopt(id: 1 << 48), .limitMemory(id: 1 << 50, memoryMiB: 192),
        .assign(AssignmentRequest(id: .max, memoryMiB: 3_008, code: "a", layers: "b+c")),
        .assign(AssignmentRequest(id: 1, memoryMiB: 128, code: "a", layers: nil)),
        .prepareTemporary(number: 4), .discardTemporary(number: .max),
        .destroy(id: 5),
    ]
    static let spawnerReplies: [SpawnerReply] = [
        .configured(ControlGroupSummary(version: 2, missing: ["cpu"]), sumsLimits: true), .made(id: 1), .gone(id: 2),
        .configurationFailed(SyscallError(call: "unshare", errno: 1)),
        .assigned(id: 4), .assignFailed(id: 5, SyscallError(call: "move_mount", errno: 1, subject: "/opt")),
        .adopted(id: 6), .adoptFailed(id: 7, SyscallError(call: "adopt", errno: 10)), .memoryLimited(id: 8),
        .memoryLimitFailed(id: 9, SyscallError(call: "limit", errno: 3)),
        .prepared(number: 9), .prepareFailed(number: 1, SyscallError(call: "loop", errno: 28)),
        .makeFailed(id: 3, SyscallError(call: "mount", errno: 22, subject: "proc")),
    ]
    static let initRequests: [InitRequest] = [
        .build(
            SandboxPlan(
                root: "/r",
                mounts: [
                    .init(source: "/usr", target: "usr", kind: .readOnly),
                    .init(source: "/dev/null", target: "dev/null", kind: .device),
                ],
                temporaryMiB: 512,
                sharedMemoryMiB: 128,
                userID: 993,
                groupID: 990,
                role: .below
            )
        ),
        .run(
            ProcessPlan(
                executables: ["/a", "/b"],
                arguments: ["", "ü"],
                environment: ["A=b=c"],
                workingDirectory: "/var/task",
                hasTelemetry: true,
                dataMiB: 0
            )
        ),
        .run(
            ProcessPlan(
                executables: ["/a"],
                arguments: [],
                environment: [],
                workingDirectory: "/var/task",
                hasTelemetry: true,
                isBlank: true,
                isZygote: true,
                dataMiB: 7
            )
        ),
        .run(
            ProcessPlan(
                executables: ["/a"],
                arguments: [],
                environment: ["A="],
                workingDirectory: "/var/task",
                hasTelemetry: false,
                waits: true,
                dataMiB: 0
            )
        ),
        .killAll, .stopAll, .continueAll, .measureMemory(limitKibibytes: 131_072), .openSocket, .signal(process: 3, 15),
        .adopt(process: .max, pid: 3),
    ]
    static let initReplies: [InitReply] = [
        .built(hasIPv6: true), .failed(SyscallError(call: "x", errno: 5)), .startFailed(process: 3, errno: 2),
        .exited(process: 0, status: 9),
        .allKilled, .memory(residentKibibytes: 1 << 40, peakKibibytes: 7), .socket(errno: 0), .socket(errno: 24),
    ]

    @Test(arguments: spawnerRequests)
    func `spawner requests`(_ message: SpawnerRequest) throws {
        #expect(try SpawnerRequest(decoding: message.encode()) == message)
        refusesDamage(message.encode()) { _ = try SpawnerRequest(decoding: $0) }
    }

    @Test(arguments: spawnerReplies)
    func `spawner replies`(_ message: SpawnerReply) throws {
        #expect(try SpawnerReply(decoding: message.encode()) == message)
        refusesDamage(message.encode()) { _ = try SpawnerReply(decoding: $0) }
    }

    @Test(arguments: initRequests)
    func `init requests`(_ message: InitRequest) throws {
        #expect(try InitRequest(decoding: message.encode()) == message)
        refusesDamage(message.encode()) { _ = try InitRequest(decoding: $0) }
    }

    @Test(arguments: initReplies)
    func `init replies`(_ message: InitReply) throws {
        #expect(try InitReply(decoding: message.encode()) == message)
        refusesDamage(message.encode()) { _ = try InitReply(decoding: $0) }
    }

    /// Every shorter message, and one with a byte too many.
    private func refusesDamage(_ bytes: [UInt8], _ decode: ([UInt8]) throws -> Void) {
        for count in 0..<bytes.count {
            #expect(throws: MalformedMessage.self, "\(count) of \(bytes.count) bytes") {
                try decode(Array(bytes.prefix(count)))
            }
        }
        #expect(throws: MalformedMessage.self) { try decode(bytes + [0]) }
    }

    @Test func `code is named by a directory's own name`() {
        for name in ["a", "0a-b", "a+b"] { #expect(AssignmentRequest.isName(name)) }
        for name in ["", ".", "..", "../x", "a/b", "/a", String(repeating: "a", count: 256)] {
            #expect(!AssignmentRequest.isName(name))
        }
    }

    @Test func `a count beyond the message is refused, and so is a NUL in a text`() {
        var reader = MessageReader([0xFF, 0xFF, 0xFF, 0xFF, 1])
        #expect(throws: MalformedMessage.self) { try reader.content() }
        var list = MessageReader([0xFF, 0xFF, 0xFF, 0xFF, 1])
        #expect(throws: MalformedMessage.self) { try list.texts() }
        var text = MessageReader([3, 0, 0, 0, 0x61, 0, 0x62])
        #expect(throws: MalformedMessage.self) { try text.text() }
    }

    @Test func `there is one way to write a message, and more than its bounds is none`() {
        #expect(throws: MalformedMessage.self) { try InitReply(decoding: [1, 2]) }
        let message = NetworkProgram.Message(netlinkProtocol: 1, acknowledgements: 0, bytes: [])
        let configuration = SpawnerConfiguration(
            storePath: "",
            storeMiB: 0,
            controlGroupName: "",
            memoryMiB: 0,
            firstUserID: 0,
            systemCallFilter: [],
            zygoteFilter: [],
            snapshotFilter: [],
            network: NetworkProgram(messages: Array(repeating: message, count: 65))
        )
        #expect(throws: MalformedMessage.self) {
            try SpawnerRequest(decoding: SpawnerRequest.configure(configuration).encode())
        }
        let plan = SandboxPlan(
            root: "",
            mounts: Array(repeating: .init(source: "", target: "", kind: .readOnly), count: 257),
            temporaryMiB: 0,
            sharedMemoryMiB: 0,
            userID: 0,
            groupID: 0
        )
        #expect(throws: MalformedMessage.self) { try InitRequest(decoding: InitRequest.build(plan).encode()) }
    }

    @Test func `processor share is in proportion to memory`() {
        func quota(_ memory: UInt32) -> Int {
            SandboxLimits(memoryMiB: memory, processesMax: 1).processorQuotaMicroseconds
        }
        #expect(quota(1_769) == ControlGroups.periodMicroseconds)
        #expect(quota(128) == 1_447)
        #expect(quota(3_008) == 34_007)
        #expect(quota(1) == 1_000)
    }
}
