// SPDX-License-Identifier: Apache-2.0
import Glibc
import InvocationCore
import LinuxSandbox
import Runtimes

/// A sandbox of a runtime's, whose process has loaded what most functions need and forks into sandboxes made below its own.
///
/// Only our own code runs in it, it holds no capability, and nothing of any function's ever comes to it.
struct Zygote: Sendable {
    let id: ZygoteID
    private let sandbox: Sandbox
    private let channel: BlankChannel
    private let foundation: SandboxFoundation

    /// On a machine with much else to do.
    private static let startTimeout = Duration.seconds(30)

    var sandboxID: UInt64 { sandbox.id }

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
            zygote = Zygote(id: id, sandbox: sandbox, channel: BlankChannel(ours), foundation: foundation)
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
        let numbers = [dataMiB, SandboxFoundation.userID, SandboxFoundation.groupID]
        try channel.request(
            numbers.flatMap { number in withUnsafeBytes(of: number.littleEndian) { Array($0) } },
            descriptors: namespaces + [output, telemetry, assignment]
        )
    }

    /// Ends its process when it has forked what it was asked to; what is below goes on.
    func silence() { channel.endRequests() }

    /// Ends it, and every sandbox below it.
    func destroy() async {
        channel.close()
        await sandbox.destroy()
        foundation.release(slot: sandbox.slot)
    }
}
