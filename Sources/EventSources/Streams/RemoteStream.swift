// SPDX-License-Identifier: Apache-2.0
package import AWSClient
import AWSWire
package import InvocationCore
import LambdaModel

/// A stream of a server that speaks the protocol of Kinesis, or of DynamoDB Streams.
package struct RemoteStream: RecordStream {
    /// 10 MB of records, as JSON.
    private static let answerBytesMax = 32 << 20
    /// An item may have 31 levels, each of them two of JSON.
    private static let depthMax = 96
    private static let valuesMax = 1_000_000
    /// Pages of a listing, and shards of all of them.
    private static let pagesMax = 200
    private static let shardsMax = 10_000

    private let client: ServiceClient
    private let kind: EventSourcePlan.StreamSource.Kind
    private let arn: String
    private let region: String

    package init(client: ServiceClient, kind: EventSourcePlan.StreamSource.Kind, arn: String, region: String) {
        self.client = client
        self.kind = kind
        self.arn = arn
        self.region = region
    }

    package var fetchMax: Int { kind == .kinesis ? 10_000 : 1_000 }
    package var endsWhenEmpty: Bool { kind == .kinesis }

    package func shards() async throws -> [ShardSet.Shard] {
        var shards: [ShardSet.Shard] = []
        var token: JSONValue?
        for _ in 0..<Self.pagesMax {
            let page: JSONValue
            switch kind {
            case .kinesis:
                // A token stands for the stream as well.
                page = try await call("ListShards", token.map { ["NextToken": $0] } ?? ["StreamARN": .string(arn)])
                token = page["NextToken"]
            case .dynamoDB:
                var members: [String: JSONValue] = ["StreamArn": .string(arn)]
                members["ExclusiveStartShardId"] = token
                let answer = try await call("DescribeStream", members)
                page = answer["StreamDescription"] ?? .null
                token = page["LastEvaluatedShardId"]
            }
            guard let found = page["Shards"]?.array else {
                throw StreamFailure(code: "InternalFailure", message: "The answer has no shards.")
            }
            shards += try found.map(Self.shard)
            guard shards.count <= Self.shardsMax else { break }
            guard token?.string != nil else { return shards }
        }
        throw StreamFailure(code: "LimitExceeded", message: "The stream has more than \(Self.shardsMax) shards.")
    }

    private static func shard(_ value: JSONValue) throws(StreamFailure) -> ShardSet.Shard {
        guard let id = value["ShardId"]?.string, !id.isEmpty else {
            throw StreamFailure(code: "InternalFailure", message: "The answer has a shard without a name.")
        }
        return ShardSet.Shard(
            id: id,
            parents: [value["ParentShardId"]?.string, value["AdjacentParentShardId"]?.string].compactMap(\.self),
            isClosed: value["SequenceNumberRange"]?["EndingSequenceNumber"]?.string != nil
        )
    }

    package func iterator(_ shard: String, at position: StreamPosition) async throws -> String {
        var members: [String: JSONValue] = [
            kind == .kinesis ? "StreamARN" : "StreamArn": .string(arn), "ShardId": .string(shard),
        ]
        var type = "TRIM_HORIZON"
        switch position {
        case .trimHorizon, .end: break
        case .latest: type = "LATEST"
        case .after(let sequence):
            type = "AFTER_SEQUENCE_NUMBER"
            members[kind == .kinesis ? "StartingSequenceNumber" : "SequenceNumber"] = .string(sequence)
        // DynamoDB knows no times: the reader leaves out what is older.
        case .since(let time) where kind == .kinesis:
            type = "AT_TIMESTAMP"
            members["Timestamp"] = .number(time.epochSeconds)
        case .since: break
        }
        members["ShardIteratorType"] = .string(type)
        guard let iterator = try await call("GetShardIterator", members)["ShardIterator"]?.string else {
            throw StreamFailure(code: "InternalFailure", message: "The answer has no iterator.")
        }
        return iterator
    }

    package func records(_ iterator: String, max: Int) async throws -> StreamPage {
        var members: [String: JSONValue] = [
            "ShardIterator": .string(iterator), "Limit": .integer(min(max, fetchMax)),
        ]
        // An iterator need not say which stream it is of.
        if kind == .kinesis { members["StreamARN"] = .string(arn) }
        let answer = try await call("GetRecords", members)
        guard let records = answer["Records"]?.array else {
            throw StreamFailure(code: "InternalFailure", message: "The answer has no records.")
        }
        let isBehind = answer["MillisBehindLatest"]?.integer.map { $0 > 0 }
        return StreamPage(
            records: try Self.records(records, kind),
            next: answer["NextShardIterator"]?.string,
            hasMore: isBehind ?? false || (kind == .dynamoDB && !records.isEmpty) || records.count >= min(max, fetchMax)
        )
    }

    /// - Throws: where one of them is none; then all of them are read again.
    static func records(
        _ records: [JSONValue],
        _ kind: EventSourcePlan.StreamSource.Kind
    ) throws(StreamFailure) -> [StreamRecord] {
        try records.map { record throws(StreamFailure) in
            let read = kind == .kinesis ? StreamRecord(kinesis: record) : StreamRecord(dynamoDB: record)
            guard let read else {
                throw StreamFailure(
                    code: "InternalFailure",
                    message: "A record has no sequence number, or no data."
                )
            }
            return read
        }
    }

    private func call(_ operation: String, _ members: [String: JSONValue]) async throws -> JSONValue {
        let request: ServiceRequest
        switch kind {
        case .kinesis: request = .kinesisOperation(operation, members, region: region)
        case .dynamoDB: request = .dynamoDBStreamsOperation(operation, members, region: region)
        }
        do {
            return try JSONValue(
                parsing: try await client.perform(request, bytesMax: Self.answerBytesMax),
                depthMax: Self.depthMax,
                valuesMax: Self.valuesMax
            )
        } catch ServiceFailure.refused(_, let code, let message) {
            throw StreamFailure(code: code, message: message)
        } catch ServiceFailure.unreachable(let cause) {
            throw StreamFailure(
                code: "ServiceUnavailable",
                message: "The stream's server does not answer.",
                cause: "\(client.endpoint.url): \(cause)"
            )
        } catch ServiceFailure.tooLarge(let bytesMax) {
            throw StreamFailure(
                code: StreamFailure.tooLarge,
                message: "The answer has more than \(bytesMax) bytes."
            )
        } catch let failure as JSONSyntax.Failure {
            // Also of more values than are taken.
            throw StreamFailure(code: StreamFailure.tooLarge, message: "The answer is not understood: \(failure)")
        }
    }
}

extension Timestamp {
    /// Reads the number of seconds since 1970 that AWS's protocols have, with or without fraction and exponent.
    init?(seconds: JSONValue?) {
        guard case .number(let text)? = seconds, let value = Double(text), abs(value) < 1e12 else { return nil }
        self.init(millisecondsSinceEpoch: Int64((value * 1_000).rounded()))
    }
}
