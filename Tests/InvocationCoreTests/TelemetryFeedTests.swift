// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import Testing

/// Who may subscribe when, and what each then hears.
@Suite struct TelemetryFeedTests {
    private static let start = MonotonicTime(nanoseconds: 0)
    private static let time = Timestamp(millisecondsSinceEpoch: 0)

    private func subscription(
        _ schema: TelemetrySchema = .telemetry20221213,
        _ categories: [TelemetryCategory] = [.function],
        port: UInt16 = 8_080
    ) -> TelemetrySubscription {
        TelemetrySubscription(schema: schema, categories: categories, destination: .tcp(port: port))
    }

    private func log(_ category: TelemetryCategory, _ message: String) -> TelemetryEvent {
        TelemetryEvent(time: Self.time, content: .log(category, message: message, isObject: false))
    }

    private func refusal(_ body: () throws(TelemetryRefusal) -> Void) -> TelemetryRefusal? {
        do throws(TelemetryRefusal) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    /// Everything that is sent after a flush, by port.
    private func sent(_ feed: inout TelemetryFeed) -> [UInt16: [String]] {
        feed.flush()
        var sent: [UInt16: [String]] = [:]
        for step in feed.due(at: Self.start, time: Self.time) {
            guard case .send(let id, let destination, let batch, let attempt) = step else { continue }
            sent[destination.port, default: []] += batch.records.compactMap { record in
                record.split(separator: "\"record\":").last.map { String($0.dropFirst().dropLast(2)) }
            }
            feed.ended(id, attempt: attempt, delivered: true, at: Self.start)
        }
        return sent
    }

    @Test func `subscriptions are taken during an initialisation only`() throws {
        var feed = TelemetryFeed()
        func closed(_ api: TelemetryAPI, _ schema: TelemetrySchema) -> (String, String)? {
            refusal { () throws(TelemetryRefusal) in
                _ = try feed.subscribe("e", subscription(schema), at: Self.start)
            }.map { ($0.errorType, $0.errorMessage) }
        }
        #expect(closed(.telemetry, .telemetry20221213)?.0 == "Telemetry.SubscriptionClosed")
        #expect(closed(.telemetry, .telemetry20221213)?.1 == "Telemetry API subscription is closed already")
        #expect(closed(.logs, .logs20200815)?.1 == "Logs API subscription is closed already")
        feed.begin()
        #expect(try feed.subscribe("e", subscription(), at: Self.start) == .subscribed)
        feed.close()
        #expect(closed(.telemetry, .telemetry20221213) != nil)
        feed.record(log(.function, "after"), at: Self.start)
        #expect(sent(&feed) == [8_080: ["after"]])
    }

    @Test func `who subscribes late gets the initialisation from its beginning`() throws {
        var feed = TelemetryFeed()
        feed.record(log(.function, "before"), at: Self.start)
        feed.begin()
        feed.record(log(.function, "one"), at: Self.start)
        feed.record(log(.extensions, "other"), at: Self.start)
        _ = try feed.subscribe("a", subscription(port: 1), at: Self.start)
        feed.record(log(.function, "two"), at: Self.start)
        _ = try feed.subscribe(
            "b",
            subscription(.telemetry20250129, [.extensions, .function], port: 2),
            at: Self.start
        )
        feed.close()
        feed.record(log(.function, "three"), at: Self.start)
        #expect(sent(&feed) == [1: ["one", "two", "three"], 2: ["one", "other", "two", "three"]])
    }

    @Test func `what an initialisation says is kept within bounds, and the rest is told`() throws {
        var feed = TelemetryFeed()
        feed.begin()
        for _ in 0..<300 { feed.record(log(.function, String(repeating: "x", count: 960)), at: Self.start) }
        _ = try feed.subscribe("e", subscription(.telemetry20221213, [.function, .platform]), at: Self.start)
        let records = sent(&feed)[8_080] ?? []
        #expect(records.count == 257)
        #expect(records.last?.contains("\"droppedRecords\":44,\"droppedBytes\":45056") == true)
    }

    @Test func `the same subscription twice is one, and one extension keeps to one API`() throws {
        var feed = TelemetryFeed()
        feed.begin()
        #expect(try feed.subscribe("e", subscription(), at: Self.start) == .subscribed)
        #expect(try feed.subscribe("e", subscription(), at: Self.start) == .alreadySubscribed)
        let refused = refusal { () throws(TelemetryRefusal) in
            _ = try feed.subscribe("e", subscription(.logs20200815), at: Self.start)
        }
        #expect(refused?.status == 400)
        #expect(refused?.errorType == "Logs.AccessDenied")
        #expect(
            refused?.errorMessage
                == "The extension e is already subscribed to the TelemetryAPI. "
                + "You must either subscribe to the LogsAPI or the TelemetryAPI"
        )
        #expect(try feed.subscribe("f", subscription(.logs20200815), at: Self.start) == .subscribed)
    }

    @Test func `subscriptions are bounded`() throws {
        var feed = TelemetryFeed()
        feed.begin()
        for port in UInt16(1)...10 { _ = try feed.subscribe("e", subscription(port: port), at: Self.start) }
        let refused = refusal { () throws(TelemetryRefusal) in
            _ = try feed.subscribe("e", subscription(port: 11), at: Self.start)
        }
        #expect(refused?.errorType == "Telemetry.AccessDenied")
    }

    @Test func `all subscribers together hold no more than the environment may`() throws {
        var feed = TelemetryFeed()
        feed.begin()
        let buffering = TelemetryBuffering(bytesMax: 1_048_576, timeout: .seconds(30))
        for port in UInt16(1)...10 {
            let subscription = TelemetrySubscription(
                schema: .telemetry20221213,
                categories: [.function],
                buffering: buffering,
                destination: .tcp(port: port)
            )
            _ = try feed.subscribe("e", subscription, at: Self.start)
        }
        for _ in 0..<100 {
            feed.record(log(.function, String(repeating: "x", count: 100_000)), at: Self.start)
            _ = feed.due(at: Self.start, time: Self.time)
            #expect(feed.bytes <= TelemetryFeed.bytesMax)
        }
    }

    @Test func `a subscription ends with the processes`() throws {
        var feed = TelemetryFeed()
        feed.begin()
        _ = try feed.subscribe("e", subscription(), at: Self.start)
        feed.begin()
        feed.record(log(.function, "x"), at: Self.start)
        feed.clear()
        #expect(feed.wakeUp == nil)
        #expect(feed.bytes == 0)
        #expect(!feed.isListening(to: .function))
        feed.begin()
        #expect(sent(&feed).isEmpty)
        #expect(try feed.subscribe("e", subscription(.logs20200815), at: Self.start) == .subscribed)
    }
}
