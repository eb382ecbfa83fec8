// SPDX-License-Identifier: Apache-2.0
import Glibc
import InvocationCore
import LambdaModel
import LinuxSandbox
import Logging

/// Beginning in a blank environment.
extension ExecutionEnvironment {
    /// A blank environment's sandbox as this function's, its process, if it has one, still waiting; nil when there is none, or none fits.
    func becomeAssigned(_ code: UnpackedCode) async -> (sandbox: Sandbox, isForked: Bool)? {
        guard lifecycle.origin != .snapshot, let blanks = workshop.blanks else { return nil }
        let environment = processEnvironment
        let start = workshop.start(
            of: configuration,
            runtime,
            environment,
            hasExternalExtensions: !code.extensions.isEmpty
        )
        guard case .blank(let kind) = start else { return nil }
        var found = blanks.take(kind)
        if found == nil {
            found = await blanks.fork(kind, runtime, of: EnvironmentKey(configuration)) { [self] in
                await lifecycle.state != .dead
            }
        }
        guard let blank = found else { return nil }
        var channel = blank.channel
        do {
            // It sets its variables while the spawner puts its code in place.
            try channel?.assign(environment.list)
            if channel == nil, code.extensions.isEmpty { channel = beginProgram(in: blank) }
            try await blank.sandbox.assign(
                memoryMiB: configuration.memoryMiB,
                code: UnpackedCode.name(of: code.task),
                layers: code.layers.map(UnpackedCode.name)
            )
            try log.open(blank.pipes, meter: blank.meter)
        } catch {
            // It has run nothing of the function's, which starts without it.
            logger.notice("blank environment not assigned", metadata: ["error": "\(error)"])
            if blank.channel == nil { channel?.close() }
            blanks.assignmentFailed(blank, kind)
            return nil
        }
        blanks.assigned(kind)
        let sandbox = takeOver(blank)
        assignment = channel
        return (sandbox, blank.isForked)
    }

    /// A process that executes the function's own program when it hears that the code is in place: all that comes before is done meanwhile.
    ///
    /// Where it can't be had the program is started when the code is there: that is no fault of what its runtime's functions share.
    private func beginProgram(in blank: BlankEnvironment) -> BlankChannel? {
        guard let (ours, theirs) = try? ControlSocket.pair() else { return nil }
        defer { Glibc.close(theirs) }
        let channel = BlankChannel(ours)
        var plan = runtimePlan
        plan.number = ProcessPlan.blankNumber
        plan.waits = true
        do throws(SyscallError) {
            try blank.sandbox.run(plan, output: blank.pipes.output.write, telemetry: nil, assignment: theirs)
            return channel
        } catch {
            logger.notice("program not begun ahead of its code", metadata: ["error": "\(error)"])
            channel.close()
            return nil
        }
    }

    /// A process that waits for the function's code has ended: its successor is started when the code is there.
    ///
    /// That of a restored environment has none.
    func endedWaiting() {
        guard case .restored = lifecycle.origin else {
            assignment?.close()
            assignment = nil
            return
        }
    }

    /// Its log is open already.
    func takeOver(_ blank: BlankEnvironment) -> Sandbox {
        sandbox = blank.sandbox
        services = blank.services
        log.telemetry.attach(blank.sandbox)
        blank.runtimeAPI.assign(to: self)
        assignment = blank.channel
        return blank.sandbox
    }

    /// Lets the process that waits in this environment begin; false when there is none, and one must be started.
    ///
    /// - Throws: when it was restored and has died: no other has what it had.
    func assignRuntime() throws(SyscallError) -> Bool {
        runtimeProcess = ProcessPlan.runtimeNumber
        guard let assignment else { return false }
        self.assignment = nil
        defer { assignment.close() }
        do {
            try assignment.enter()
            runtimeProcess = ProcessPlan.blankNumber
            return true
        } catch {
            if case .restored = lifecycle.origin { throw error }
            // It died in this moment: another is started in its place.
            logger.notice("blank environment died", metadata: ["error": "\(error)"])
            return false
        }
    }
}
