// SPDX-License-Identifier: Apache-2.0
import AWSWire
import EnvelopeEncryption
import Foundation
import LambdaModel
import Logging
import StreamCore
import StreamStore
import Synchronization
import TestSupport
import Testing

@testable import Streams

final class StreamServiceTests: Sendable {
    private let path: String
    private let caller = StreamCaller(accountID: "000000000000", region: "us-east-1")
    private let service: StreamService

    init() throws {
        path = NSTemporaryDirectory() + "martlet-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let masterKey = try MasterKey(bytes: [UInt8](repeating: 1, count: 32))
        let clock = Reference<Timestamp>(Timestamp(millisecondsSinceEpoch: 1_700_000_000_123))
        self.clock = clock
        service = StreamService(
            store: try StreamStore(directory: path, masterKey: masterKey, storageBytesMax: 1 << 30),
            masterKey: masterKey,
            now: { clock.value.withLock { $0 } },
            clock: ContinuousClock(),
            logger: Logger(label: "test")
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    private final class Reference<Value: Sendable>: Sendable {
        let value: Mutex<Value>
        init(_ value: Value) { self.value = Mutex(value) }
    }

    private let clock: Reference<Timestamp>

    private func pass(_ duration: Duration) { clock.value.withLock { $0 = $0.advanced(by: duration) } }

    @discardableResult
    private func call(
        _ operation: StreamOperation,
        _ members: [String: JSONValue] = [:],
        by caller: StreamCaller? = nil
    ) async throws -> JSONValue {
        let input = try StreamInput(body: JSONValue.object(members).bytes)
        return try await service.perform(operation, input, caller ?? self.caller) ?? .null
    }

    private func refusal(
        _ operation: StreamOperation,
        _ members: [String: JSONValue] = [:],
        by caller: StreamCaller? = nil
    ) async throws -> StreamError? {
        do { try await call(operation, members, by: caller) } catch let error as StreamError { return error }
        return nil
    }

    private func make(_ name: String = "s", shards: Int = 1) async throws {
        try await call(.createStream, ["StreamName": .string(name), "ShardCount": .integer(shards)])
    }

    @discardableResult
    private func put(_ text: String, key: String = "k", to name: String = "s") async throws -> String {
        let answer = try await call(
            .putRecord,
            [
                "StreamName": .string(name), "PartitionKey": .string(key),
                "Data": .string(Base64.encode(Array(text.utf8))),
            ]
        )
        return try #require(answer["SequenceNumber"]?.string)
    }

    private func iterator(_ type: String, _ members: [String: JSONValue] = [:]) async throws -> String {
        let asked = members.merging([
            "StreamName": .string("s"), "ShardId": .string("shardId-000000000000"), "ShardIteratorType": .string(type),
        ]) { $1 }
        return try #require(try await call(.getShardIterator, asked)["ShardIterator"]?.string)
    }

    private func texts(_ iterator: String) async throws -> [String] {
        let answer = try await call(.getRecords, ["ShardIterator": .string(iterator)])
        return try #require(answer["Records"]?.array).map { record in
            String(decoding: Base64.decode(record["Data"]?.string ?? "") ?? [], as: UTF8.self)
        }
    }

    @Test func `each type of iterator begins where it says`() async throws {
        try await make()
        let first = try await put("a")
        pass(.seconds(1))
        let second = try await put("b")
        let start = clock.value.withLock { $0 }
        let latest = try await iterator("LATEST")
        try await put("c")
        #expect(try await texts(iterator("TRIM_HORIZON")) == ["a", "b", "c"])
        #expect(try await texts(latest) == ["c"])
        let at: [String: JSONValue] = ["StartingSequenceNumber": .string(second)]
        #expect(try await texts(iterator("AT_SEQUENCE_NUMBER", at)) == ["b", "c"])
        #expect(try await texts(iterator("AFTER_SEQUENCE_NUMBER", at)) == ["c"])
        #expect(try await texts(iterator("AT_SEQUENCE_NUMBER", ["StartingSequenceNumber": .string(first)])).count == 3)
        #expect(try await texts(iterator("AT_TIMESTAMP", ["Timestamp": .number(start.epochSeconds)])) == ["b", "c"])
        #expect(try await texts(iterator("AT_TIMESTAMP", ["Timestamp": .number("1")])) == ["a", "b", "c"])
        let shards = try await call(.listShards, ["StreamName": .string("s")])["Shards"]?.array
        let beginning = try #require(shards?.first?["SequenceNumberRange"]?["StartingSequenceNumber"])
        #expect(try await texts(iterator("AT_SEQUENCE_NUMBER", ["StartingSequenceNumber": beginning])).count == 3)
    }

    @Test func `an iterator is good for five minutes, in its stream, and can't be made up`() async throws {
        try await make()
        try await put("a")
        let good = try await iterator("TRIM_HORIZON")
        #expect(good.utf8.count <= 512)
        let other = StreamCaller(accountID: "111111111111", region: "us-east-1")
        let invalid = StreamError(.invalidArgument, "Invalid ShardIterator.")
        #expect(try await refusal(.getRecords, ["ShardIterator": .string(good)], by: other) == invalid)
        // Each character in turn is another one.
        for index in good.indices {
            var bad = good
            bad.replaceSubrange(index...index, with: [good[index] == "A" ? "B" : "A"])
            #expect(try await refusal(.getRecords, ["ShardIterator": .string(bad)]) == invalid)
        }
        for bad in ["x", String(repeating: "A", count: 512), String(good.dropLast(4)), good + "AAAA"] {
            #expect(try await refusal(.getRecords, ["ShardIterator": .string(bad)]) == invalid)
        }
        pass(.seconds(300))
        let answer = try await call(.getRecords, ["ShardIterator": .string(good)])
        pass(.milliseconds(1))
        let error = try #require(try await refusal(.getRecords, ["ShardIterator": .string(good)]))
        #expect(error.kind == .expiredIterator)
        #expect(
            error.message
                == "Iterator expired. The iterator was created at time Tue Nov 14 22:13:20 UTC 2023 while right now it is Tue Nov 14 "
                + "22:18:20 UTC 2023 which is further in the future than the tolerated delay of 300000 milliseconds."
        )
        // The next one begins its own five minutes.
        let next = try #require(answer["NextShardIterator"]?.string)
        pass(.seconds(299))
        #expect(try await texts(next) == [])
        try await call(.deleteStream, ["StreamName": .string("s")])
        try await make()
        #expect(try await refusal(.getRecords, ["ShardIterator": .string(next)])?.kind == .resourceNotFound)
    }

