// SPDX-License-Identifier: Apache-2.0
import EnvelopeEncryption
import Foundation
import LambdaModel
import Synchronization
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

    @Test func `numbers that none has written are told, and the event is known as changed`() async throws {
        defer { remove() }
        let store = try EventStore(directory: path, masterKey: masterKey)
        let id = try await store.add(envelope("a"), payload: [1])
        var later = envelope("b")
        later.accepted = Timestamp(millisecondsSinceEpoch: 5_000)
        let good = try await store.add(later, payload: [1])
        for (errors, delays) in [(-1, 0), (0, -1), (.max, 0), (0, .max)] {
            try await store.putBack(id, due: Timestamp(millisecondsSinceEpoch: 1), errors: errors, delays: delays)
            await #expect(throws: EventStoreError.contentChanged(id: id)) { try await store.event(id) }
        }
        try await store.putBack(id, due: Timestamp(millisecondsSinceEpoch: .min), errors: 0, delays: 0)
        let told = Mutex<[Int64]>([])
        let waiting = try await store.waiting { id in told.withLock { $0.append(id) } }
        #expect(waiting.map(\.id) == [good] && told.withLock { $0 } == [id])
        // It is left, and none that is waited for.
        #expect(try await store.oldest(isDelivery: false) == Timestamp(millisecondsSinceEpoch: 5_000))
        try await store.remove(good)
        #expect(try await store.oldest(isDelivery: false) == nil)
    }

    @Test func `columns of other types than were written are told, and end no process`() async throws {
        defer { remove() }
        let store = try await damaged { bytes in
            // Of a row: NULL for its id, three texts, a number of two bytes, and two zeros.
            let types: [UInt8] = [0, 37, 31, 15, 2, 8, 8]
            var rows = 0
            for place in 4_096..<(bytes.count - types.count) where bytes[place...].starts(with: types) {
                // A text in place of `due`; NULL in place of `errors` or `delays`.
                switch rows % 4 {
                case 0: bytes[place + 4] = 17
                case 1: bytes[place + 5] = 0
                case 2: bytes[place + 6] = 0
                default: break
                }
                rows += 1
            }
            #expect(rows == 40)
        }
        let told = Mutex<Set<Int64>>([])
        let waiting = try await store.waiting { id in told.withLock { _ = $0.insert(id) } }
        #expect(told.withLock { $0.count } == 10 && waiting.count == 30)
        var changed = 0
        for id in Int64(1)...40 {
            do { #expect(try await store.event(id) != nil) } catch {
                #expect(error as? EventStoreError == .contentChanged(id: id))
                changed += 1
            }
        }
        #expect(changed == 20)
    }

    @Test(arguments: UInt64(1)...6) func `a damaged file ends no process`(seed: UInt64) async throws {
        defer { remove() }
        do {
            let store = try await damaged { bytes in
                var state = seed
                func next(_ bound: Int) -> Int {
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    return Int(state >> 33) % bound
                }
                // Behind the first page, which has the schema.
                for _ in 0..<60 { bytes[4_096 + next(bytes.count - 4_096)] = UInt8(next(256)) }
            }
            _ = try? await store.oldest(isDelivery: false)
            _ = try? await store.oldest(isDelivery: true)
            _ = try? await store.waiting()
            for id in Int64(1)...40 { _ = try? await store.event(id) }
        } catch is EventStoreError {}
    }

    /// A store of 40 events whose file was changed while it was closed.
    private func damaged(_ change: (inout [UInt8]) -> Void) async throws -> EventStore {
        try await fill()
        let file = URL(fileURLWithPath: "\(path)/events.sqlite")
        var bytes = [UInt8](try Data(contentsOf: file))
        change(&bytes)
        try Data(bytes).write(to: file)
        return try EventStore(directory: path, masterKey: masterKey)
    }

    private func fill() async throws {
        do {
            let store = try EventStore(directory: path, masterKey: masterKey)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<40 {
                    group.addTask { _ = try await store.add(envelope("\(number)"), payload: [7]) }
                }
                try await group.waitForAll()
            }
        }
        // Its threads close it a moment later, and write back what the log of changes has.
        while try FileManager.default.contentsOfDirectory(atPath: path).count > 1 {
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
