// SPDX-License-Identifier: Apache-2.0
import Egress
import Glibc
import InvocationCore
import LinuxSandbox
import RuntimeAPI
import Runtimes
import Synchronization

/// An execution environment that is nobody's yet: its walls stand, its sockets are served, its interpreter waits where it has one.
///
/// Only our own code has run in it, or that of the function whose snapshot it was forked from. It becomes one function's, once, or goes.
struct BlankEnvironment: Sendable {
    let sandbox: Sandbox
    let services: SandboxServices
    let runtimeAPI: BlankRuntimeAPI
    let meter: EgressMeter
    let pipes: LogPipes
    /// nil where the function's own program is the first that runs.
    let channel: BlankChannel?
    /// Its process is a fork of another; otherwise it was executed, or there is none.
    let isForked: Bool
    private let foundation: SandboxFoundation

    /// On a machine with much else to do.
    static let startTimeout = Duration.seconds(30)

    /// Returns when its interpreter waits; `onEnd` is called when that ends by itself afterwards.
    ///
    /// A runtime that is the function's own has none: what is ready is the sandbox. The interpreter is a child of the zygote if there is one, and executed anew otherwise. `makeSandbox` is given the sandbox that its own is to be
    /// below, if it is.
    static func start(
        _ runtime: RuntimeDefinition,
        memoryMiB: Int,
        from lease: ZygoteLease?,
        timeout: Duration = startTimeout,
        workshop: EnvironmentWorkshop,
        onEnd: @escaping @Sendable () -> Void,
        makeSandbox: (UInt64?) async throws -> Sandbox
    ) async throws -> BlankEnvironment {
        do {
            let blank = try await begin(
                runtime,
                memoryMiB: memoryMiB,
                lease,
                timeout,
                workshop,
                onEnd: onEnd,
                makeSandbox: makeSandbox
            )
            lease?.came()
            return blank
        } catch {
            lease?.failed()
            throw error
        }
    }

    private static func begin(
        _ runtime: RuntimeDefinition,
        memoryMiB: Int,
        _ lease: ZygoteLease?,
        _ timeout: Duration,
        _ workshop: EnvironmentWorkshop,
        onEnd: @escaping @Sendable () -> Void,
        makeSandbox: (UInt64?) async throws -> Sandbox
    ) async throws -> BlankEnvironment {
        let foundation = workshop.foundation
        let sandbox: Sandbox
        do { sandbox = try await makeSandbox(lease?.zygote.sandbox.id) } catch {
            lease?.end()
            throw error
        }
        if let lease { sandbox.afterwards { lease.end() } }
        let (pipes, channel) = try await startProcess(runtime, memoryMiB: memoryMiB, sandbox, lease, workshop)
        let (meter, runtimeAPI) = (EgressMeter(), BlankRuntimeAPI())
        do {
            let services = try await SandboxServices.start(
                sandbox,
                handler: runtimeAPI,
                meter: meter,
                workshop: workshop,
                logger: workshop.logger
            )
            let blank = BlankEnvironment(
                sandbox: sandbox,
                services: services,
                runtimeAPI: runtimeAPI,
                meter: meter,
                pipes: pipes,
                channel: channel,
                isForked: lease != nil,
                foundation: foundation
            )
            do throws(SyscallError) {
                try await blank.awaitProcess(isForked: lease != nil, timeout, workshop, onEnd: onEnd)
                return blank
            } catch {
                await services.stop()
                throw error
            }
        } catch {
            await destroy(sandbox, pipes, channel, foundation)
            throw error
        }
    }

    private func awaitProcess(
        isForked: Bool,
        _ timeout: Duration,
        _ workshop: EnvironmentWorkshop,
        onEnd: @escaping @Sendable () -> Void
    ) async throws(SyscallError) {
        guard let channel else { return }
        var word: [UInt8]?
        if isForked {
            let pid = try await channel.awaitArrival(on: workshop.reactor, timeout: timeout)
            try await sandbox.adopt(process: ProcessPlan.blankNumber, pid: pid)
            word = BlankChannel.mayGoOn
        }
        try await channel.awaitReady(afterSaying: word, on: workshop.reactor, timeout: timeout, onEnd: onEnd)
    }