    @Test(.timeLimit(.minutes(5)))
    func `what wakes a reader is a record of its shard, or the shard's end`() async throws {
        try await make()
        let key = StreamKey(accountID: "000000000000", region: "us-east-1", name: "s")
        let cursor = try await service.cursor("shardId-000000000000", of: key, at: .latest)
        let empty = try await service.read(cursor, of: key, max: 10)
        let waiting = try #require(empty.next)
        #expect(waiting.known != nil && StreamService.Cursor(text: waiting.text) == waiting)
        // Longer than the test may last: it ends because it is woken. It is put into when the reader waits already.
        async let woken: Void = service.wait(waiting, upTo: .seconds(3_600))
        try await registered()
        try await put("a")
        await woken
        // Once more at once, since it is known that something came.
        await service.wait(waiting, upTo: .seconds(3_600))
        let found = try await service.read(waiting, of: key, max: 10)
        #expect(found.page.records.count == 1)
        let after = try #require(found.next)
        async let sealed: Void = service.wait(after, upTo: .seconds(3_600))
        try await registered()
        let shard = JSONValue.string("shardId-000000000000")
        let split: [String: JSONValue] = ["StreamName": .string("s"), "ShardToSplit": shard]
        try await call(.splitShard, split.merging(["NewStartingHashKey": .string("100")]) { $1 })
        await sealed
        #expect(try await service.read(after, of: key, max: 10).next == nil)
        // A task that is cancelled waits no more.
        let child = try await service.cursor("shardId-000000000001", of: key, at: .oldest)
        let last = try #require(try await service.read(child, of: key, max: 10).next)
        let task = Task { [service] in await service.wait(last, upTo: .seconds(3_600)) }
        try await registered()
        task.cancel()
        await task.value
        #expect(service.bells.waiting == 0)
        // Nor does one that is cancelled before it waits.
        let cancelled = Task { [service] in
            withUnsafeCurrentTask { $0?.cancel() }
            await service.wait(last, upTo: .seconds(3_600))
        }
        await cancelled.value
        #expect(StreamService.Cursor(text: "1 after x") == nil && StreamService.Cursor(text: "") == nil)
    }

    private func registered() async throws {
        while service.bells.waiting == 0 { try await Task.sleep(for: .milliseconds(1)) }
    }

