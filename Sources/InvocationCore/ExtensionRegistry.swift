// SPDX-License-Identifier: Apache-2.0

/// The extensions of one environment, from the start of its processes to their end: who they are, what they asked to hear of,
/// and where each of them stands.
///
/// States, error types and texts are those of Lambda's own agent (its runtime interface emulator has them in the open). A name
/// and an identifier come from inside the sandbox and are bounded here.
package struct ExtensionRegistry: Equatable, Sendable {
    /// What an extension may register for.
    package enum EventType: String, Sendable, CaseIterable {
        case invoke = "INVOKE"
        case shutdown = "SHUTDOWN"
    }

    package enum State: String, Sendable {
        /// An external one's process was started.
        case started = "Started"
        case registered = "Registered"
        /// Waits in `event/next`.
        case ready = "Ready"
        case running = "Running"
        case initError = "InitError"
        case exitError = "ExitError"
        case exited = "Exited"
        case launchError = "LaunchError"
    }

    package struct Extension: Equatable, Sendable {
        package var name: String
        package var isExternal: Bool
        /// nil until it has registered.
        package var identifier: String?
        package var events: Set<EventType> = []
        package var state: State
        /// Its `event/next` that waits; gone when the connection is, though it is `ready` still.
        var poll: PollID?
        /// Released to it while it had no call waiting.
        var pending: ExtensionEvent?
        /// What it said of its failure, or why it could not be started.
        package var errorType: String?
    }

    /// Lambda's bound for a function's extensions, internal ones included.
    package static let extensionsMax = 10
    /// Longest name that registers, in bytes.
    package static let nameBytesMax = 128

    package private(set) var extensions: [Extension] = []
    /// Where everybody stood when the initialisation ended, or somebody's end ended it; nil until then.
    package private(set) var atInitEnd: [Extension]?
    /// An internal extension may still register: until the runtime first asks for an event.
    private var isOpen = false

    package init() {}

    // MARK: - Start

    /// Forgets everybody: new processes start, those of the external extensions named first among them.
    mutating func begin(external names: [String]) {
        extensions = names.map { Extension(name: $0, isExternal: true, state: .started) }
        atInitEnd = nil
        isOpen = true
    }

    /// The first of the external ones that can't be started, with Lambda's word for why and the text for the caller.
    ///
    /// A name under which none could register is found here, and not by the initialisation's running out of time.
    var unlaunchable: (name: String, reason: String, message: String)? {
        if extensions.count > Self.extensionsMax {
            return (extensions[Self.extensionsMax].name, "TooManyExtensions", "ErrTooManyExtensions")
        }
        return extensions.first { !Self.isAllowed($0.name) }
            .map { ($0.name, "UnknownError", "\($0.name) is not a name that an extension can have") }
    }

    mutating func noteInitEnd() { atInitEnd = atInitEnd ?? extensions }

    mutating func close() { isOpen = false }

    /// Nobody registers any more, and what was not fetched of an invocation is no news now.
    mutating func end() {
        isOpen = false
        for index in extensions.indices { extensions[index].pending = nil }
    }

    /// Nobody runs any more.
    mutating func clear() {
        extensions = []
        isOpen = false
    }

    /// POST `/extension/register`; `names` are the events it asks for, `identifier` is the one it will go by.
    mutating func register(name: String, events names: [String], identifier: String) -> RuntimeAPIReply {
        guard Self.isAllowed(name) else { return .extensionRefused(.invalidName) }
        let index = extensions.firstIndex { $0.name == name }
        let isExternal = index.map { extensions[$0].isExternal } ?? false
        var events: Set<EventType> = []
        for name in names {
            guard let event = EventType(rawValue: name) else { return .extensionRefused(.unknownEvent(name)) }
            guard isExternal || event != .shutdown else { return .extensionRefused(.shutdownForInternal) }
            events.insert(event)
        }
        if let index, isExternal {
            guard extensions[index].state == .started else {
                return .extensionRefused(.wrongState(extensions[index].state, .registered, name))
            }
            extensions[index].state = .registered
            extensions[index].events = events
            extensions[index].identifier = identifier
            return .registered(identifier: identifier)
        }
        guard isOpen else { return .extensionRefused(.registrationClosed) }
        guard extensions.count < Self.extensionsMax else { return .extensionRefused(.tooMany) }
        guard index == nil else { return .extensionRefused(.nameTaken) }
        extensions.append(
            Extension(name: name, isExternal: false, identifier: identifier, events: events, state: .registered)
        )
        return .registered(identifier: identifier)
    }

    /// The name goes into log lines and file paths: printable ASCII without a blank or a slash.
    private static func isAllowed(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= nameBytesMax
            && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }
    }

    // MARK: - Calls

    enum Next: Equatable {
        case refused(RuntimeAPIReply)
        /// It waits; whoever waited for it may go on.
        case waiting
        /// What was released while it was away.
        case deliver(ExtensionEvent)
    }

    /// GET `/extension/event/next`.
    mutating func next(_ identifier: String, _ poll: PollID) -> Next {
        guard let index = index(of: identifier) else { return .refused(.extensionRefused(.unknown(identifier))) }
        switch extensions[index].state {
        case .registered, .running: break
        case .ready where extensions[index].poll == nil: break
        default:
            let refusal = ExtensionRefusal.wrongState(extensions[index].state, .ready, identifier)
            return .refused(.extensionRefused(refusal))
        }
        if let event = extensions[index].pending.take() {
            extensions[index].state = .running
            return .deliver(event)
        }
        extensions[index].state = .ready
        extensions[index].poll = poll
        return .waiting
    }

    /// The connection of that call is gone, or the call was answered.
    mutating func stopsWaiting(_ poll: PollID) {
        for index in extensions.indices where extensions[index].poll == poll { extensions[index].poll = nil }
    }

    /// POST `/extension/init/error` or `/extension/exit/error`: its process is expected to end next.
    ///
    /// The first error stands.
    mutating func reportsError(_ identifier: String, _ state: State, type: String) -> RuntimeAPIReply {
        guard let index = index(of: identifier) else {
            return .extensionRefused(.unknownForError)
        }
        let current = extensions[index].state
        if current == state { return .accepted }
        let allowed: [State] = state == .initError ? [.registered] : [.registered, .ready, .running]
        guard allowed.contains(current) else {
            let wanted: ExtensionRefusal.Transition = state == .initError ? .initError : .exited
            return .extensionRefused(.wrongState(current, wanted, identifier))
        }
        extensions[index].state = state
        extensions[index].errorType = type
        return .accepted
    }

    /// Whose identifier it is; nil for a stranger.
    package func name(of identifier: String) -> String? { index(of: identifier).map { extensions[$0].name } }

    private func index(of identifier: String) -> Int? { extensions.firstIndex { $0.identifier == identifier } }

    // MARK: - Processes

    /// An external extension's process has ended.
    ///
    /// - Returns: what an invocation or initialisation that still needed it fails with; nil if there is none of that name.
    mutating func exited(_ name: String, _ status: ExitStatus) -> InvocationFailure? {
        guard let index = extensions.firstIndex(where: { $0.isExternal && $0.name == name }) else { return nil }
        let state = extensions[index].state
        noteInitEnd()
        extensions[index].pending = nil
        // A call of its that still waits, on a connection that a child of its holds, is refused with all others.
        if state != .initError && state != .exitError { extensions[index].state = .exited }
        let type =
            switch state {
            case .initError: "Extension.InitError"
            case .exitError: "Extension.ExitError"
            default: "Extension.Crash"
            }
        return .extensionExited(type: type, status)
    }

    mutating func failedToStart(_ name: String, reason: String) {
        guard let index = extensions.firstIndex(where: { $0.isExternal && $0.name == name }) else { return }
        extensions[index].state = .launchError
        extensions[index].errorType = reason
    }

    // MARK: - Events

    /// Hands an event to everybody who registered for its type: those whose call waits, by their polls.
    mutating func release(_ event: ExtensionEvent) -> [PollID] {
        var polls: [PollID] = []
        for index in extensions.indices where isListening(extensions[index], to: event.type) {
            extensions[index].state = .running
            if let poll = extensions[index].poll.take() {
                polls.append(poll)
            } else {
                extensions[index].pending = event
            }
        }
        return polls
    }

    private func isListening(_ entry: Extension, to type: EventType) -> Bool {
        entry.events.contains(type) && [.registered, .ready, .running].contains(entry.state)
    }

    /// Calls that wait; they wait no more.
    mutating func takePolls() -> [PollID] {
        let polls = extensions.compactMap(\.poll)
        for index in extensions.indices { extensions[index].poll = nil }
        return polls
    }

    // MARK: - Questions

    package var isEmpty: Bool { extensions.isEmpty }

    /// Every external one is registered: the runtime may start.
    var isComplete: Bool { extensions.allSatisfy { $0.state != .started } }

    /// Everybody has asked for the first event: initialisation is over, as far as extensions are concerned.
    var isReady: Bool { extensions.allSatisfy { $0.state == .ready } }

    /// Somebody has not come back from its INVOKE event.
    var isWorking: Bool { extensions.contains { $0.events.contains(.invoke) && $0.state == .running } }

    package var hasExternal: Bool { extensions.contains { $0.isExternal } }

    /// External ones that were told of the shutdown and have not ended.
    var isEnding: Bool {
        extensions.contains { $0.isExternal && isListening($0, to: .shutdown) }
    }
}

