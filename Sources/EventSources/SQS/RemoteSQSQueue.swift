// SPDX-License-Identifier: Apache-2.0
package import AWSClient
package import AWSWire

/// A queue of a server that speaks SQS's protocol.
package struct RemoteSQSQueue: SQSQueue {
    /// Of a receive, in seconds; shorter than connections may be silent (`ServiceClient.httpConfiguration`).
    static let wait = 15
    /// Ten messages of 1 MiB with their attributes, as JSON.
    private static let answerBytesMax = 32 << 20

    private let client: ServiceClient
    private let queue: ServiceResource

    package init(client: ServiceClient, queue: ServiceResource) {
        self.client = client
        self.queue = queue
    }

    package var givesBackWhenCancelled: Bool { false }

    package func visibilityTimeout() async throws -> Int {
        let answer = try await call("GetQueueAttributes", ["AttributeNames": .array([.string("VisibilityTimeout")])])
        guard let text = answer["Attributes"]?["VisibilityTimeout"]?.string, let seconds = Int(text) else {
            throw SQSFailure(code: "InternalFailure", message: "The queue has no visibility timeout.")
        }
        return seconds
    }

    package func receive(max: Int) async throws -> [JSONValue] {
        let all = JSONValue.array([.string("All")])
        let answer = try await call(
            "ReceiveMessage",
            [
                "MaxNumberOfMessages": .integer(max), "WaitTimeSeconds": .integer(Self.wait), "AttributeNames": all,
                "MessageAttributeNames": all,
            ]
        )
        return answer["Messages"]?.array ?? []
    }

    package func delete(_ handles: [String]) async throws { try await batch("DeleteMessageBatch", handles) }

    package func release(_ handles: [String]) async throws {
        try await batch("ChangeMessageVisibilityBatch", handles, ["VisibilityTimeout": .integer(0)])
    }

    private func batch(_ operation: String, _ handles: [String], _ members: [String: JSONValue] = [:]) async throws {
        guard !handles.isEmpty else { return }
        let entries = handles.enumerated().map { index, handle in
            JSONValue.object(
                members.merging(["Id": .string("\(index)"), "ReceiptHandle": .string(handle)]) { first, _ in first }
            )
        }
        let answer = try await call(operation, ["Entries": .array(entries)])
        guard let failed = answer["Failed"]?.array?.first else { return }
        throw SQSFailure(code: failed["Code"]?.string ?? "Failed", message: failed["Message"]?.string ?? "")
    }

    private func call(_ operation: String, _ members: [String: JSONValue]) async throws -> JSONValue {
        do {
            let bytes = try await client.perform(
                .queueOperation(operation, members, of: queue, at: client.endpoint.url),
                bytesMax: Self.answerBytesMax
            )
            return bytes.isEmpty ? .object([:]) : try JSONValue(parsing: bytes)
        } catch ServiceFailure.refused(_, let code, let message) {
            throw SQSFailure(code: code, message: message)
        } catch ServiceFailure.unreachable(let cause) {
            throw SQSFailure(code: "ServiceUnavailable", message: "\(client.endpoint.url) does not answer: \(cause)")
        } catch ServiceFailure.tooLarge(let bytesMax) {
            throw SQSFailure(code: "InternalFailure", message: "The answer has more than \(bytesMax) bytes.")
        } catch let failure as JSONSyntax.Failure {
            throw SQSFailure(code: "InternalFailure", message: "The answer is no JSON: \(failure)")
        }
    }
}
