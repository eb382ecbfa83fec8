// SPDX-License-Identifier: Apache-2.0
package import AWSWire

/// An attribute of a message, beside its body.
package struct MessageAttribute: Equatable, Sendable {
    package enum DataType: String, Sendable {
        case string = "String"
        case number = "Number"
    }

    package var name: String
    package var type: DataType
    /// Not empty.
    package var value: String

    package init(_ name: String, _ type: DataType, _ value: String) {
        self.name = name
        self.type = type
        self.value = value
    }
}

/// Where a queue, a topic or a bus is.
package struct ServiceResource: Equatable, Sendable {
    package var arn: String
    package var region: String
    package var accountID: String
    package var name: String

    package init(arn: String, region: String, accountID: String, name: String) {
        self.arn = arn
        self.region = region
        self.accountID = accountID
        self.name = name
    }
}

/// An event for a bus.
package struct BusEntry: Equatable, Sendable {
    package var source: String
    package var detailType: String
    /// JSON.
    package var detail: [UInt8]
    /// ARNs.
    package var resources: [String]

    package init(source: String, detailType: String, detail: [UInt8], resources: [String]) {
        self.source = source
        self.detailType = detailType
        self.detail = detail
        self.resources = resources
    }
}

extension ServiceRequest {
    /// SQS's SendMessage, AWS JSON 1.0.
    ///
    /// `endpoint` is what the queue's URL begins with. A trace goes along as the attribute that SQS has for it.
    package static func sendMessage(
        _ body: [UInt8],
        to queue: ServiceResource,
        at endpoint: String,
        attributes: [MessageAttribute],
        traceHeader: String?
    ) -> ServiceRequest {
        var members: [String: JSONValue] = ["MessageBody": .string(String(decoding: body, as: UTF8.self))]
        if !attributes.isEmpty { members["MessageAttributes"] = json(attributes) }
        if let traceHeader {
            members["MessageSystemAttributes"] = json([MessageAttribute("AWSTraceHeader", .string, traceHeader)])
        }
        return queueOperation("SendMessage", members, of: queue, at: endpoint)
    }

    /// An operation on a queue, AWS JSON 1.0.
    ///
    /// `endpoint` is what the queue's URL begins with.
    package static func queueOperation(
        _ operation: String,
        _ members: [String: JSONValue],
        of queue: ServiceResource,
        at endpoint: String
    ) -> ServiceRequest {
        var members = members
        members["QueueUrl"] = .string("\(endpoint)/\(queue.accountID)/\(queue.name)")
        return json(
            .object(members),
            version: "1.0",
            target: "AmazonSQS.\(operation)",
            service: "sqs",
            region: queue.region
        )
    }

    /// An operation of Kinesis Data Streams, AWS JSON 1.1.
    package static func kinesisOperation(
        _ operation: String,
        _ members: [String: JSONValue],
        region: String
    ) -> ServiceRequest {
        json(
            .object(members),
            version: "1.1",
            target: "Kinesis_20131202.\(operation)",
            service: "kinesis",
            region: region
        )
    }

    /// An operation of DynamoDB Streams, AWS JSON 1.0; it is signed for DynamoDB.
    package static func dynamoDBStreamsOperation(
        _ operation: String,
        _ members: [String: JSONValue],
        region: String
    ) -> ServiceRequest {
        json(
            .object(members),
            version: "1.0",
            target: "DynamoDBStreams_20120810.\(operation)",
            service: "dynamodb",
            region: region
        )
    }

    private static func json(_ attributes: [MessageAttribute]) -> JSONValue {
        var members: [String: JSONValue] = [:]
        for attribute in attributes {
            members[attribute.name] = .object([
                "DataType": .string(attribute.type.rawValue), "StringValue": .string(attribute.value),
            ])
        }
        return .object(members)
    }

    /// SNS's Publish, AWS's query protocol.
    package static func publish(
        _ body: [UInt8],
        to topic: ServiceResource,
        attributes: [MessageAttribute],
        traceHeader: String?
    ) -> ServiceRequest {
        var parameters = [
            ("Action", "Publish"), ("Version", "2010-03-31"), ("TopicArn", topic.arn),
            ("Message", String(decoding: body, as: UTF8.self)),
        ]
        for (index, attribute) in attributes.enumerated() {
            let prefix = "MessageAttributes.entry.\(index + 1)"
            parameters += [
                ("\(prefix).Name", attribute.name), ("\(prefix).Value.DataType", attribute.type.rawValue),
                ("\(prefix).Value.StringValue", attribute.value),
            ]
        }
        // A form's blanks are plus signs.
        let form = parameters.map { "\($0.0)=\(PercentEncoding.encode($0.1).replacing("%20", with: "+"))" }
            .joined(separator: "&")
        var request = ServiceRequest(method: "POST", body: Array(form.utf8), service: "sns", region: topic.region)
        request.headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
        request.traceHeader = traceHeader
        return request
    }

    /// EventBridge's PutEvents with one entry, AWS JSON 1.1; `checkEntries` reads the answer.
    package static func putEvent(_ entry: BusEntry, on bus: ServiceResource, traceHeader: String?) -> ServiceRequest {
        var members: [String: JSONValue] = [
            "Source": .string(entry.source), "DetailType": .string(entry.detailType),
            "Detail": .string(String(decoding: entry.detail, as: UTF8.self)), "EventBusName": .string(bus.arn),
            "Resources": .array(entry.resources.map(JSONValue.string)),
        ]
        members["TraceHeader"] = traceHeader.map(JSONValue.string)
        return json(
            .object(["Entries": .array([.object(members)])]),
            version: "1.1",
            target: "AWSEvents.PutEvents",
            service: "events",
            region: bus.region
        )
    }

    /// PutEvents is answered with 200 also where an entry was not taken.
    package static func checkEntries(_ answer: [UInt8]) throws(ServiceFailure) {
        guard let value = try? JSONValue(parsing: answer) else {
            throw .unreachable(cause: "the answer is no JSON")
        }
        guard let count = value["FailedEntryCount"]?.integer, count > 0 else { return }
        let entry = value["Entries"]?.array?.first { $0["ErrorCode"]?.string != nil }
        let code = ServiceErrorBody.shown(entry?["ErrorCode"]?.string ?? "FailedEntry")
        throw .refused(
            // The code alone says whose fault it was.
            status: code == "InternalFailure" || code == "InternalException" ? 500 : 400,
            code: code,
            message: ServiceErrorBody.shown(entry?["ErrorMessage"]?.string ?? "")
        )
    }

    private static func json(
        _ value: JSONValue,
        version: String,
        target: String,
        service: String,
        region: String
    ) -> ServiceRequest {
        ServiceRequest(
            method: "POST",
            headers: ["Content-Type": "application/x-amz-json-\(version)", "X-Amz-Target": target],
            body: value.bytes,
            service: service,
            region: region
        )
    }
}