/// What an extension is told in answer to `event/next`.
package enum ExtensionEvent: Equatable, Sendable {
    case invoke(InvocationID, deadline: MonotonicTime)
    case shutdown(ShutdownReason, deadline: MonotonicTime)

    package var type: ExtensionRegistry.EventType {
        switch self {
        case .invoke: .invoke
        case .shutdown: .shutdown
        }
    }
}

/// Why an environment's processes are ended, as extensions are told.
package enum ShutdownReason: String, Sendable {
    case spindown
    case timeout
    case failure
}

/// Why an extension's call is refused; always with status 403.
package enum ExtensionRefusal: Equatable, Sendable {
    /// What the state would have become.
    package enum Transition: String, Sendable {
        case registered = "Registered"
        case ready = "Ready"
        case initError = "InitError"
        case exited = "Exited"
    }

    case invalidName
    case missingIdentifier
    case invalidIdentifier
    case unknown(String)
    case unknownForError
    case missingErrorType
    case unknownEvent(String)
    case shutdownForInternal
    case registrationClosed
    case nameTaken
    case tooMany
    case wrongState(ExtensionRegistry.State, Transition, String)
    case invalidRequest(String)

    package var errorType: String {
        switch self {
        case .invalidName: "Extension.InvalidExtensionName"
        case .missingIdentifier: "Extension.MissingExtensionIdentifier"
        case .invalidIdentifier: "Extension.InvalidExtensionIdentifier"
        case .unknown, .unknownForError: "Extension.UnknownExtensionIdentifier"
        case .missingErrorType: "Extension.MissingHeader"
        case .unknownEvent, .shutdownForInternal: "Extension.InvalidEventType"
        case .registrationClosed: "Extension.RegistrationClosed"
        case .nameTaken, .wrongState: "Extension.InvalidExtensionState"
        case .tooMany: "Extension.TooManyExtensions"
        case .invalidRequest: "InvalidRequestFormat"
        }
    }

    package var errorMessage: String {
        switch self {
        case .invalidName: "Empty extension name"
        case .missingIdentifier: "Missing Lambda-Extension-Identifier header"
        case .invalidIdentifier: "Invalid Lambda-Extension-Identifier"
        case .unknown(let identifier): "Unknown extension \(identifier)"
        case .unknownForError: "Unknown Lambda-Extension-Identifier"
        case .missingErrorType: "Lambda-Extension-Function-Error-Type not found"
        case .unknownEvent(let name): "\(name.prefix(64)): ErrorInvalidEventType"
        case .shutdownForInternal: "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension"
        case .registrationClosed: "Extension registration closed already"
        case .nameTaken: "Extension with this name already registered"
        case .tooMany: "Extension limit (\(ExtensionRegistry.extensionsMax)) reached"
        case .wrongState(let from, let to, let name):
            "State transition from \(from.rawValue) to \(to.rawValue) failed for extension \(name). "
                + "Error: State transition is not allowed"
        case .invalidRequest(let reason): reason
        }
    }
}