    @Test func `a child is found though what is kept of its stream is from before the split`() async throws {
        try await make()
        try await put("before")
        // Another one's changes are not told to this one's memory.
        let masterKey = try MasterKey(bytes: [UInt8](repeating: 1, count: 32))
        let other = try StreamStore(directory: path, masterKey: masterKey, storageBytesMax: 1 << 30)
        let key = StreamKey(accountID: "000000000000", region: "us-east-1", name: "s")
        let clock = clock
        @Sendable func child(_ step: Int) async throws -> Shard {
            let split = try await other.update(key) { stream in
                let shard = stream.map.owner(of: 0)
                try stream.map.split(shard.id, at: 1 << UInt128(127 - step), of: key, now: clock.value.withLock { $0 })
            }
            #expect(try await service.existing(key).map.shards.count == 2 * step + 1)
            return split.after.map.owner(of: 0)
        }
        let first = try await child(0)
        var asked: [String: JSONValue] = [
            "StreamName": .string("s"), "ShardId": .string(first.id), "ShardIteratorType": .string("TRIM_HORIZON"),
        ]
        #expect(try await refusal(.getShardIterator, asked) == nil)
        _ = try await service.cursor(child(1).id, of: key, at: .oldest)
        let cursor = StreamService.Cursor(shard: try await child(2).row, position: .after(0))
        #expect(try await service.read(cursor, of: key, max: 1).next != nil)
        asked["ShardId"] = .string("99")
        #expect(try await refusal(.getShardIterator, asked)?.kind == .resourceNotFound)
    }

