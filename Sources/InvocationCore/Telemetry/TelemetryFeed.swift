// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// Who of one environment's extensions hears of what, and what each has still to be sent.
///
/// Subscriptions are taken from the start of the processes to the end of their initialisation; who subscribes late in it gets
/// the initialisation's events from its beginning. They end with the processes.
package struct TelemetryFeed: Equatable, Sendable {
    package struct SubscriptionID: Hashable, Sendable, CustomStringConvertible {
        let number: UInt64
        package var description: String { "\(number)" }
    }

    package enum Step: Equatable, Sendable {
        case send(SubscriptionID, TelemetryDestination, TelemetryBuffer.Batch, attempt: UInt64)
        case abandon(SubscriptionID, attempt: UInt64)
    }

    package enum Answer: Equatable, Sendable {
        case subscribed
        /// Exactly this subscription is there.
        case alreadySubscribed
    }

    private struct Subscriber: Equatable, Sendable {
        let id: SubscriptionID
        let name: String
        let subscription: TelemetrySubscription
        var buffer: TelemetryBuffer
    }

    /// Of all extensions together.
    package static let subscriptionsMax = ExtensionRegistry.extensionsMax
    /// Of all that is held for subscribers; what would pass it is lost.
    package static let bytesMax = 4 << 20
    /// Of an initialisation's events, for who subscribes late.
    static let historyMax = 10_000
    static let historyBytesMax = 262_144

    private var subscribers: [Subscriber] = []
    private var nextID: UInt64 = 1
    private var isOpen = false
    private var history: [TelemetryEvent] = []
    private var historyBytes = 0
    private var historyLoss = TelemetryBuffer.Loss()
    private var pausedAt: MonotonicTime?
    private var isFlushing = false

    package init() {}

    // MARK: - Life

    /// Processes are about to be started: subscriptions are taken.
    ///
    /// Does nothing where they are taken already.
    package mutating func begin() {
        guard !isOpen else { return }
        clear()
        isOpen = true
    }

    /// The initialisation is over.
    package mutating func close() {
        isOpen = false
        forgetHistory()
    }

    /// Nobody runs any more.
    package mutating func clear() {
        subscribers = []
        isFlushing = false
        close()
    }

    private mutating func forgetHistory() {
        history = []
        historyBytes = 0
        historyLoss = TelemetryBuffer.Loss()
    }

    /// The processes are about to end: everything is sent at once.
    package mutating func flush() {
        isFlushing = true
        for index in subscribers.indices { subscribers[index].buffer.flush() }
    }

    package mutating func pause(at now: MonotonicTime) {
        pausedAt = pausedAt ?? now
        for index in subscribers.indices { subscribers[index].buffer.pause(at: now) }
    }

    package mutating func resume(at now: MonotonicTime) {
        pausedAt = nil
        for index in subscribers.indices { subscribers[index].buffer.resume(at: now) }
    }

    // MARK: - In

    package mutating func subscribe(
        _ name: String,
        _ subscription: TelemetrySubscription,
        at now: MonotonicTime
    ) throws(TelemetryRefusal) -> Answer {
        let api = subscription.schema.api
        guard isOpen else { throw .closed(api) }
        let own = subscribers.filter { $0.name == name }
        if let other = own.first(where: { $0.subscription.schema.api != api }) {
            throw .otherAPI(api, name: name, has: other.subscription.schema.api)
        }
        if own.contains(where: { $0.subscription == subscription }) { return .alreadySubscribed }
        guard subscribers.count < Self.subscriptionsMax else {
            throw .denied(api, "Subscription limit (\(Self.subscriptionsMax)) reached")
        }
        let isTold = subscription.categories.contains(.platform)
        var subscriber = Subscriber(
            id: SubscriptionID(number: nextID),
            name: name,
            subscription: subscription,
            buffer: TelemetryBuffer(subscription.buffering, isTold: isTold)
        )
        nextID += 1
        if isFlushing { subscriber.buffer.flush() }
        if let pausedAt { subscriber.buffer.pause(at: pausedAt) }
        subscribers.append(subscriber)
        for event in history { offer(event, to: subscribers.count - 1, at: now) }
        subscribers[subscribers.count - 1].buffer.add(historyLoss, at: now)
        return .subscribed
    }

    /// Refuses what could not be accepted whatever it says.
    package func checkOpen(_ api: TelemetryAPI) throws(TelemetryRefusal) {
        guard isOpen else { throw .closed(api) }
    }

    /// Somebody hears of that, or may yet.
    package func isListening(to category: TelemetryCategory) -> Bool {
        isOpen || subscribers.contains { $0.subscription.categories.contains(category) }
    }

    package mutating func record(_ event: TelemetryEvent, at now: MonotonicTime) {
        if isOpen { remember(event) }
        for index in subscribers.indices { offer(event, to: index, at: now) }
    }

    private mutating func remember(_ event: TelemetryEvent) {
        guard history.count < Self.historyMax, historyBytes + event.cost <= Self.historyBytesMax else {
            historyLoss += TelemetryBuffer.Loss(records: 1, bytes: event.cost)
            return
        }
        history.append(event)
        historyBytes += event.cost
    }

    private mutating func offer(_ event: TelemetryEvent, to index: Int, at now: MonotonicTime) {
        let subscription = subscribers[index].subscription
        guard subscription.categories.contains(event.category) else { return }
        let hasRoom = subscribers[index].buffer.hasRoom && bytes + event.cost <= Self.bytesMax
        // What is lost anyway is not encoded, so a flood costs little; not every schema has every event of the platform's.
        if case .log = event.content, !hasRoom { return subscribers[index].buffer.lose(event.cost, at: now) }
        guard let text = event.text(subscription.schema) else { return }
        guard hasRoom else { return subscribers[index].buffer.lose(text.utf8.count, at: now) }
        subscribers[index].buffer.append(text, at: now)
    }

    /// Held for all subscribers.
    package var bytes: Int { subscribers.reduce(0) { $0 + $1.buffer.bytes } }

    // MARK: - Out

    package mutating func due(at now: MonotonicTime, time: Timestamp) -> [Step] {
        var steps: [Step] = []
        for index in subscribers.indices {
            while let step = subscribers[index].buffer.due(at: now, time: time) {
                let id = subscribers[index].id
                switch step {
                case .send(let batch, let attempt):
                    steps.append(.send(id, subscribers[index].subscription.destination, batch, attempt: attempt))
                case .abandon(let attempt): steps.append(.abandon(id, attempt: attempt))
                }
            }
        }
        return steps
    }

    package mutating func ended(_ id: SubscriptionID, attempt: UInt64, delivered: Bool, at now: MonotonicTime) {
        guard let index = subscribers.firstIndex(where: { $0.id == id }) else { return }
        subscribers[index].buffer.ended(attempt, delivered: delivered, at: now)
    }

    /// When `due` may have something if nothing else happens.
    package var wakeUp: MonotonicTime? { subscribers.compactMap(\.buffer.wakeUp).min() }

    package func has(_ id: SubscriptionID) -> Bool { subscribers.contains { $0.id == id } }
}
