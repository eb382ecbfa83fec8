// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import Testing

@testable import AWSClient

/// What goes on the wire, byte for byte, and what comes back.
@Suite struct ServiceRequestTests {
    private let attributes = [
        MessageAttribute("RequestID", .string, "r 1"), MessageAttribute("ErrorCode", .number, "200"),
    ]

    private func resource(_ service: String, _ name: String) -> ServiceResource {
        ServiceResource(
            arn: "arn:aws:\(service):eu-west-1:000000000000:\(name)",
            region: "eu-west-1",
            accountID: "000000000000",
            name: name
        )
    }

    @Test func `SQS gets JSON 1_0, the queue by its URL, attributes and the trace`() {
        let request = ServiceRequest.sendMessage(
            Array(#"{"x":"é"}"#.utf8),
            to: resource("sqs", "q"),
            at: "http://h:1",
            attributes: attributes,
            traceHeader: "Root=1"
        )
        #expect(request.method == "POST" && request.path == "/" && request.service == "sqs")
        #expect(request.region == "eu-west-1")
        #expect(
            request.headers == [
                "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.SendMessage",
            ]
        )
        #expect(
            String(decoding: request.body, as: UTF8.self)
                == #"{"MessageAttributes":{"ErrorCode":{"DataType":"Number","StringValue":"200"},"#
                + #""RequestID":{"DataType":"String","StringValue":"r 1"}},"MessageBody":"{\"x\":\"é\"}","#
                + #""MessageSystemAttributes":{"AWSTraceHeader":{"DataType":"String","StringValue":"Root=1"}},"#
                + #""QueueUrl":"http://h:1/000000000000/q"}"#
        )
        let plain = ServiceRequest.sendMessage(
            [],
            to: resource("sqs", "q"),
            at: "http://h",
            attributes: [],
            traceHeader: nil
        )
        #expect(plain.body == Array(#"{"MessageBody":"","QueueUrl":"http://h/000000000000/q"}"#.utf8))
    }

    @Test func `SNS gets a form`() {
        let request = ServiceRequest.publish(
            Array("a b+&é".utf8),
            to: resource("sns", "t"),
            attributes: attributes,
            traceHeader: nil
        )
        #expect(
            String(decoding: request.body, as: UTF8.self)
                == "Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A000000000000%3At"
                + "&Message=a+b%2B%26%C3%A9&MessageAttributes.entry.1.Name=RequestID"
                + "&MessageAttributes.entry.1.Value.DataType=String&MessageAttributes.entry.1.Value.StringValue=r+1"
                + "&MessageAttributes.entry.2.Name=ErrorCode&MessageAttributes.entry.2.Value.DataType=Number"
                + "&MessageAttributes.entry.2.Value.StringValue=200"
        )
        #expect(request.headers["Content-Type"] == "application/x-www-form-urlencoded; charset=utf-8")
    }

    @Test func `EventBridge gets one entry, and its answer may still be a refusal`() throws {
        let request = ServiceRequest.putEvent(
            BusEntry(source: "lambda", detailType: "d", detail: Array("{}".utf8), resources: ["a", "b"]),
            on: resource("events", "event-bus/b"),
            traceHeader: "Root=1"
        )
        #expect(request.headers["X-Amz-Target"] == "AWSEvents.PutEvents")
        #expect(
            String(decoding: request.body, as: UTF8.self)
                == #"{"Entries":[{"Detail":"{}","DetailType":"d","#
                + #""EventBusName":"arn:aws:events:eu-west-1:000000000000:event-bus/b","Resources":["a","b"],"#
                + #""Source":"lambda","TraceHeader":"Root=1"}]}"#
        )
        try ServiceRequest.checkEntries(Array(#"{"FailedEntryCount":0,"Entries":[{"EventId":"e"}]}"#.utf8))
        #expect(throws: ServiceFailure.refused(status: 400, code: "MalformedDetail", message: "m")) {
            try ServiceRequest.checkEntries(
                Array(#"{"FailedEntryCount":1,"Entries":[{"ErrorCode":"MalformedDetail","ErrorMessage":"m"}]}"#.utf8)
            )
        }
        #expect(throws: ServiceFailure.refused(status: 500, code: "InternalFailure", message: "")) {
            try ServiceRequest.checkEntries(
                Array(#"{"FailedEntryCount":1,"Entries":[{"ErrorCode":"InternalFailure"}]}"#.utf8)
            )
        }
        #expect(throws: ServiceFailure.unreachable(cause: "the answer is no JSON")) {
            try ServiceRequest.checkEntries(Array("<html>".utf8))
        }
    }

    @Test func `S3 gets the object under its key`() {
        let request = ServiceRequest.putObject(
            S3Object(bucket: "b", key: "aws/lambda/a b"),
            json: [1],
            traceHeader: nil
        )
        #expect(request.method == "PUT" && request.path == "/b/aws/lambda/a%20b" && request.body == [1])
        #expect(request.headers == ["Content-Type": "application/json"] && request.region == nil)
    }

    @Test func `a refusal in JSON is read, without what a terminal would obey`() {
        let body = ServiceErrorBody(
            Array(##"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no\u001b[31m queue"}"##.utf8)
        )
        #expect(body.code == "QueueDoesNotExist" && body.message == "no[31m queue")
        #expect(ServiceErrorBody(Array(#"{"__type":"Throttling","Message":"m"}"#.utf8)).message == "m")
        #expect(ServiceErrorBody(Array("{broken".utf8)) == ServiceErrorBody([]))
    }

    @Test(arguments: [
        (500, "e", true), (503, "e", true), (429, "e", true), (400, "e", false), (403, "AccessDenied", false),
        (404, "e", false), (400, "ThrottlingException", true), (400, "Throttling", true),
    ])
    func `what may pass is known by status and code`(status: Int, code: String, mayPass: Bool) {
        #expect(ServiceFailure.refused(status: status, code: code, message: "").mayPass == mayPass)
    }
}
