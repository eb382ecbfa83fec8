// SPDX-License-Identifier: Apache-2.0
import AWSWire
import EventStore
package import InvocationCore
package import LambdaModel

/// Something for a queue, a topic, a bus or a bucket.
package struct DestinationMessage: Equatable, Sendable {
    package enum Content: Equatable, Sendable {
        /// The body is the record of an event's end.
        case record(isSuccess: Bool)
        /// The body is the event itself.
        case deadLetter(errorCode: Int, errorMessage: String)
    }

    package var target: DestinationARN
    package var content: Content
    /// JSON.
    package var body: [UInt8]
    /// Of the event.
    package var requestID: String
    package var function: FunctionKey
    /// With the qualifier that the event was sent to.
    package var functionARN: String
    package var traceHeader: String?
    package var created: Timestamp
    /// UUID: the same for every try.
    package var id: String
    /// Where a bucket has it, below `aws/lambda/`.
    package var objectFolder: String

    package init(
        target: DestinationARN,
        content: Content,
        body: [UInt8],
        requestID: String,
        function: FunctionKey,
        functionARN: String,
        traceHeader: String? = nil,
        created: Timestamp,
        id: String
    ) {
        self.target = target
        self.content = content
        self.body = body
        self.requestID = requestID
        self.function = function
        self.functionARN = functionARN
        self.traceHeader = traceHeader
        self.created = created
        self.id = id
        objectFolder = "async/\(function.name)"
    }
}

extension DestinationMessage {
    /// That the event was sent to; nil also for `$LATEST`, by which an event without one is told of.
    var qualifier: String? {
        let text = functionARN.dropFirst(function.arn.count + 1)
        return text.isEmpty || text == FunctionVersionKey.latest ? nil : String(text)
    }

    /// As it is kept until it is delivered: of a dead letter the payload has a line before the event that says what happened.
    static func kept(
        _ record: InvocationRecord,
        for target: String,
        isDeadLetter: Bool,
        at time: Timestamp
    ) -> (AsyncEvent.Envelope, payload: [UInt8]) {
        var envelope = record.event.envelope
        envelope.accepted = time
        envelope.delivery = AsyncEvent.Delivery(
            target: target,
            isDeadLetter: isDeadLetter,
            condition: record.condition.rawValue,
            id: RandomIdentifier.uuid()
        )
        guard isDeadLetter else { return (envelope, record.bytes) }
        let line = JSONValue.object([
            "errorCode": .integer(record.errorCode), "errorMessage": .string(record.errorMessage),
        ])
        return (envelope, line.bytes + [UInt8(ascii: "\n")] + record.event.payload)
    }

    /// Reads what `kept` made; nil for anything else, and where the target is none.
    init?(_ event: AsyncEvent) {
        let envelope = event.envelope
        guard let delivery = envelope.delivery, let target = DestinationARN(delivery.target) else { return nil }
        var (content, body) = (
            Content.record(isSuccess: delivery.condition == AsyncRetryPolicy.Condition.success.rawValue), event.payload
        )
        if delivery.isDeadLetter {
            guard let end = event.payload.firstIndex(of: UInt8(ascii: "\n")),
                let line = try? JSONValue(parsing: Array(event.payload[..<end])),
                let code = line["errorCode"]?.integer, let message = line["errorMessage"]?.string
            else { return nil }
            content = .deadLetter(errorCode: code, errorMessage: message)
            body = Array(event.payload[(end + 1)...])
        }
        self.init(
            target: target,
            content: content,
            body: body,
            requestID: envelope.requestID,
            function: envelope.function,
            functionARN: envelope.function.arn(qualifier: envelope.qualifier ?? "$LATEST"),
            traceHeader: envelope.traceHeader,
            created: envelope.accepted,
            id: delivery.id
        )
    }
}