    private static func startProcess(
        _ runtime: RuntimeDefinition,
        memoryMiB: Int,
        _ sandbox: Sandbox,
        _ lease: ZygoteLease?,
        _ workshop: EnvironmentWorkshop
    ) async throws -> (LogPipes, BlankChannel?) {
        let foundation = workshop.foundation
        do {
            let pipes = try LogPipes.make()
            guard runtime.managed else { return (pipes, nil) }
            do throws(SyscallError) {
                let (ours, theirs) = try ControlSocket.pair()
                defer { close(theirs) }
                let channel = BlankChannel(ours)
                do throws(SyscallError) {
                    if let zygote = lease?.zygote {
                        try zygote.fork(
                            into: sandbox,
                            dataMiB: foundation.dataMiB(of: memoryMiB),
                            output: pipes.output.write,
                            telemetry: pipes.telemetry.write,
                            assignment: theirs
                        )
                    } else {
                        try sandbox.run(
                            plan(runtime, memoryMiB: memoryMiB, workshop),
                            output: pipes.output.write,
                            telemetry: pipes.telemetry.write,
                            assignment: theirs
                        )
                    }
                    return (pipes, channel)
                } catch {
                    channel.close()
                    throw error
                }
            } catch {
                pipes.close()
                throw error
            }
        } catch {
            await sandbox.destroy()
            foundation.release(slot: sandbox.slot)
            throw error
        }
    }

    static func plan(
        _ runtime: RuntimeDefinition,
        memoryMiB: Int,
        _ workshop: EnvironmentWorkshop,
        isZygote: Bool = false
    ) -> ProcessPlan {
        let command = runtime.arguments(
            executable: runtime.executables[0],
            memoryMiB: memoryMiB,
            customerEnvironment: [:]
        )
        let variables =
            ProcessEnvironment(blankOf: runtime, operatorVariables: workshop.functionEnvironment).list
            + (isZygote ? ["_MARTLET_ZYGOTE=1"] : [])
        return ProcessPlan(
            number: ProcessPlan.blankNumber,
            executables: [command[0]],
            arguments: Array(command.dropFirst()),
            environment: variables + [reservation(besides: variables)],
            workingDirectory: "/var/task",
            hasTelemetry: true,
            isBlank: true,
            isZygote: isZygote,
            dataMiB: isZygote ? 0 : workshop.foundation.dataMiB(of: memoryMiB)
        )
    }

    /// Tells the bootstrap what it is, and makes the room in which /proc/PID/environ will show the function's variables.
    private static func reservation(besides variables: [String]) -> String {
        let name = "_MARTLET_BLANK="
        let used = variables.reduce(name.utf8.count + 1) { $0 + $1.utf8.count + 1 }
        return name + String(repeating: ".", count: max(1, EnvironmentStart.variablesBytesMax - used))
    }

    /// From here on it is the caller's; false when its interpreter has ended already.
    func take() -> Bool { channel?.take() ?? true }

    func destroy() async {
        await services.stop()
        await Self.destroy(sandbox, pipes, channel, foundation)
    }

    private static func destroy(
        _ sandbox: Sandbox,
        _ pipes: LogPipes,
        _ channel: BlankChannel?,
        _ foundation: SandboxFoundation
    ) async {
        channel?.close()
        await sandbox.destroy()
        foundation.release(slot: sandbox.slot)
        pipes.close()
    }
}

/// The Runtime API of an environment that is nobody's yet: it refuses every call until it is some function's.
final class BlankRuntimeAPI: RuntimeAPIHandler {
    private let handler = Mutex<(any RuntimeAPIHandler)?>(nil)

    func assign(to handler: any RuntimeAPIHandler) { self.handler.withLock { $0 = handler } }

    func answer(_ request: RuntimeAPIRequest) async -> RuntimeAPIAnswer {
        guard let handler = handler.withLock({ $0 }) else { return .connectionClosed }
        return await handler.answer(request)
    }
}
