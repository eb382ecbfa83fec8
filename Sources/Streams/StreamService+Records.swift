// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import StreamCore
import StreamStore

/// The operations on records, as the API has them.
extension StreamService {
    // MARK: Putting

    private static func outgoing(
        _ input: inout StreamInput,
        _ recordBytesMax: Int
    ) throws(StreamError) -> (record: Outgoing, hashKey: String?) {
        input.require("Data")
        let data = try input.bytes("Data", bytesMax: recordBytesMax) ?? []
        let partitionKey = try input.required("PartitionKey", .partitionKey)
        let hashKey = try input.string("ExplicitHashKey", .hashKey)
        return (Outgoing(partitionKey: partitionKey, data: data), hashKey)
    }

    private static func hashKey(_ text: String?) throws(StreamError) -> UInt128? {
        guard let text else { return nil }
        guard let key = UInt128(text) else {
            throw .argument(
                "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was \(text)"
            )
        }
        return key
    }

    private static func checkSize(_ record: Outgoing, _ recordBytesMax: Int) throws(StreamError) {
        let bytes = record.data.count + record.partitionKey.utf8.count
        guard bytes <= recordBytesMax else {
            throw .argument(
                "A record's data and partition key have \(bytes) bytes, more than the \(recordBytesMax) that a record of this stream may "
                    + "have (MaxRecordSizeInKiB)."
            )
        }
    }

    func putRecord(_ input: StreamInput, _ key: StreamKey) async throws -> JSONValue {
        let stream = try await existing(key)
        let recordBytesMax = stream.settings.recordKiBMax << 10
        var input = input
        var (record, hashKey) = try Self.outgoing(&input, recordBytesMax)
        let ordering = try input.string("SequenceNumberForOrdering", .sequenceNumber)
        try input.check()
        record.hashKey = try Self.hashKey(hashKey)
        try Self.checkSize(record, recordBytesMax)
        // All numbers that come are larger than those that were given out.
        if let ordering, SequenceNumber(ordering) == nil {
            throw StreamError.argument(
                "ExclusiveMinimumSequenceNumber \(ordering) used in PutRecord on stream \(key.name) under account "
                    + "\(key.accountID) is invalid."
            )
        }
        let put = try await self.put([record], into: stream)[0]
        return .object([
            "ShardId": .string(put.shard.id), "SequenceNumber": .string(put.sequenceNumber.text),
            "EncryptionType": .string("NONE"),
        ])
    }

    func putRecords(_ input: StreamInput, _ key: StreamKey) async throws -> JSONValue {
        let stream = try await existing(key)
        let recordBytesMax = stream.settings.recordKiBMax << 10
        var input = input
        var records: [Outgoing] = []
        var hashKeys: [String?] = []
        for var entry in try input.objects("Records", counts: 1...StreamLimits.callRecordsMax) {
            let (record, hashKey) = try Self.outgoing(&entry, recordBytesMax)
            input.take(entry)
            records.append(record)
            hashKeys.append(hashKey)
        }
        try input.check()
        var bytes = 0
        for index in records.indices {
            records[index].hashKey = try Self.hashKey(hashKeys[index])
            try Self.checkSize(records[index], recordBytesMax)
            bytes += records[index].data.count + records[index].partitionKey.utf8.count
        }
        guard bytes <= StreamLimits.callBytesMax else {
            throw StreamError.argument("Records size exceeds \(StreamLimits.callBytesMax >> 20) MB limit")
        }
        let answers: [JSONValue]
        var failures = 0
        do {
            answers = try await put(records, into: stream).map { put in
                .object(["ShardId": .string(put.shard.id), "SequenceNumber": .string(put.sequenceNumber.text)])
            }
        } catch let error as StreamStoreError {
            // As on AWS, who sends many is told of each that it may be sent again.
            guard let refusal = Self.refusal(error), refusal.kind == .provisionedThroughputExceeded else { throw error }
            let answer = JSONValue.object([
                "ErrorCode": .string(refusal.kind.rawValue), "ErrorMessage": .string(refusal.message),
            ])
            answers = records.map { _ in answer }
            failures = records.count
        }
        return .object([
            "FailedRecordCount": .integer(failures), "Records": .array(answers), "EncryptionType": .string("NONE"),
        ])
    }

    // MARK: Iterators

    private enum IteratorType: String, CaseIterable {
        case at = "AT_SEQUENCE_NUMBER"
        case after = "AFTER_SEQUENCE_NUMBER"
        case trimHorizon = "TRIM_HORIZON"
        case latest = "LATEST"
        case time = "AT_TIMESTAMP"
    }

    func getShardIterator(_ input: StreamInput, _ key: StreamKey) async throws -> JSONValue {
        var input = input
        let id = try input.required("ShardId", .name)
        input.require("ShardIteratorType")
        let type = try input.choice("ShardIteratorType", IteratorType.allCases)
        let sequence = try input.string("StartingSequenceNumber", .sequenceNumber)
        let time = try input.time("Timestamp").map { Timestamp(millisecondsSinceEpoch: $0) }
        try input.check()
        guard let type else { preconditionFailure("what is required is there when it was checked") }
        guard let shard = try await existing(key, with: { $0.map[id: id] }).found else {
            let id = Shard.number(id).map(Shard.id) ?? id
            throw StreamError(
                .resourceNotFound,
                "Shard \(id) in stream \(key.name) under account \(key.accountID) does not exist"
            )
        }
        let position = try await position(type, sequence, time, in: shard, key)
        let iterator = ShardIterator(
            stream: key,
            shard: shard.row,
            position: position,
            issued: now()
        )
        return .object(["ShardIterator": .string(try iterator.text(iteratorKey))])
    }

