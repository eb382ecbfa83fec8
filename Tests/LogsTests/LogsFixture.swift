// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Foundation
import LambdaModel
import Logging
import Synchronization
import Testing

@testable import LogStore
@testable import Logs

/// The service over a store of its own, with a clock that is moved by hand.
final class LogsFixture: Sendable {
    static let start: Int64 = 1_764_000_000_000
    static let caller = LogsCaller(accountID: "000000000000", region: "us-east-1")

    private let path: String
    let store: LogStore
    let service: LogsService

    private final class Time: Sendable {
        let value = Mutex(LogsFixture.start)
        var now: Timestamp { Timestamp(millisecondsSinceEpoch: value.withLock { $0 }) }
    }

    private let clock: Time

    /// `pagesMax` bounds the store's file, in pages of 4 KiB.
    init(clock timer: any Clock<Duration> = ContinuousClock(), pagesMax: Int? = nil) throws {
        path = NSTemporaryDirectory() + "martlet-logs-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let clock = Time()
        self.clock = clock
        store = try LogStore(
            directory: path,
            retention: LogRetention(),
            pagesMax: pagesMax,
            // However busy the machine is.
            writeMax: .seconds(3_600),
            now: { clock.now },
            onBackgroundFailure: { if pagesMax == nil { Issue.record($0) } }
        )
        service = LogsService(
            store: store,
            now: { clock.now },
            clock: timer,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func pass(_ milliseconds: Int64) { clock.value.withLock { $0 += milliseconds } }

    /// Puts more into the journal than the database has room for.
    func fill() async throws {
        let key = LogGroupKey(accountID: Self.caller.accountID, region: Self.caller.region, name: "g")
        for index in 0..<300 {
            let event = LogEvent(timestamp: clock.now, message: "\(index) " + String(repeating: "x", count: 3_000))
            let entry = JournalEntry(group: key, stream: "s", events: [event], usage: nil)
            try await withCheckedThrowingContinuation { continuation in
                store.journal(entry) { continuation.resume(with: $0.mapError { $0 as any Error }) }
            }
        }
    }

    @discardableResult
    func call(_ operation: LogsOperation, _ members: [String: JSONValue] = [:]) async throws -> JSONValue {
        let input = try LogsInput(body: JSONValue.object(members).bytes)
        return try await service.perform(operation, input, Self.caller) ?? .null
    }

    func refusal(_ operation: LogsOperation, _ members: [String: JSONValue] = [:]) async -> LogsError? {
        do {
            try await call(operation, members)
            return nil
        } catch {
            return error as? LogsError
        }
    }

    /// Makes a group with a stream of one name.
    func make(_ group: String = "g", stream: String = "s") async throws {
        try await call(.createLogGroup, ["logGroupName": .string(group)])
        try await call(.createLogStream, ["logGroupName": .string(group), "logStreamName": .string(stream)])
    }

    /// Puts messages, the first at `start`, each a millisecond later than the one before.
    @discardableResult
    func put(
        _ messages: [String],
        at start: Int64 = LogsFixture.start,
        group: String = "g",
        stream: String = "s"
    ) async throws -> JSONValue {
        let events = messages.enumerated().map { index, message in
            JSONValue.object(["timestamp": .integer(start + Int64(index)), "message": .string(message)])
        }
        return try await call(
            .putLogEvents,
            ["logGroupName": .string(group), "logStreamName": .string(stream), "logEvents": .array(events)]
        )
    }
}

/// Time passes when somebody sleeps, and as much.
final class LeapingClock: Clock, Sendable {
    struct Instant: InstantProtocol {
        var offset: Duration

        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private let time = Mutex(Instant(offset: .zero))

    var now: Instant { time.withLock { $0 } }
    var minimumResolution: Duration { .zero }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        time.withLock { $0 = max($0, deadline) }
        await Task.yield()
    }
}

extension JSONValue {
    /// Of each entry of a list of events.
    var messages: [String] { self["events"]?.array?.compactMap { $0["message"]?.string } ?? [] }
}