    @Test func `a number that was not given out is refused, but for the end of a closed shard`() async throws {
        try await make()
        let given = try #require(SequenceNumber(try await put("a")))
        var ahead = given
        ahead.record += 1
        let key = StreamKey(accountID: "000000000000", region: "us-east-1", name: "s")
        for type in ["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"] {
            let asked: [String: JSONValue] = [
                "StreamName": .string("s"), "ShardId": .string("0"), "ShardIteratorType": .string(type),
                "StartingSequenceNumber": .string(ahead.text),
            ]
            let error = try #require(try await refusal(.getShardIterator, asked))
            #expect(error.kind == .invalidArgument)
            #expect(error.message.hasPrefix("StartingSequenceNumber \(ahead.text) used"))
            var end = ahead
            end.record = SequenceNumber.lastRecord
            let open = asked.merging(["StartingSequenceNumber": .string(end.text)]) { $1 }
            #expect(try await refusal(.getShardIterator, open)?.kind == .invalidArgument)
        }
        await #expect(throws: StreamError.self) {
            try await self.service.cursor("0", of: key, at: .after(sequenceNumber: ahead.text))
        }
        _ = try await service.cursor("0", of: key, at: .after(sequenceNumber: given.text))
        let split: [String: JSONValue] = ["StreamName": .string("s"), "ShardToSplit": .string("0")]
        try await call(.splitShard, split.merging(["NewStartingHashKey": .string("100")]) { $1 })
        let shards = try await call(.listShards, ["StreamName": .string("s")])["Shards"]?.array
        let end = try #require(shards?.first?["SequenceNumberRange"]?["EndingSequenceNumber"])
        #expect(try await texts(iterator("AFTER_SEQUENCE_NUMBER", ["StartingSequenceNumber": end])) == [])
    }

    @Test func `a token of a listing is good for five minutes`() async throws {
        try await make(shards: 5)
        let first = try await call(.listShards, ["StreamName": .string("s"), "MaxResults": .integer(2)])
        let token = try #require(first["NextToken"])
        let rest = try await call(.listShards, ["NextToken": token])
        #expect(rest["Shards"]?.array?.count == 3 && rest["NextToken"] == nil)
        let both = try await refusal(.listShards, ["NextToken": token, "StreamName": .string("s")])
        #expect(both?.message == "NextToken and StreamName cannot be provided together.")
        pass(.seconds(301))
        #expect(try await refusal(.listShards, ["NextToken": token])?.kind == .expiredNextToken)
    }

    /// Members of operations are something else than they should be: refused or done, and nothing worse.
    @Test(arguments: UInt64(0)..<8)
    func `whatever an input holds is refused or done`(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        try await make(shards: 2)
        let sequence = try await put("a")
        let good: [String: JSONValue] = [
            "StreamName": .string("s"), "ShardId": .string("shardId-000000000000"), "PartitionKey": .string("k"),
            "Data": .string("YQ=="), "ShardIteratorType": .string("AT_SEQUENCE_NUMBER"),
            "StartingSequenceNumber": .string(sequence), "ShardIterator": .string(try await iterator("LATEST")),
            "ShardToSplit": .string("shardId-000000000001"), "NewStartingHashKey": .string("5"),
            "ShardToMerge": .string("shardId-000000000000"), "AdjacentShardToMerge": .string("shardId-000000000001"),
            "RetentionPeriodHours": .integer(24), "TargetShardCount": .integer(2),
            "ScalingType": .string("UNIFORM_SCALING"), "Tags": .object(["a": .string("b")]),
            "TagKeys": .array([.string("a")]),
            "Records": .array([.object(["Data": .string("YQ=="), "PartitionKey": .string("k")])]),
        ]
        let names =
            Array(good.keys) + [
                "StreamARN", "ResourceARN", "NextToken", "Limit", "MaxResults", "ShardFilter", "Timestamp",
                "ShardCount",
                "StreamModeDetails", "ExplicitHashKey", "SequenceNumberForOrdering", "ExclusiveStartShardId",
                "ExclusiveStartStreamName", "ExclusiveStartTagKey", "StreamCreationTimestamp",
                "EnforceConsumerDeletion",
                "MaxRecordSizeInKiB", "WarmThroughputMiBps",
            ]
        let bad: [JSONValue] = [
            .null, .string(""), .string(String(repeating: "9", count: 39)),
            .string(String(repeating: "a", count: 5_000)),
            .number("-1"), .number("1e400"), .number("9223372036854775807"), .number("-9223372036854775808"),
            .number("0.5"), .array([]), .object([:]), .array([.null]), .object(["a": .null]), .bool(true),
            .array([.object(["Data": .string("!"), "PartitionKey": .integer(1)])]),
            .object(["Type": .string("AT_TIMESTAMP"), "Timestamp": .number("-1e300")]),
            .object(["Type": .string("AFTER_SHARD_ID"), "ShardId": .string("shardId-99999999999999999999")]),
            .object(["StreamMode": .string("x")]),
        ]
        let operations = StreamOperation.allCases.filter { $0 != .deleteStream && $0.absence == nil }
        for step in 0..<250 {
            let operation = operations.randomElement(using: &random) ?? .putRecord
            var members = good
            for _ in 0...Int.random(in: 0...1, using: &random) {
                members[names.randomElement(using: &random) ?? ""] = bad.randomElement(using: &random)
            }
            let error = try await refusal(operation, members)
            #expect((error?.message.utf8.count ?? 0) < 6_000, "seed \(seed), step \(step): \(operation)")
            #expect(error?.kind != .internalFailure, "seed \(seed), step \(step): \(operation)")
        }
        #expect(throws: StreamError.self) { try StreamInput(body: Array("[".utf8)) }
        #expect(throws: StreamError.self) { try StreamInput(body: Array("[]".utf8)) }
    }

    /// What is asked about for a request is what the request is done to, whatever else it names.
    @Test func `who may is asked about the stream that an operation is done to`() async throws {
        try await make("a")
        try await make("b")
        func arn(_ name: String) -> String { "arn:aws:kinesis:us-east-1:000000000000:stream/\(name)" }
        let tags = JSONValue.object(["k": .string("v")])
        let sealed = try await call(
            .getShardIterator,
            ["StreamName": .string("b"), "ShardId": .string("0"), "ShardIteratorType": .string("LATEST")]
        )["ShardIterator"]
        let cases: [(StreamOperation, [String: JSONValue], String)] = [
            (.deleteStream, ["StreamName": .string("b"), "ResourceARN": .string(arn("a"))], "b"),
            (.deleteStream, ["StreamARN": .string(arn("b")), "ConsumerARN": .string(arn("a"))], "b"),
            (.tagResource, ["StreamARN": .string(arn("a")), "ResourceARN": .string(arn("b")), "Tags": tags], "b"),
            (.untagResource, ["StreamName": .string("a"), "ResourceARN": .string(arn("b"))], "b"),
            (.listTagsForResource, ["StreamARN": .string(arn("a")), "ResourceARN": .string(arn("b"))], "b"),
            (.createStream, ["StreamName": .string("c"), "StreamARN": .string(arn("a"))], "c"),
            (.putRecord, ["StreamName": .string("b"), "ResourceARN": .string(arn("a"))], "b"),
            (.listShards, ["StreamName": .string("b"), "ResourceARN": .string(arn("a"))], "b"),
            (.getRecords, ["ShardIterator": sealed ?? .null, "StreamARN": .string(arn("a"))], "b"),
        ]
        for (operation, members, name) in cases {
            let input = try StreamInput(body: JSONValue.object(members).bytes)
            let access = service.access(operation, input, caller)
            #expect(access.map(\.resource) == [arn(name)], "\(operation)")
            #expect(access.map(\.action) == [operation.action])
        }
        // It is done to that one.
        let both: [String: JSONValue] = [
            "StreamARN": .string(arn("a")), "ResourceARN": .string(arn("b")), "Tags": tags,
        ]
        try await call(.tagResource, both)
        let mine = try await call(.listTagsForResource, ["ResourceARN": .string(arn("a"))])
        let other = try await call(.listTagsForResource, ["ResourceARN": .string(arn("b"))])
        #expect(mine["Tags"]?.array?.count == 0 && other["Tags"]?.array?.count == 1)
    }
}
