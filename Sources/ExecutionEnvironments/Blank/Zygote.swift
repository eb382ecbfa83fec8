// SPDX-License-Identifier: Apache-2.0
import Glibc
import InvocationCore
import LinuxSandbox
import Runtimes

/// A sandbox whose process forks into sandboxes made below its own; it holds no capability.
///
/// That of a runtime has loaded what most functions need, runs our own code only, and nothing of any function's ever comes to it. That of a
/// version with SnapStart has run the version's initialisation, and nothing of any other function's comes to it.
struct Zygote: Sendable {
    let sandbox: Sandbox
    private let channel: BlankChannel
    /// It runs a function's code, which is to do nothing while nobody asks it for a child.
    private let isFunctions: Bool
    private let end: @Sendable () async -> Void

    /// On a machine with much else to do.
    static let startTimeout = Duration.seconds(30)

    /// `end` is called once, when nothing is below it.
    init(_ sandbox: Sandbox, _ channel: BlankChannel, isFunctions: Bool, end: @escaping @Sendable () async -> Void) {
        self.sandbox = sandbox
        self.channel = channel
        self.isFunctions = isFunctions
        self.end = end
    }

    /// Returns when it may be asked for children; `onEnd` is called when it ends by itself afterwards.
    static func start(
        _ id: ZygoteID,
        _ runtime: RuntimeDefinition,
        workshop: EnvironmentWorkshop,
        onEnd: @escaping @Sendable () -> Void
    ) async throws -> Zygote {
        let foundation = workshop.foundation
        let sandbox = try await foundation.makeZygote(id, runtime: runtime)
        let zygote: Zygote
        do throws(SyscallError) {
            let (ours, theirs) = try ControlSocket.pair()
            let remote = Descriptor(theirs)
            zygote = Zygote(sandbox, BlankChannel(ours), isFunctions: false) {
                await sandbox.destroy()
                foundation.release(slot: sandbox.slot)
            }
            do throws(SyscallError) {
                // A pipe, as its children will have, which they know from when it starts; what it writes nobody asked for.
                let pipes = try LogPipes.make()
                defer { pipes.close() }
                try sandbox.run(
                    BlankEnvironment.plan(runtime, memoryMiB: 0, workshop, isZygote: true),
                    output: pipes.output.write,
                    telemetry: pipes.telemetry.write,
                    assignment: remote.number
                )
            } catch {
                zygote.channel.close()
                throw error
            }
        } catch {
            await sandbox.destroy()
            foundation.release(slot: sandbox.slot)
            throw error
        }
        do throws(SyscallError) {
            try await zygote.channel.awaitReady(
                afterSaying: foundation.systemCallFilter,
                on: workshop.reactor,
                timeout: startTimeout,
                onEnd: onEnd
            )
            return zygote
        } catch {
            await zygote.destroy()
            throw error
        }
    }

    /// Asks for a child in that sandbox, which was made below this one; the child speaks over the other end of `assignment`.
    ///
    /// The descriptors stay the caller's.
    func fork(
        into sandbox: Sandbox,
        dataMiB: UInt32,
        output: CInt,
        telemetry: CInt,
        assignment: CInt
    ) throws(SyscallError) {
        let namespaces = sandbox.takeNamespaces()
        defer { for namespace in namespaces { close(namespace) } }
        guard namespaces.count == SandboxNamespace.allCases.count else {
            throw SyscallError(call: "fork", errno: EBADF, subject: "sandbox \(sandbox.id)")
        }
        // Only now: while a sandbox is made it does nothing.
        try rouse()
        let numbers = [dataMiB, SandboxFoundation.userID, SandboxFoundation.groupID]
        try channel.request(
            numbers.flatMap { number in withUnsafeBytes(of: number.littleEndian) { Array($0) } },
            descriptors: namespaces + [output, telemetry, assignment]
        )
    }

    /// Ends its process when it has forked what it was asked to; what is below goes on.
    func silence() {
        channel.endRequests()
        guard isFunctions else { return }
        // That nobody has use for it any more is not for it to decide; what it may have started besides has next to nothing to run with.
        _ = try? sandbox.setProcessorShare(.least)
        _ = try? sandbox.setFrozen(false)
        _ = try? sandbox.signal(process: ProcessPlan.runtimeNumber, SIGKILL)
    }

    /// It is to fork, with all of the processors.
    func rouse() throws(SyscallError) {
        guard isFunctions else { return }
        try sandbox.setProcessorShare(.all)
        try sandbox.setFrozen(false)
    }

    /// Nothing that it was asked for is still to come.
    func rest() {
        // One that can't be stopped has ended.
        if isFunctions { _ = try? sandbox.setFrozen(true) }
    }

    /// Ends it, and every sandbox below it.
    func destroy() async {
        channel.close()
        await end()
    }
}
