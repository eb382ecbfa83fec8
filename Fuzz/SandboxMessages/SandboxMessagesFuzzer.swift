// SPDX-License-Identifier: Apache-2.0
@testable import LinuxSandbox

/// First byte even: bytes to be read as each kind of control message; odd: messages to be written and read.
///
/// There is one way only to write a message, so that what is read must be what would have been written.
func fuzz(_ bytes: [UInt8]) {
    var input = FuzzInput(bytes)
    if input.flag() { return written(&input) }
    let bytes = input.remainder()
    if let message = try? SpawnerRequest(decoding: bytes) { expect(message.encode() == bytes, "\(message)") }
    if let message = try? SpawnerReply(decoding: bytes) { expect(message.encode() == bytes, "\(message)") }
    if let message = try? InitRequest(decoding: bytes) { expect(message.encode() == bytes, "\(message)") }
    if let message = try? InitReply(decoding: bytes) { expect(message.encode() == bytes, "\(message)") }
}

private func written(_ input: inout FuzzInput) {
    let kind = input.below(25)
    switch kind {
    case 0: same(.configure(configuration(&input)))
    case 1: same(.prepareTemporary(number: input.number()))
    case 2: same(.discardTemporary(number: input.number()))
    case 3:
        let limits = SandboxLimits(memoryMiB: input.number(), processesMax: input.number())
        expect(limits.processorQuotaMicroseconds >= 1_000, "a quota is never nothing")
        let temporary: UInt64? = input.flag() ? input.number() : nil
        same(
            .make(
                SandboxRequest(
                    id: input.number(),
                    slot: input.number(),
                    limits: limits,
                    temporary: temporary,
                    isBlank: input.flag(),
                    kinship: kinship(&input)
                )
            )
        )
    case 4: same(.destroy(id: input.number()))
    case 5:
        let summary = ControlGroupSummary(version: input.number(), missing: texts(&input))
        same(SpawnerReply.configured(summary, sumsLimits: input.flag()))
    case 6: same(SpawnerReply.configurationFailed(error(&input)))
    case 7: same(SpawnerReply.makeFailed(id: input.number(), error(&input)))
    case 8: same(SpawnerReply.prepareFailed(number: input.number(), error(&input)))
    case 9: same(InitRequest.build(plan(&input)))
    case 10: same(InitRequest.run(process(&input)))
    case 11: same(InitRequest.signal(process: input.number(), input.number()))
    case 12: same(InitReply.failed(error(&input)))
    case 13: same(InitReply.built(hasIPv6: input.flag()))
    case 14: same(InitReply.startFailed(process: input.number(), errno: input.number()))
    case 15: same(InitReply.exited(process: input.number(), status: input.number()))
    case 16: same(InitReply.memory(residentKibibytes: input.number(), peakKibibytes: input.number()))
    case 17: same(.adopt(id: input.number()))
    case 18: same(SpawnerReply.adopted(id: input.number()))
    case 19: same(SpawnerReply.adoptFailed(id: input.number(), error(&input)))
    case 20: same(InitRequest.adopt(process: input.number(), pid: input.number()))
    case 21: same(SpawnerRequest.limitMemory(id: input.number(), memoryMiB: input.number()))
    case 22: same(SpawnerReply.memoryLimited(id: input.number()))
    case 23: same(SpawnerReply.memoryLimitFailed(id: input.number(), error(&input)))
    default: same(SpawnerReply.gone(id: input.number()))
    }
}

private func same(_ message: SpawnerRequest) {
    expect((try? SpawnerRequest(decoding: message.encode())) == message, "\(message)")
}

private func same(_ message: SpawnerReply) {
    expect((try? SpawnerReply(decoding: message.encode())) == message, "\(message)")
}

private func same(_ message: InitRequest) {
    expect((try? InitRequest(decoding: message.encode())) == message, "\(message)")
}

private func same(_ message: InitReply) {
    expect((try? InitReply(decoding: message.encode())) == message, "\(message)")
}

private func kinship(_ input: inout FuzzInput) -> SandboxKinship {
    switch input.below(4) {
    case 0: .none
    case 1: .zygote
    case 2: .snapshot
    default: .below(zygote: input.number())
    }
}

/// A NUL has no place in a message's text.
private func text(_ input: inout FuzzInput) -> String { input.text(40).replacing("\0", with: "0") }

private func texts(_ input: inout FuzzInput) -> [String] { (0..<input.below(6)).map { _ in text(&input) } }

private func error(_ input: inout FuzzInput) -> SyscallError {
    SyscallError(call: text(&input), errno: input.number(), subject: text(&input))
}

private func configuration(_ input: inout FuzzInput) -> SpawnerConfiguration {
    SpawnerConfiguration(
        storePath: text(&input),
        storeMiB: input.number(),
        controlGroupName: text(&input),
        memoryMiB: input.number(),
        firstUserID: input.number(),
        systemCallFilter: input.bytes(),
        zygoteFilter: input.bytes(),
        snapshotFilter: input.bytes(),
        network: NetworkProgram(
            messages: (0..<input.below(5)).map { _ in
                .init(netlinkProtocol: input.number(), acknowledgements: Int(input.byte()), bytes: input.bytes())
            }
        )
    )
}

private func plan(_ input: inout FuzzInput) -> SandboxPlan {
    SandboxPlan(
        root: text(&input),
        mounts: (0..<input.below(6)).map { _ in
            .init(source: text(&input), target: text(&input), kind: input.flag() ? .device : .readOnly)
        },
        temporaryMiB: input.number(),
        sharedMemoryMiB: input.number(),
        userID: input.number(),
        groupID: input.number(),
        role: [.alone, .zygote, .below, .snapshot][Int(input.below(4))]
    )
}

private func process(_ input: inout FuzzInput) -> ProcessPlan {
    let hasTelemetry = input.flag()
    let isBlank = hasTelemetry && input.flag()
    let isZygote = input.flag()
    return ProcessPlan(
        number: input.number(),
        executables: texts(&input),
        arguments: texts(&input),
        environment: texts(&input),
        workingDirectory: text(&input),
        hasTelemetry: hasTelemetry,
        isBlank: isBlank,
        isZygote: isZygote,
        waits: !isBlank && !isZygote && input.flag(),
        dataMiB: input.number()
    )
}
