// SPDX-License-Identifier: Apache-2.0
package import AWSClient
package import AWSWire
package import Logging

/// A queue of a server that speaks SQS's protocol.
package struct RemoteSQSQueue: SQSQueue {
    /// Of a receive, in seconds; shorter than connections may be silent (`ServiceClient.httpConfiguration`).
    static let wait = 15
    /// Ten messages of 1 MiB with their attributes, as JSON.
    private static let answerBytesMax = 32 << 20

    private let receiver: ServiceClient
    private let client: ServiceClient
    private let queue: ServiceResource
    private let logger: Logger

    /// `receiver` has 40 s for a request, `client` less, and connections that no receive waits on.
    package init(receiver: ServiceClient, client: ServiceClient, queue: ServiceResource, logger: Logger) {
        self.receiver = receiver
        self.client = client
        self.queue = queue
        self.logger = logger
    }

    package var givesBackWhenCancelled: Bool { false }

    package func visibilityTimeout() async throws -> Int {
        let answer = try await call(
            "GetQueueAttributes",
            ["AttributeNames": .array([.string("VisibilityTimeout")])],
            by: client
        )
        guard let seconds = Self.visibilityTimeout(answer) else {
            throw SQSFailure(code: "InternalFailure", message: "The queue has no visibility timeout of 0 to 12 hours.")
        }
        return seconds
    }

    static func visibilityTimeout(_ answer: JSONValue) -> Int? {
        let seconds = answer["Attributes"]?["VisibilityTimeout"]?.string.flatMap(Int.init)
        return seconds.flatMap { (0...43_200).contains($0) ? $0 : nil }
    }

    package func receive(max: Int) async throws -> [JSONValue] {
        let all = JSONValue.array([.string("All")])
        let answer = try await call(
            "ReceiveMessage",
            [
                "MaxNumberOfMessages": .integer(max), "WaitTimeSeconds": .integer(Self.wait), "AttributeNames": all,
                "MessageAttributeNames": all,
            ],
            by: receiver
        )
        return answer["Messages"]?.array ?? []
    }

    package func delete(_ handles: [String]) async throws -> Bool { try await batch("DeleteMessageBatch", handles) }

    package func release(_ handles: [String]) async throws {
        _ = try await batch("ChangeMessageVisibilityBatch", handles, ["VisibilityTimeout": .integer(0)])
    }

    /// Whether it was done to all.
    private func batch(
        _ operation: String,
        _ handles: [String],
        _ members: [String: JSONValue] = [:]
    ) async throws -> Bool {
        let entries = handles.enumerated().map { index, handle in
            JSONValue.object(
                members.merging(["Id": .string("\(index)"), "ReceiptHandle": .string(handle)]) { first, _ in first }
            )
        }
        let answer = try await call(operation, ["Entries": .array(entries)], by: client)
        return (answer["Failed"]?.array ?? []).isEmpty
    }

    private func call(
        _ operation: String,
        _ members: [String: JSONValue],
        by client: ServiceClient
    ) async throws -> JSONValue {
        do {
            let bytes = try await client.perform(
                .queueOperation(operation, members, of: queue, at: client.endpoint.url),
                bytesMax: Self.answerBytesMax
            )
            return bytes.isEmpty ? .object([:]) : try JSONValue(parsing: bytes)
        } catch ServiceFailure.refused(_, let code, let message) {
            throw SQSFailure(code: code, message: message)
        } catch ServiceFailure.unreachable(let cause) {
            logger.warning(
                "a queue's server does not answer",
                metadata: ["queue": "\(queue.arn)", "cause": "\(cause)"]
            )
            throw SQSFailure(code: "ServiceUnavailable", message: "The queue's server does not answer.")
        } catch ServiceFailure.tooLarge(let bytesMax) {
            throw SQSFailure(code: "InternalFailure", message: "The answer has more than \(bytesMax) bytes.")
        } catch let failure as JSONSyntax.Failure {
            throw SQSFailure(code: "InternalFailure", message: "The answer is no JSON: \(failure)")
        }
    }
}
