// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Foundation
import LambdaModel
import LogStore
import Logging
import Synchronization
import Testing

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

    init() throws {
        path = NSTemporaryDirectory() + "martlet-logs-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let clock = Time()
        self.clock = clock
        store = try LogStore(directory: path, now: { clock.now }, onBackgroundFailure: { Issue.record($0) })
        service = LogsService(
            store: store,
            now: { clock.now },
            clock: ContinuousClock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func pass(_ milliseconds: Int64) { clock.value.withLock { $0 += milliseconds } }

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

extension JSONValue {
    /// Of each entry of a list of events.
    var messages: [String] { self["events"]?.array?.compactMap { $0["message"]?.string } ?? [] }
}
