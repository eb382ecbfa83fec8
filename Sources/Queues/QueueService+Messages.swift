// SPDX-License-Identifier: Apache-2.0
package import AWSWire
package import QueueCore
import QueueStore

/// The operations on messages, as the API has them.
extension QueueService {
    // MARK: Sending

    private static func attribute(
        _ name: String,
        _ input: QueueInput
    ) throws(QueueError) -> MessageContent.Attribute {
        guard !input.has("StringListValues"), !input.has("BinaryListValues") else {
            throw QueueError(
                .unsupportedOperation,
                "Message attribute list values in SendMessage operation are not supported."
            )
        }
        let type = try input.string("DataType") ?? ""
        let text = try input.string("StringValue")
        guard let encoded = try input.string("BinaryValue") else {
            return .init(type: type, value: .string(text ?? ""))
        }
        guard text == nil else {
            throw QueueError(
                .invalidParameterValue,
                "Message attribute '\(name)' has multiple values."
            )
        }
        guard let bytes = Base64.decode(encoded) else {
            throw QueueError(.malformedInput, "The BinaryValue of message attribute '\(name)' is no base64.")
        }
        return .init(type: type, value: .binary(bytes))
    }

    private static func outgoing(_ input: QueueInput) throws(QueueError) -> Outgoing {
        var message = Outgoing(body: try input.required("MessageBody"))
        for (name, value) in try input.map("MessageAttributes") {
            message.attributes[name] = try attribute(name, value)
        }
        for (name, value) in try input.map("MessageSystemAttributes") {
            let attribute = try attribute(name, value)
            guard name == "AWSTraceHeader", attribute.type == "String", case .string(let text) = attribute.value else {
                throw QueueError(
                    .invalidParameterValue,
                    "Message system attribute name '\(name.prefix(256))' is invalid: AWSTraceHeader, of type String, is the only one."
                )
            }
            message.traceHeader = text
        }
        message.groupID = try input.string("MessageGroupId")
        message.deduplicationID = try input.string("MessageDeduplicationId")
        message.delay = try input.integer("DelaySeconds")
        return message
    }

    private static func members(_ accepted: Accepted, _ message: Outgoing) -> [String: JSONValue] {
        var members: [String: JSONValue] = [
            "MessageId": .string(accepted.messageID), "MD5OfMessageBody": .string(MessageDigest.body(message.body)),
        ]
        members["MD5OfMessageAttributes"] = MessageDigest.attributes(message.attributes).map(JSONValue.string)
        members["MD5OfMessageSystemAttributes"] = message.traceHeader.flatMap { header in
            MessageDigest.attributes(["AWSTraceHeader": .init(type: "String", value: .string(header))])
        }.map(JSONValue.string)
        members["SequenceNumber"] = accepted.sequenceNumber.map(JSONValue.string)
        return members
    }

    func sendMessage(_ input: QueueInput, _ caller: QueueCaller) async throws -> JSONValue {
        let key = try key(input, caller)
        let message = try Self.outgoing(input)
        let results = try await send([message], to: key, sender: caller.senderID)
        return .object(Self.members(try results[0].get(), message))
    }

    func sendMessageBatch(_ input: QueueInput, _ caller: QueueCaller) async throws -> JSONValue {
        let key = try key(input, caller)
        let entries = try input.objects("Entries")
        let ids = entries.map { $0.text("Id") ?? "" }
        try MessageRules.checkBatch(ids, entryType: "SendMessageBatchRequestEntry")
        var messages: [(id: String, message: Outgoing)] = []
        var answer = BatchAnswer()
        for (id, entry) in zip(ids, entries) {
            do throws(QueueError) { messages.append((id, try Self.outgoing(entry))) } catch { answer.fail(id, error) }
        }
        try MessageRules.checkBatchSize(
            messages.reduce(0) {
                $0 + MessageContent(body: $1.message.body, attributes: $1.message.attributes, senderID: "").byteCount
            }
        )
        let results = try await send(messages.map(\.message), to: key, sender: caller.senderID)
        for ((id, message), result) in zip(messages, results) {
            switch result {
            case .success(let accepted): answer.succeed(id, Self.members(accepted, message))
            case .failure(let error): answer.fail(id, error)
            }
        }
        return answer.json
    }

    // MARK: Receiving

    /// Up to `max` messages as ReceiveMessage has them, with all their attributes, waiting for the first as long as may be.
    ///
    /// Throws as `receive` does.
    package func receiveMessages(from key: QueueKey, max: Int) async throws -> [JSONValue] {
        let messages = try await receive(from: key, max: max, wait: Self.waitMax)
        return messages.map(Selection(system: ["All"], names: ["All"]).message)
    }

    /// Seconds that nobody else sees a message that was received.
    ///
    /// - Throws: `QueueError` when there is no such queue.
    package func visibilityTimeout(of key: QueueKey) async throws -> Int {
        guard let queue = try await store.queue(key) else { throw QueueError.noQueue }
        return queue.settings.visibilityTimeout
    }

