// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Queues

struct QueueResourceTests {
    private let arn = "arn:aws:sqs:us-east-1:000000000000:q"

    private func resource(_ operation: QueueOperation, _ body: String) throws -> String {
        operation.resource(try QueueInput(body: Array(body.utf8)), accountID: "000000000000", region: "us-east-1")
    }

    /// A policy is to see the queue that is meant, however it is named.
    @Test(arguments: ["aws", "aws-cn", "x"])
    func `a queue has one ARN`(partition: String) throws {
        let named = "arn:\(partition):sqs:us-east-1:000000000000:q"
        for operation in [QueueOperation.startMessageMoveTask, .listMessageMoveTasks] {
            #expect(try resource(operation, #"{"SourceArn":"\#(named)"}"#) == arn)
        }
        for url in ["http://localhost:4566/000000000000/q", "https://sqs.us-east-1.amazonaws.com/000000000000/q"] {
            #expect(try resource(.sendMessage, #"{"QueueUrl":"\#(url)"}"#) == arn)
        }
    }
}
