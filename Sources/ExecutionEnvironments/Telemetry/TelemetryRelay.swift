// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Glibc
import InvocationCore
import LambdaModel
import LinuxSandbox
import NIOCore
import RuntimeAPI
import Synchronization

/// Brings what `TelemetryFeed` decides to the subscribers of one environment.
///
/// Whoever has an event only puts it into the feed; connections and times are an event loop's.
final class TelemetryRelay: Sendable {
    private struct State {
        var feed = TelemetryFeed()
        /// When the loop looks at the feed next; nil for never.
        var wakeUp: MonotonicTime?
        var sandbox: Sandbox?
        var isStopped = false
    }

    /// Lives on the loop.
    private final class Connections {
        var clients: [TelemetryFeed.SubscriptionID: TelemetryClient] = [:]
        var timer: Scheduled<Void>?
    }

    /// Ports inside the sandbox that listeners of the server's have.
    static let reservedPorts: Set<UInt16> = [SandboxNetwork.runtimePort, SandboxNetwork.egressPort]

    private let state = Mutex(State())
    private let loop: any EventLoop
    private let connections: NIOLoopBoundBox<Connections>
    private let now: @Sendable () -> Timestamp
    /// Records of logs may be objects.
    private let isJSON: Bool

    init(group: any EventLoopGroup, isJSON: Bool, now: @escaping @Sendable () -> Timestamp) {
        loop = group.next()
        connections = .makeBoxSendingValue(Connections(), eventLoop: loop)
        self.isJSON = isJSON
        self.now = now
    }

    // MARK: - Events

    func record(_ line: PlatformLogLine) {
        record(.platform) { TelemetryEvent(time: now(), content: .platform(line)) }
    }

    /// A log event of the function's or of an extension's.
    func record(_ category: TelemetryCategory, _ message: ArraySlice<UInt8>, at time: Timestamp) {
        record(category) {
            let isObject = isJSON && Self.isObject(message)
            let text = String(decoding: message, as: UTF8.self)
            return TelemetryEvent(time: time, content: .log(category, message: text, isObject: isObject))
        }
    }

    private func record(_ category: TelemetryCategory, _ event: () -> TelemetryEvent) {
        change { feed in
            guard feed.isListening(to: category) else { return }
            feed.record(event(), at: .now)
        }
    }

    private static func isObject(_ message: ArraySlice<UInt8>) -> Bool {
        message.first { $0 != UInt8(ascii: " ") } == UInt8(ascii: "{")
            && JSONSyntax.failure(in: Array(message)) == nil
            && String(validating: message, as: UTF8.self) != nil
    }

    func subscribe(
        _ name: String,
        _ subscription: TelemetrySubscription
    ) throws(TelemetryRefusal)
        -> TelemetryFeed.Answer
    {
        var result = Result<TelemetryFeed.Answer, TelemetryRefusal>.success(.subscribed)
        change { feed in
            result = Result { () throws(TelemetryRefusal) in try feed.subscribe(name, subscription, at: .now) }
        }
        return try result.get()
    }

    func checkOpen(_ api: TelemetryAPI) throws(TelemetryRefusal) {
        let result = state.withLock { state in
            Result { () throws(TelemetryRefusal) in try state.feed.checkOpen(api) }
        }
        try result.get()
    }

    // MARK: - Life

    /// Where the listeners are.
    func attach(_ sandbox: Sandbox) { state.withLock { $0.sandbox = sandbox } }

    func begin() { change { $0.begin() } }

    /// The initialisation is over.
    func close() { change { $0.close() } }

    func flush() { change { $0.flush() } }

    func pause() { change { $0.pause(at: .now) } }

    func resume() { change { $0.resume(at: .now) } }

    /// Nobody runs any more: the connections go.
    func clear() {
        change { $0.clear() }
        loop.execute { [self] in look() }
    }

    func stop() {
        state.withLock { state in
            state.isStopped = true
            state.sandbox = nil
        }
        clear()
    }

    /// Changes the feed, and has the loop look at it if that made something due earlier.
    private func change(_ body: (inout TelemetryFeed) -> Void) {
        let isEarlier = state.withLock { state in
            body(&state.feed)
            guard !state.isStopped, let next = state.feed.wakeUp, state.wakeUp.map({ next < $0 }) ?? true else {
                return false
            }
            state.wakeUp = next
            return true
        }
        if isEarlier { loop.execute { [self] in look() } }
    }

    // MARK: - On the loop

    /// Does what is due, and sets the timer for what will be.
    private func look() {
        let connections = connections.value
        connections.timer?.cancel()
        connections.timer = nil
        let time = now()
        while true {
            let (steps, gone) = state.withLock { state in
                (
                    state.isStopped ? [] : state.feed.due(at: .now, time: time),
                    connections.clients.keys.filter { !state.feed.has($0) }
                )
            }
            for id in gone { connections.clients.removeValue(forKey: id)?.close() }
            for step in steps { perform(step, connections) }
            // An attempt may be over at once, and make something else due.
            if steps.isEmpty { break }
        }
        let next = state.withLock { state in
            state.wakeUp = state.isStopped ? nil : state.feed.wakeUp
            return state.wakeUp
        }
        guard let next else { return }
        let delay = TimeAmount.nanoseconds(max(0, (next - .now).wholeNanoseconds))
        connections.timer = loop.scheduleTask(in: delay) { [weak self] in self?.look() }
    }

    private func perform(_ step: TelemetryFeed.Step, _ connections: Connections) {
        switch step {
        case .abandon(let id, _): connections.clients[id]?.abandon()
        case .send(let id, let destination, let batch, let attempt):
            let client = connections.clients[id] ?? makeClient(destination)
            connections.clients[id] = client
            client.send(Self.body(batch, destination)) { [weak self] isAccepted in
                self?.change { $0.ended(id, attempt: attempt, delivered: isAccepted, at: .now) }
            }
        }
    }

    private func makeClient(_ destination: TelemetryDestination) -> TelemetryClient {
        let target =
            switch destination {
            case .tcp(let port): TelemetryClient.Target(port: port)
            case .http(let method, let host, let port, let path):
                TelemetryClient.Target(port: port, http: .init(method: method, host: host, path: path))
            }
        return TelemetryClient(target, loop: loop) { [weak self, loop] in
            let promise = loop.makePromise(of: CInt.self)
            guard let sandbox = self?.state.withLock({ $0.sandbox }) else {
                promise.fail(SyscallError(call: "socket", errno: EPIPE))
                return promise.futureResult
            }
            sandbox.openSocket { promise.completeWith($0.mapError { $0 }) }
            return promise.futureResult
        }
    }

    /// A JSON array, or a JSON text a line.
    private static func body(_ batch: TelemetryBuffer.Batch, _ destination: TelemetryDestination) -> ByteBuffer {
        let isArray = if case .http = destination { true } else { false }
        var buffer = ByteBufferAllocator().buffer(
            capacity: batch.records.reduce(2) { $0 + $1.utf8.count + 1 }
        )
        if isArray { buffer.writeStaticString("[") }
        for (index, record) in batch.records.enumerated() {
            if isArray, index > 0 { buffer.writeStaticString(",") }
            buffer.writeString(record)
            if !isArray { buffer.writeStaticString("\n") }
        }
        if isArray { buffer.writeStaticString("]") }
        return buffer
    }
}