    func receiveMessage(_ input: QueueInput, _ caller: QueueCaller) async throws -> JSONValue {
        let key = try key(input, caller)
        let most = try input.integer("MaxNumberOfMessages") ?? 1
        guard (1...QueueLimits.batchEntriesMax).contains(most) else {
            throw QueueError.value("\(most)", "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
        }
        let timeout = try input.integer("VisibilityTimeout")
        if let timeout { try Self.checkTimeout(timeout) }
        let wait = try input.integer("WaitTimeSeconds")
        if let wait, !(0...20).contains(wait) {
            throw QueueError.value("\(wait)", "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
        }
        let selection = Selection(
            system: Set(try input.strings("AttributeNames") + input.strings("MessageSystemAttributeNames")),
            names: try input.strings("MessageAttributeNames")
        )
        try selection.check()
        if let attempt = try input.string("ReceiveRequestAttemptId"), !key.isFIFO {
            throw QueueError.wrongType(attempt, "ReceiveRequestAttemptId")
        }
        let messages = try await receive(from: key, max: most, timeout: timeout, wait: wait.map { .seconds($0) })
        return .object(messages.isEmpty ? [:] : ["Messages": .array(messages.map(selection.message))])
    }

    /// Which attributes a consumer wants to see.
    struct Selection {
        var system: Set<String>
        var names: [String]

        private static let systemNames: Set<String> = [
            "All", "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp",
            "SequenceNumber", "MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader", "DeadLetterQueueSourceArn",
        ]

        func check() throws(QueueError) {
            for name in system.sorted() where !Self.systemNames.contains(name) { throw QueueSettings.unknown(name) }
        }

        private func has(_ name: String) -> Bool {
            names.contains { wanted in
                wanted == "All" || wanted == ".*" || wanted == name
                    || (wanted.hasSuffix(".*") && name.hasPrefix(wanted.dropLast(2)))
            }
        }

        func message(_ message: Incoming) -> JSONValue {
            var members: [String: JSONValue] = [
                "MessageId": .string(message.head.messageID), "ReceiptHandle": .string(message.receiptHandle),
                "Body": .string(message.content.body), "MD5OfBody": .string(MessageDigest.body(message.content.body)),
            ]
            let shown = message.systemAttributes.filter { system.contains("All") || system.contains($0.key) }
            if !shown.isEmpty { members["Attributes"] = .object(shown.mapValues(JSONValue.string)) }
            let own = message.content.attributes.filter { has($0.key) }
            if !own.isEmpty {
                members["MessageAttributes"] = .object(own.mapValues(Self.attribute))
                members["MD5OfMessageAttributes"] = MessageDigest.attributes(own).map(JSONValue.string)
            }
            return .object(members)
        }

        private static func attribute(_ attribute: MessageContent.Attribute) -> JSONValue {
            switch attribute.value {
            case .string(let text):
                .object(["DataType": .string(attribute.type), "StringValue": .string(text)])
            case .binary(let bytes):
                .object(["DataType": .string(attribute.type), "BinaryValue": .string(Base64.encode(bytes))])
            }
        }
    }

    // MARK: Afterwards

    func deleteMessageBatch(_ input: QueueInput, _ caller: QueueCaller) async throws -> JSONValue {
        let key = try key(input, caller)
        let entries = try input.objects("Entries")
        let ids = entries.map { $0.text("Id") ?? "" }
        try MessageRules.checkBatch(ids, entryType: "DeleteMessageBatchRequestEntry")
        let errors = try await delete(entries.map { $0.text("ReceiptHandle") ?? "" }, from: key)
        return BatchAnswer(ids, errors).json
    }

    func changeMessageVisibilityBatch(_ input: QueueInput, _ caller: QueueCaller) async throws -> JSONValue {
        let key = try key(input, caller)
        let entries = try input.objects("Entries")
        let ids = entries.map { $0.text("Id") ?? "" }
        try MessageRules.checkBatch(ids, entryType: "ChangeMessageVisibilityBatchRequestEntry")
        var answer = BatchAnswer()
        var good: [(id: String, handle: String, timeout: Int)] = []
        for (id, entry) in zip(ids, entries) {
            do throws(QueueError) {
                guard let timeout = try entry.integer("VisibilityTimeout") else { throw .missing("VisibilityTimeout") }
                try Self.checkTimeout(timeout)
                good.append((id, entry.text("ReceiptHandle") ?? "", timeout))
            } catch {
                answer.fail(id, error)
            }
        }
        let errors = try await changeVisibility(good.map(\.handle), timeouts: good.map(\.timeout), of: key)
        for (entry, error) in zip(good, errors) {
            if let error { answer.fail(entry.id, error) } else { answer.succeed(entry.id) }
        }
        return answer.json
    }
}

/// What became of each entry of a batch.
private struct BatchAnswer {
    private var successful: [JSONValue] = []
    private var failed: [JSONValue] = []

    init() {}

    init(_ ids: [String], _ errors: [QueueError?]) {
        for (id, error) in zip(ids, errors) {
            if let error { fail(id, error) } else { succeed(id) }
        }
    }

    mutating func succeed(_ id: String, _ members: [String: JSONValue] = [:]) {
        successful.append(.object(members.merging(["Id": .string(id)]) { _, id in id }))
    }

    mutating func fail(_ id: String, _ error: QueueError) {
        let code = error.wire.queryCode
        failed.append(
            .object([
                "Id": .string(id), "SenderFault": .bool(error.isSenderFault), "Message": .string(error.message),
                "Code": .string(code),
            ])
        )
    }

    var json: JSONValue {
        var members: [String: JSONValue] = [:]
        if !successful.isEmpty { members["Successful"] = .array(successful) }
        if !failed.isEmpty { members["Failed"] = .array(failed) }
        return .object(members)
    }
}
