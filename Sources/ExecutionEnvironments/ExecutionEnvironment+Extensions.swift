// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import InvocationCore
import LambdaModel
import LinuxSandbox
import RuntimeAPI

/// Extensions: their processes, their calls, and what they are told.
extension ExecutionEnvironment {
    // MARK: - Processes

    /// Processes are numbered in the order of the names, after the runtime.
    func startExtensions(_ names: [String]) throws {
        guard let sandbox else { return }
        log.telemetry.begin()
        try thaw()
        try sandbox.setProcessorShare(.all)
        log.initStarted(inHand == nil ? .initialization : .invocation, runtime: runtime)
        for (index, name) in names.enumerated() {
            try sandbox.run(
                ProcessPlan(
                    number: ProcessPlan.runtimeNumber + 1 + UInt32(index),
                    executables: ["\(Self.extensionDirectory)/\(name)"],
                    arguments: [],
                    environment: processEnvironment.extensionList,
                    workingDirectory: "/",
                    hasTelemetry: false,
                    dataMiB: dataMiB
                ),
                output: log.collector.pipes.extensions.write,
                telemetry: nil
            )
        }
    }

    private static let extensionDirectory = "/opt/extensions"

    private func extensionName(_ process: UInt32) -> String? {
        let external = lifecycle.extensions.extensions.filter(\.isExternal)
        let index = Int(process) - Int(ProcessPlan.runtimeNumber) - 1
        return external.indices.contains(index) ? external[index].name : nil
    }

    func exited(_ process: UInt32, _ status: InvocationCore.ExitStatus) {
        if process == runtimeProcess {
            perform(lifecycle.runtimeExited(status, at: .now))
        } else if process == ProcessPlan.blankNumber {
            endedWaiting()
        } else if let name = extensionName(process) {
            perform(lifecycle.extensionExited(name, status, at: .now))
        }
    }

    func failedToStart(_ process: UInt32, errno: CInt) {
        if process == runtimeProcess {
            return _ = perform(lifecycle.runtimeFailedToStart(entrypointFailure(errno), at: .now))
        }
        guard process != ProcessPlan.blankNumber else { return endedWaiting() }
        guard let name = extensionName(process) else { return }
        let cause = String(cString: strerror(errno)).lowercased()
        perform(
            lifecycle.extensionFailedToStart(
                name,
                reason: errno == EACCES ? "PermissionDenied" : "UnknownError",
                message: "fork/exec \(Self.extensionDirectory)/\(name): \(cause)",
                at: .now
            )
        )
    }

    // MARK: - Calls

    func register(_ name: String, _ registration: ExtensionRegistration) -> RuntimeAPIAnswer {
        switch registration {
        case .malformed(let reason): return answer(.extensionRefused(.invalidRequest(reason)))
        case .events(let events, let wantsAccountID):
            let identifier = UUID().uuidString.lowercased()
            let actions = lifecycle.extensionRegisters(name: name, events: events, identifier: identifier, at: .now)
            let reply = reply(actions)
            guard wantsAccountID, case .registered(let identifier, let body) = reply else { return reply }
            let account = #","accountId":"# + quoted(configuration.key.accountID) + "}"
            return .registered(identifier: identifier, body: body.dropLast() + Array(account.utf8))
        }
    }

    func extensionNext(_ identifier: String?) async -> RuntimeAPIAnswer {
        switch checked(identifier) {
        case .failure(let refusal): return answer(.extensionRefused(refusal.reason))
        case .success(let identifier):
            return await wait { [self] in perform(lifecycle.extensionAsksNext(identifier, $0, at: .now)) }
        }
    }

    func extensionError(_ identifier: String?, isInit: Bool, type: String?) -> RuntimeAPIAnswer {
        switch checked(identifier) {
        case .failure(let refusal): return answer(.extensionRefused(refusal.reason))
        case .success(let identifier):
            guard let type else { return answer(.extensionRefused(.missingErrorType)) }
            return reply(
                isInit
                    ? lifecycle.extensionReportsInitError(identifier, type: type)
                    : lifecycle.extensionReportsExitError(identifier, type: type)
            )
        }
    }

    struct Refused: Error {
        var reason: ExtensionRefusal
    }

    func checked(_ identifier: String?) -> Result<String, Refused> {
        guard let identifier, !identifier.isEmpty else { return .failure(Refused(reason: .missingIdentifier)) }
        guard let known = UUID(uuidString: identifier) else { return .failure(Refused(reason: .invalidIdentifier)) }
        return .success(known.uuidString.lowercased())
    }

    // MARK: - Answers

    func answer(_ reply: RuntimeAPIReply) -> RuntimeAPIAnswer {
        guard case .registered(let identifier) = reply else { return RuntimeAPIAnswer(reply) }
        let body =
            #"{"functionName":"# + quoted(configuration.key.name) + #","functionVersion":"#
            + quoted(configuration.version) + #","handler":"# + quoted(configuration.handler) + "}"
        return .registered(identifier: identifier, body: Array(body.utf8))
    }

    func tell(_ event: ExtensionEvent, to polls: [PollID]) {
        let body = Array(text(event).utf8)
        for poll in polls {
            self.polls.removeValue(forKey: poll)?.resume(
                returning: .extensionEvent(identifier: UUID().uuidString.lowercased(), body: body)
            )
        }
    }

    /// The event as JSON; of an invocation's payload extensions get nothing.
    private func text(_ event: ExtensionEvent) -> String {
        func milliseconds(_ deadline: MonotonicTime) -> Int64 {
            workshop.now().advanced(by: deadline - .now).millisecondsSinceEpoch
        }
        switch event {
        case .invoke(let id, let deadline):
            let request = inHand?.request
            var text =
                #"{"eventType":"INVOKE","deadlineMs":\#(milliseconds(deadline)),"requestId":"# + quoted("\(id)")
                + #","invokedFunctionArn":"# + quoted(request.map { $0.function.arn(qualifier: $0.qualifier) } ?? "")
            if let trace = request?.traceHeader {
                text += #","tracing":{"type":"X-Amzn-Trace-Id","value":"# + quoted(trace) + "}"
            }
            return text + "}"
        case .shutdown(let reason, let deadline):
            return
                #"{"eventType":"SHUTDOWN","deadlineMs":\#(milliseconds(deadline)),"shutdownReason":"#
                + quoted(reason.rawValue) + "}"
        }
    }
}
