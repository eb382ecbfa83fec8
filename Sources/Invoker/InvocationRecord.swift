// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import EventStore
package import InvocationCore
package import LambdaModel

/// What became of an asynchronous event, as destinations get it (record version 1.0).
package struct InvocationRecord: Equatable, Sendable {
    package var event: AsyncEvent
    package var condition: AsyncRetryPolicy.Condition
    /// Of the last attempt; nil where it had none.
    package var outcome: InvocationOutcome?
    package var executedVersion: String?
    /// It was stopped as part of a loop.
    package var isLoop: Bool
    package var time: Timestamp

    init(
        _ event: AsyncEvent,
        _ condition: AsyncRetryPolicy.Condition,
        _ response: InvocationResponse?,
        isLoop: Bool = false,
        at time: Timestamp
    ) {
        self.event = event
        self.condition = condition
        self.isLoop = isLoop
        outcome = response?.outcome
        executedVersion = response?.executedVersion
        self.time = time
    }

    /// The function's ARN with the qualifier that the event was sent to.
    package var functionARN: String {
        event.envelope.function.arn(qualifier: event.envelope.qualifier ?? "$LATEST")
    }

    /// The status that the last attempt was answered with; what was not tried had no room.
    package var errorCode: Int { isLoop ? 400 : outcome == nil ? 429 : 200 }

    /// What a dead letter says of the failure, up to a kilobyte and never empty: `errorMessage` of a function error's payload.
    ///
    /// Without the characters that no message may have (SQS's SendMessage: those of XML 1.0).
    package var errorMessage: String {
        let text: String
        if isLoop {
            text = LambdaError.recursiveInvocation.wire.message
        } else if case .functionError(_, let payload)? = outcome {
            text =
                (try? JSONValue(parsing: payload))?["errorMessage"]?.string ?? String(decoding: payload, as: UTF8.self)
        } else {
            text = condition.rawValue
        }
        let allowed = text.unicodeScalars.prefix(Self.errorMessageBytesMax).map { scalar -> Unicode.Scalar in
            switch scalar.value {
            case 0x9, 0xA, 0xD, 0x20...0xFFFD, 0x1_0000...: scalar
            default: "\u{FFFD}"
            }
        }
        var message = String(String.UnicodeScalarView(allowed))
        while message.utf8.count > Self.errorMessageBytesMax { message.unicodeScalars.removeLast() }
        return message.isEmpty ? condition.rawValue : message
    }

    private static let errorMessageBytesMax = 1_024

    /// Compact JSON.
    ///
    /// Payloads are in it as they are: they are JSON already. A response that is none becomes a string.
    package var bytes: [UInt8] {
        var members: [(name: String, value: [UInt8])] = [
            ("version", JSONValue.string("1.0").bytes), ("timestamp", JSONValue.string(time.iso8601()).bytes),
            (
                "requestContext",
                JSONValue.object([
                    "requestId": .string(event.envelope.requestID), "functionArn": .string(functionARN),
                    "condition": .string(condition.rawValue),
                    "approximateInvokeCount": .integer(event.errors + (condition == .success ? 1 : 0)),
                ]).bytes
            ), ("requestPayload", event.payload),
        ]
        if let outcome {
            var context: [String: JSONValue] = ["statusCode": .integer(200)]
            context["executedVersion"] = executedVersion.map(JSONValue.string)
            if case .functionError = outcome { context["functionError"] = .string("Unhandled") }
            members.append(("responseContext", JSONValue.object(context).bytes))
            let payload = outcome.payload
            let isJSON = JSONSyntax.failure(in: payload) == nil
            let value = isJSON ? payload : JSONValue.string(String(decoding: payload, as: UTF8.self)).bytes
            members.append(("responsePayload", value))
        }
        var bytes: [UInt8] = [UInt8(ascii: "{")]
        for (index, (name, value)) in members.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += JSONValue.string(name).bytes
            bytes.append(UInt8(ascii: ":"))
            bytes += value
        }
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }
}
