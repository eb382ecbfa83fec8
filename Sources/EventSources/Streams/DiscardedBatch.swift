// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore
import Invoker
import LambdaModel

/// Records that are not tried again, as a destination is told of them.
///
/// https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
struct DiscardedBatch: Sendable {
    /// The last invocation with them.
    struct Attempt: Equatable, Sendable {
        var requestID: String
        var executedVersion: String
        /// Otherwise the function said itself which of them failed.
        var isFunctionError: Bool
    }

    /// Which records they are, as a member of the message.
    struct Info: Sendable {
        var name: String
        var value: JSONValue
    }

    var plan: EventSourcePlan
    /// ARN; nil where nobody is told.
    var destination: String?
    /// Of the source: a shard, or a topic's partition.
    var place: String
    var info: Info
    var reason: ShardPoller.Reason
    var invocations: Int
    var attempt: Attempt?
    /// The event of all of them, which a bucket gets.
    var event: [UInt8]
    var time: Timestamp

    /// nil where the mapping has no destination.
    func message() -> DestinationMessage? {
        guard let target = destination.flatMap(DestinationARN.init) else { return nil }
        let requestID = attempt?.requestID ?? RandomIdentifier.uuid()
        let functionARN = plan.function.arn(qualifier: plan.qualifier)
        var message = DestinationMessage(
            target: target,
            content: .record(isSuccess: false),
            body: body(requestID, functionARN, hasPayload: target.service == .s3).bytes,
            requestID: requestID,
            function: plan.function,
            functionARN: functionARN,
            created: time,
            id: RandomIdentifier.uuid()
        )
        message.objectFolder = "\(plan.key.id)/\(place)"
        return message
    }

    private func body(_ requestID: String, _ functionARN: String, hasPayload: Bool) -> JSONValue {
        var members: [String: JSONValue] = [
            "requestContext": .object([
                "requestId": .string(requestID), "functionArn": .string(functionARN),
                "condition": .string(reason.rawValue), "approximateInvokeCount": .integer(invocations),
            ]),
            "version": .string("1.0"), "timestamp": .string(time.iso8601()),
            info.name: info.value,
        ]
        if let attempt, reason == .retryAttemptsExhausted {
            members["responseContext"] = .object([
                "statusCode": .integer(200), "executedVersion": .string(attempt.executedVersion),
                "functionError": attempt.isFunctionError ? .string("Unhandled") : .null,
            ])
        }
        if hasPayload { members["payload"] = .string(String(decoding: event, as: UTF8.self)) }
        return .object(members)
    }
}

extension DiscardedBatch.Info {
    /// Of a shard's records, in their order.
    init(_ source: EventSourcePlan.StreamSource, _ shard: String, _ records: [(sequence: String, arrival: Timestamp)]) {
        /// DynamoDB's times have no milliseconds.
        func shown(_ time: Timestamp) -> String {
            let text = time.iso8601()
            return source.kind == .kinesis ? text : text.prefix(19) + "Z"
        }
        var members: [String: JSONValue] = [
            "shardId": .string(shard), "batchSize": .integer(records.count), "streamArn": .string(source.arn),
        ]
        if let first = records.first, let last = records.last {
            members["startSequenceNumber"] = .string(first.sequence)
            members["endSequenceNumber"] = .string(last.sequence)
            members["approximateArrivalOfFirstRecord"] = .string(shown(first.arrival))
            members["approximateArrivalOfLastRecord"] = .string(shown(last.arrival))
        }
        self.init(
            name: source.kind == .kinesis ? "KinesisBatchInfo" : "DDBStreamBatchInfo",
            value: .object(members)
        )
    }
}