    private func position(
        _ type: IteratorType,
        _ sequence: String?,
        _ time: Timestamp?,
        in shard: Shard,
        _ key: StreamKey
    ) async throws -> ShardPosition {
        guard (type == .at || type == .after) == (sequence != nil) else {
            throw StreamError.argument(
                "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) "
                    + "TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified \(type.rawValue) and "
                    + (sequence == nil ? "no" : "also a") + " StartingSequenceNumber."
            )
        }
        switch type {
        case .trimHorizon: return .after(0)
        case .latest: return try await store.end(of: shard.row)
        case .at, .after: return try await self.position(sequence ?? "", isAfter: type == .after, in: shard, key)
        case .time:
            guard let time else {
                throw StreamError.argument(
                    "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp "
                        + "parameter."
                )
            }
            let present = now()
            guard time <= present else {
                throw StreamError.argument(
                    "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: "
                        + "\(time.millisecondsSinceEpoch), currentTimestampInMillis: \(present.millisecondsSinceEpoch)"
                )
            }
            return .since(time)
        }
    }

    /// At or after a sequence number, which has to be of that shard, and one that was given out: before a larger one records would be passed over.
    func position(
        _ text: String,
        isAfter: Bool,
        in shard: Shard,
        _ key: StreamKey
    ) async throws -> ShardPosition {
        let start =
            "StartingSequenceNumber \(text) used in GetShardIterator on shard \(shard.id) in stream \(key.name) under account "
            + "\(key.accountID) is invalid"
        guard let number = SequenceNumber(text) else { throw StreamError.argument("\(start).") }
        guard number.shard == shard.number else {
            throw StreamError.argument(
                "Invalid StartingSequenceNumber. It encodes \(Shard.id(number.shard)), while it was used in a call to a shard with "
                    + shard.id
            )
        }
        guard number.shardCreated == shard.created else {
            throw StreamError.argument("\(start) because it did not come from this stream.")
        }
        let isEnd = number.record == SequenceNumber.lastRecord && !shard.isOpen
        let last = try await store.lastRecord()
        guard isEnd || number.record <= last else { throw StreamError.argument("\(start).") }
        return .after(isAfter ? number.record : max(0, number.record - 1))
    }

    // MARK: Getting

    func iterator(_ input: StreamInput, _ caller: StreamCaller) throws(StreamError) -> ShardIterator {
        guard let iterator = input.text("ShardIterator").flatMap({ ShardIterator($0, iteratorKey) }),
            iterator.stream.accountID == caller.accountID, iterator.stream.region == caller.region
        else { throw .argument("Invalid ShardIterator.") }
        return iterator
    }

    func getRecords(_ input: StreamInput, _ caller: StreamCaller) async throws -> JSONValue {
        var input = input
        _ = try input.required("ShardIterator", .iterator)
        let limit = try input.integer("Limit", in: 1...StreamLimits.pageRecordsMax) ?? StreamLimits.pageRecordsMax
        let arn = try input.string("StreamARN", .streamARN)
        try input.check()
        var iterator = try iterator(input, caller)
        guard arn == nil || arn == iterator.stream.arn else {
            throw StreamError.argument("The ShardIterator is of another stream than StreamARN names.")
        }
        let time = now()
        guard time.millisecondsSinceEpoch - iterator.issued.millisecondsSinceEpoch <= StreamLimits.iteratorMilliseconds
        else {
            throw StreamError(
                .expiredIterator,
                "Iterator expired. The iterator was created at time \(Self.words(iterator.issued)) while right now it is "
                    + "\(Self.words(time)) which is further in the future than the tolerated delay of "
                    + "\(StreamLimits.iteratorMilliseconds) milliseconds."
            )
        }
        let (shard, page) = try await page(iterator.shard, of: iterator.stream, from: iterator.position, limit: limit)
        var behind: Int64 = 0
        if page.hasMore, let last = page.lastArrival {
            behind = max(1, time.millisecondsSinceEpoch - last.millisecondsSinceEpoch)
        }
        var members: [String: JSONValue] = [
            "Records": .array(page.records.map { Self.json($0, of: shard) }), "MillisBehindLatest": .integer(behind),
        ]
        if let next = page.next {
            iterator.position = next
            iterator.issued = time
            members["NextShardIterator"] = .string(try iterator.text(iteratorKey))
        } else {
            members["ChildShards"] = .array(page.children.map(Self.childJSON))
        }
        return .object(members)
    }

    /// A record as GetRecords has it.
    private static func json(_ record: ShardRecord, of shard: Shard) -> JSONValue {
        .object([
            "SequenceNumber": .string(shard.sequenceNumber(record.id, record.arrival).text),
            "ApproximateArrivalTimestamp": .number(record.arrival.epochSeconds),
            "Data": .string(Base64.encode(record.content.data)),
            "PartitionKey": .string(record.content.partitionKey), "EncryptionType": .string("NONE"),
        ])
    }

    /// As Java writes times: `Thu Jan 22 01:22:02 UTC 2015`.
    static func words(_ time: Timestamp) -> String {
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let seconds = max(0, time.millisecondsSinceEpoch / 1_000)
        let date = Timestamp(millisecondsSinceEpoch: seconds * 1_000).civilDate
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let (hour, minute, second) = (Int(seconds / 3_600 % 24), Int(seconds / 60 % 60), Int(seconds % 60))
        return
            "\(days[Int(seconds / 86_400 % 7)]) \(months[date.month - 1]) \(two(date.day)) \(two(hour)):\(two(minute)):"
            + "\(two(second)) UTC \(date.year)"
    }
}
