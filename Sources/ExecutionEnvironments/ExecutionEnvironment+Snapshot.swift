// SPDX-License-Identifier: Apache-2.0
import Glibc
import InvocationCore
import LambdaModel
import LinuxSandbox
import Logging
import Runtimes

/// Beginning as a fork of a process that has initialised the version, and being such a process.
extension ExecutionEnvironment {
    /// A sandbox of this version with a process in it that goes on where the initialisation ended; nil when it has no snapshot.
    func becomeRestored(_ code: UnpackedCode) async -> Sandbox? {
        guard initialization == .onDemand, lifecycle.origin == .onDemand, configuration.isSnapStartOptimized,
            let snapshots = workshop.snapshots
        else { return nil }
        let began = MonotonicTime.now
        guard let blank = await snapshots.restore(configuration, runtime, code) else { return nil }
        do {
            try blank.channel?.assign(processEnvironment.credentialsList)
            try log.open(blank.pipes, meter: blank.meter)
        } catch {
            logger.notice("environment not restored", metadata: ["error": "\(error)"])
            await blank.destroy()
            return nil
        }
        initialization = .snapStart
        lifecycle.isRestored(since: began)
        return takeOver(blank)
    }

    /// The first line of the log of a process that begins.
    func noteStart() {
        if case .restored = lifecycle.origin, case .initializing = lifecycle.state {
            return log.restoreStarted(runtime: runtime)
        }
        log.initStarted(inHand == nil ? .initialization : .invocation, runtime: runtime)
    }

    /// Starts the process that others are to be forked from; false where this environment is another.
    func startSnapshot() throws(SyscallError) -> Bool {
        guard lifecycle.origin == .snapshot, let sandbox else { return false }
        let (ours, theirs) = try ControlSocket.pair()
        defer { close(theirs) }
        assignment = BlankChannel(ours)
        let command = runtime.arguments(
            executable: runtime.executables[0],
            memoryMiB: configuration.memoryMiB,
            customerEnvironment: configuration.environment ?? [:]
        )
        try sandbox.run(
            ProcessPlan(
                executables: [command[0]],
                arguments: Array(command.dropFirst()),
                // The room that /proc/PID/environ needs to show others' credentials.
                environment: processEnvironment.snapshotList
                    + ["_MARTLET_SNAPSHOT=" + String(repeating: ".", count: 1_024)],
                workingDirectory: "/var/task",
                hasTelemetry: true,
                isBlank: true,
                isZygote: true,
                dataMiB: dataMiB
            ),
            output: log.collector.pipes.output.write,
            telemetry: log.collector.pipes.telemetry.write,
            assignment: theirs
        )
        return true
    }

    /// What to fork from, when the version is initialised; nil when it has ended in the meantime.
    ///
    /// Its end is the caller's affair from here on, and so is the channel.
    func takeSnapshot() -> (sandbox: Sandbox, channel: BlankChannel)? {
        guard lifecycle.state == .ready, let sandbox, let channel = assignment else { return nil }
        assignment = nil
        return (sandbox, channel)
    }
}
