// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import TestSupport

/// Extensions: they register, come back from their events, and end; or some of that, or none.
extension Fleet {
    mutating func startExtension(_ name: String, _ id: EnvironmentID) {
        guard let environment = environments[id] else { return }
        let soon = random.duration(upTo: .milliseconds(300))
        let later = soon + random.duration(upTo: .milliseconds(300))
        guard random.oneIn(functions[environment.function].initFailures) else {
            plan(id, .extension(name, .registers), after: soon)
            return plan(id, .extension(name, .asksNext), after: later)
        }
        switch random.below(6) {
        case 0: plan(id, .extension(name, .failsToStart), after: random.duration(upTo: .milliseconds(5)))
        case 1: plan(id, .extension(name, .exits(.exited(code: 1))), after: soon)
        case 2: plan(id, .extension(name, .registers), after: soon)
        case 3:
            plan(id, .extension(name, .registers), after: soon)
            plan(id, .extension(name, .reportsInitError), after: later)
            plan(id, .extension(name, .exits(.exited(code: 2))), after: later + .milliseconds(1))
        case 4:
            plan(id, .extension(name, .asksNext), after: soon)
            plan(id, .extension(name, .registers), after: later)
            plan(id, .extension(name, .registers), after: later)
            plan(id, .extension(name, .asksNext), after: later + .milliseconds(1))
            plan(id, .extension(name, .asksNext), after: later + .milliseconds(2))
        default: break
        }
    }

    mutating func startInternalExtension(_ id: EnvironmentID, before: Duration) {
        plan(id, .extension("internal", .registers), after: before / 2)
        if !random.oneIn(20) { plan(id, .extension("internal", .asksNext), after: before) }
    }

    mutating func tell(_ event: InvocationCore.ExtensionEvent, _ polls: [PollID], _ id: EnvironmentID) {
        guard let failures = environments[id].map({ functions[$0.function].failures }) else { return }
        for poll in polls {
            guard let name = environments[id]?.extensionPolls.removeValue(forKey: poll) else {
                violations.append("an event for nobody's call")
                continue
            }
            let work = random.duration(upTo: random.oneIn(5) ? .seconds(4) : .milliseconds(300))
            let exit = RuntimeEvent.extension(name, .exits(.exited(code: Int32(random.below(2)))))
            switch event {
            case .invoke where random.oneIn(failures):
                if random.oneIn(2) { plan(id, exit, after: work) }
            case .invoke: plan(id, .extension(name, .asksNext), after: work)
            case .shutdown: if !random.oneIn(4) { plan(id, exit, after: work / 4) }
            }
        }
    }

    mutating func endRuntime(_ id: EnvironmentID, isForced: Bool) {
        guard isForced || random.oneIn(2) else { return }
        let status = ExitStatus.signalled(isForced ? 9 : 15, outOfMemory: false)
        plan(id, .exits(status), after: random.duration(upTo: .milliseconds(isForced ? 5 : 400)))
    }

    mutating func performExtension(_ id: EnvironmentID, _ name: String, _ event: ExtensionEvent) {
        let identifier = "identifier of \(name)"
        switch event {
        case .registers:
            let isInternal = name == "internal"
            let events = isInternal ? ["INVOKE"] : random.oneIn(3) ? ["INVOKE"] : ["INVOKE", "SHUTDOWN"]
            act(id) { $0.extensionRegisters(name: name, events: events, identifier: identifier, at: $1) }
        case .asksNext:
            polls += 1
            let poll = PollID(polls)
            environments[id]?.checker.polled(poll)
            environments[id]?.extensionPolls[poll] = name
            act(id) { $0.extensionAsksNext(identifier, poll, at: $1) }
            if random.oneIn(30) {
                plan(id, .stopsWaiting(poll), after: random.duration(upTo: .milliseconds(300)))
                plan(id, .extension(name, .asksNext), after: random.duration(upTo: .milliseconds(600)))
            }
        case .reportsInitError:
            act(id) { lifecycle, _ in lifecycle.extensionReportsInitError(identifier, type: "Extension.Broken") }
        case .exits(let status): act(id) { $0.extensionExited(name, status, at: $1) }
        case .failsToStart:
            let isStarting = environments[id]?.lifecycle.extensions.extensions.contains {
                $0.name == name && $0.state == .started
            }
            guard isStarting == true else { return }
            act(id) {
                $0.extensionFailedToStart(name, reason: "PermissionDenied", message: "permission denied", at: $1)
            }
        }
    }
}
