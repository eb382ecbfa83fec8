// SPDX-License-Identifier: Apache-2.0
import AWSClient
import AWSWire
import EventStore
import InvocationCore
import LambdaModel
import Testing

@testable import Invoker

/// What is kept for a destination comes out again, and becomes what the service gets.
@Suite struct DestinationMessageTests {
    private let time = Timestamp(millisecondsSinceEpoch: 1_764_025_947_123)
    private let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")
    private static let body = Array(#"{"x":"\n"}"#.utf8)

    private func record(
        _ condition: AsyncRetryPolicy.Condition = .retriesExhausted,
        _ outcome: InvocationOutcome? = .functionError(
            type: "E",
            payload: Array(#"{"errorMessage":"as asked"}"#.utf8)
        ),
        isLoop: Bool = false
    ) -> InvocationRecord {
        let envelope = AsyncEvent.Envelope(
            requestID: "r",
            function: function,
            qualifier: "live",
            accepted: Timestamp(millisecondsSinceEpoch: 0),
            traceHeader: "Root=1"
        )
        return InvocationRecord(
            AsyncEvent(envelope: envelope, payload: Self.body, errors: 3),
            condition,
            outcome.map { InvocationResponse(executedVersion: "1", outcome: $0, logTail: nil) },
            isLoop: isLoop,
            at: time
        )
    }

    private func message(
        _ record: InvocationRecord,
        _ target: String,
        isDeadLetter: Bool = false
    ) throws -> DestinationMessage {
        let (envelope, payload) = DestinationMessage.kept(record, for: target, isDeadLetter: isDeadLetter, at: time)
        return try #require(DestinationMessage(AsyncEvent(envelope: envelope, payload: payload)))
    }

    @Test func `a record comes back as it was kept`() throws {
        let message = try message(record(), "arn:aws:sqs:us-east-1:000000000000:q")
        #expect(message.body == record().bytes && message.content == .record(isSuccess: false))
        #expect(message.requestID == "r" && message.functionARN == function.arn(qualifier: "live"))
        #expect(message.created == time && message.traceHeader == "Root=1")
    }

    @Test func `a dead letter is the event to the byte, with what happened beside it`() throws {
        let message = try message(record(), "arn:aws:sqs:us-east-1:000000000000:q", isDeadLetter: true)
        #expect(message.body == Self.body)
        #expect(message.content == .deadLetter(errorCode: 200, errorMessage: "as asked"))
    }

    @Test func `an error's text has only what a message may have, is never empty and at most a kilobyte`() {
        func text(_ message: String) -> String {
            let payload = JSONValue.object(["errorMessage": .string(message)]).bytes
            return record(.retriesExhausted, .functionError(type: "E", payload: payload)).errorMessage
        }
        #expect(text("") == "RetriesExhausted")
        #expect(text("a\u{0}b\u{FFFE}c\td") == "a\u{FFFD}b\u{FFFD}c\td")
        #expect(text(String(repeating: "é", count: 2_000)).utf8.count == 1_024)
        #expect(text(String(repeating: "\u{1}", count: 2_000)).utf8.count <= 1_024)
    }

    @Test func `what was not answered has the code of throttling, what was stopped that of its refusal`() {
        #expect(record(.eventAgeExceeded, nil).errorCode == 429)
        #expect(record(.eventAgeExceeded, nil).errorMessage == "EventAgeExceeded")
        let stopped = record(.retriesExhausted, nil, isLoop: true)
        #expect(stopped.errorCode == 400 && stopped.errorMessage.contains("recursive loop"))
    }

    @Test func `an object is named as Lambda names it`() throws {
        let message = try message(record(), "arn:aws:s3:::b")
        #expect(
            RemoteDestination.objectKey(message)
                == "aws/lambda/async/f/2025/11/24/2025-11-24T23.12.27-\(message.id)"
        )
    }

    @Test func `a bus gets the record with Lambda's words`() throws {
        let bus = "arn:aws:events:us-east-1:000000000000:event-bus/b"
        let failed = try message(record(), bus)
        let entry = BusEntry(
            source: "lambda",
            detailType: "Lambda Function Invocation Result - Failure",
            detail: record().bytes,
            resources: [bus, function.arn(qualifier: "live")]
        )
        let resource = ServiceResource(arn: bus, region: "us-east-1", accountID: "000000000000", name: "b")
        #expect(
            RemoteDestination.request(failed, endpoint: "http://h")
                == .putEvent(entry, on: resource, traceHeader: "Root=1")
        )
        // A bus is no dead-letter queue.
        let letter = try message(record(), bus, isDeadLetter: true)
        #expect(RemoteDestination.request(letter, endpoint: "http://h") == nil)
    }

    @Test(arguments: ["sqs", "sns"]) func `a dead letter has Lambda's attributes, a record none`(
        service: String
    ) throws {
        let target = "arn:aws:\(service):us-east-1:000000000000:q"
        let resource = ServiceResource(arn: target, region: "us-east-1", accountID: "000000000000", name: "q")
        let attributes = [
            MessageAttribute("RequestID", .string, "r"), MessageAttribute("ErrorCode", .number, "200"),
            MessageAttribute("ErrorMessage", .string, "as asked"),
        ]
        for (isDeadLetter, attributes, body) in [(true, attributes, Self.body), (false, [], record().bytes)] {
            let message = try message(record(), target, isDeadLetter: isDeadLetter)
            let expected =
                service == "sqs"
                ? ServiceRequest.sendMessage(
                    body,
                    to: resource,
                    at: "http://h",
                    attributes: attributes,
                    traceHeader: "Root=1"
                )
                : .publish(body, to: resource, attributes: attributes, traceHeader: "Root=1")
            #expect(RemoteDestination.request(message, endpoint: "http://h") == expected)
        }
    }

    private struct Refusing: DestinationService {
        func deliver(_ message: DestinationMessage) async throws(DeliveryFailure) {
            throw DeliveryFailure(reason: "asked", mayPass: true)
        }
    }

    @Test func `a service that is not there and a FIFO queue are refused for good`() async throws {
        let destinations = Destinations(services: [.sqs: Refusing()], unreached: [.sns: "no way"])
        func failure(_ target: String) async throws -> DeliveryFailure? {
            do {
                try await destinations.deliver(try message(record(), target))
                return nil
            } catch let failure as DeliveryFailure {
                return failure
            }
        }
        let prefix = "us-east-1:000000000000:"
        #expect(try await failure("arn:aws:sqs:\(prefix)q") == DeliveryFailure(reason: "asked", mayPass: true))
        #expect(try await failure("arn:aws:sqs:\(prefix)q.fifo")?.mayPass == false)
        #expect(try await failure("arn:aws:sns:\(prefix)t") == DeliveryFailure(reason: "no way", mayPass: false))
    }
}
