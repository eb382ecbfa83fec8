// SPDX-License-Identifier: Apache-2.0
import EnvelopeEncryption
import Foundation
import LambdaModel
import Testing

@testable import EventStore

struct EventStoreTests {
    private let path: String
    private let masterKey: MasterKey
    private let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")

    init() throws {
        path = NSTemporaryDirectory() + "martlet-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        masterKey = try MasterKey(bytes: [UInt8](repeating: 1, count: 32))
    }

    private func remove() { try? FileManager.default.removeItem(atPath: path) }

    private func envelope(_ id: String) -> AsyncEvent.Envelope {
        AsyncEvent.Envelope(
            requestID: id,
            function: function,
            qualifier: "live",
            accepted: Timestamp(millisecondsSinceEpoch: 1_000),
            traceHeader: "Root=1"
        )
    }

    @Test func `an event comes back as it was, from another run too`() async throws {
        defer { remove() }
        let store = try EventStore(directory: path, masterKey: masterKey)
        let id = try await store.add(envelope("a"), payload: Array(#"{"x":1}"#.utf8))
        let event = AsyncEvent(envelope: envelope("a"), payload: Array(#"{"x":1}"#.utf8))
        #expect(try await store.event(id) == event)
        let due = Timestamp(millisecondsSinceEpoch: 9_000)
        try await store.putBack(id, due: due, errors: 1, delays: 2)
        let other = try EventStore(directory: path, masterKey: masterKey)
        let waiting = try #require(try await other.waiting().first)
        #expect(waiting == WaitingEvent(id: id, function: function, due: due, bytes: waiting.bytes))
        #expect(waiting.bytes >= event.payload.count)
        let later = try await other.event(id)
        #expect(later?.errors == 1 && later?.delays == 2 && later?.payload == event.payload)
    }

    @Test func `what ends is gone, and what follows is there, at once`() async throws {
        defer { remove() }
        let store = try EventStore(directory: path, masterKey: masterKey)
        let id = try await store.add(envelope("a"), payload: [1])
        let next = try await store.remove(id, next: [(envelope("b"), payload: [2])])
        #expect(try await store.event(id) == nil)
        #expect(next.count == 1 && next[0] > id)
        #expect(try await store.event(next[0])?.payload == [2])
    }

    @Test func `a message for a destination is kept with the end of its event, and known as one`() async throws {
        defer { remove() }
        let store = try EventStore(directory: path, masterKey: masterKey)
        let id = try await store.add(envelope("a"), payload: [1])
        #expect(try await store.oldest(isDelivery: true) == nil)
        var message = envelope("a")
        message.accepted = Timestamp(millisecondsSinceEpoch: 5_000)
        message.delivery = .init(target: "arn:aws:sqs:r:a:q", isDeadLetter: true, condition: "c", id: "u")
        let next = try await store.remove(id, next: [(message, payload: [2])])
        let waiting = try #require(try await store.waiting().first)
        #expect(waiting.id == next[0] && waiting.due == message.accepted && waiting.isDelivery)
        #expect(try await store.event(next[0]) == AsyncEvent(envelope: message, payload: [2]))
        #expect(try await store.oldest(isDelivery: true) == message.accepted)
        #expect(try await store.oldest(isDelivery: false) == nil)
    }

    @Test func `many at once are all kept, each under a number of its own`() async throws {
        defer { remove() }
        let store = try EventStore(directory: path, masterKey: masterKey)
        let ids = try await withThrowingTaskGroup(of: Int64.self) { group in
            for number in 0..<2_000 {
                group.addTask { try await store.add(envelope("\(number)"), payload: [UInt8(number % 256)]) }
            }
            return try await group.reduce(into: Set<Int64>()) { $0.insert($1) }
        }
        #expect(ids.count == 2_000)
        #expect(try await Set(store.waiting().map(\.id)) == ids)
    }

    @Test func `no payload is readable in the files, and a changed one is refused`() async throws {
        defer { remove() }
        let store = try EventStore(directory: path, masterKey: masterKey)
        let first = try await store.add(envelope("a"), payload: Array("a-secret-marker".utf8))
        _ = try await store.add(envelope("b"), payload: Array("another".utf8))
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
            #expect(bytes.range(of: Data("a-secret-marker".utf8)) == nil, "\(name)")
        }
        let other = try EventStore(directory: path, masterKey: try MasterKey(bytes: [UInt8](repeating: 2, count: 32)))
        await #expect(throws: EventStoreError.contentChanged(id: first)) { try await other.event(first) }
    }

    @Test func `a full disk takes nothing and says so`() async throws {
        defer { remove() }
        let store = try EventStore(directory: path, masterKey: masterKey, pagesMax: 64)
        var kept = 0
        await #expect(throws: EventStoreError.diskFull) {
            for number in 0..<1_000 {
                _ = try await store.add(envelope("\(number)"), payload: [UInt8](repeating: 7, count: 4_096))
                kept += 1
            }
        }
        #expect(kept > 0)
        #expect(try await store.waiting().count == kept)
    }
}
