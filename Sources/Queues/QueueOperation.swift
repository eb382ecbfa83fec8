// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import QueueCore

/// SQS's operations, by their names in `X-Amz-Target: AmazonSQS.…`.
package enum QueueOperation: String, CaseIterable, Sendable {
    case addPermission = "AddPermission"
    case cancelMessageMoveTask = "CancelMessageMoveTask"
    case changeMessageVisibility = "ChangeMessageVisibility"
    case changeMessageVisibilityBatch = "ChangeMessageVisibilityBatch"
    case createQueue = "CreateQueue"
    case deleteMessage = "DeleteMessage"
    case deleteMessageBatch = "DeleteMessageBatch"
    case deleteQueue = "DeleteQueue"
    case getQueueAttributes = "GetQueueAttributes"
    case getQueueURL = "GetQueueUrl"
    case listDeadLetterSourceQueues = "ListDeadLetterSourceQueues"
    case listMessageMoveTasks = "ListMessageMoveTasks"
    case listQueueTags = "ListQueueTags"
    case listQueues = "ListQueues"
    case purgeQueue = "PurgeQueue"
    case receiveMessage = "ReceiveMessage"
    case removePermission = "RemovePermission"
    case sendMessage = "SendMessage"
    case sendMessageBatch = "SendMessageBatch"
    case setQueueAttributes = "SetQueueAttributes"
    case startMessageMoveTask = "StartMessageMoveTask"
    case tagQueue = "TagQueue"
    case untagQueue = "UntagQueue"

    /// The action under which IAM knows it; those on batches have the single ones'.
    package var action: String {
        let name = rawValue.hasSuffix("Batch") ? String(rawValue.dropLast("Batch".count)) : rawValue
        return "sqs:\(name)"
    }

    /// Of those that other accounts can be let do; the rest is a queue's own account's
    /// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-overview-of-managing-access.html).
    private static let shared: Set<Self> = [
        .changeMessageVisibility, .changeMessageVisibilityBatch, .deleteMessage, .deleteMessageBatch,
        .getQueueAttributes, .getQueueURL, .listDeadLetterSourceQueues, .purgeQueue, .receiveMessage, .sendMessage,
        .sendMessageBatch,
    ]

    package var isShared: Bool { Self.shared.contains(self) }

    /// Whether AddPermission knows an action by that name, which has none of a batch's.
    static func isShared(_ action: String) -> Bool {
        !action.hasSuffix("Batch") && Self(rawValue: action)?.isShared == true
    }

    /// The queue that it is about, if it says which; not what it lists, or makes.
    package func queue(_ input: QueueInput, accountID: String, region: String) -> QueueKey? {
        switch self {
        case .listQueues, .createQueue, .startMessageMoveTask, .listMessageMoveTasks, .cancelMessageMoveTask: nil
        case .getQueueURL:
            QueueKey(
                accountID: input.text("QueueOwnerAWSAccountId") ?? accountID,
                region: region,
                name: input.text("QueueName") ?? ""
            )
        default: input.text("QueueUrl").flatMap { QueueKey(url: $0, region: region) }
        }
    }

    /// The ARN that a policy has to allow it on, as the caller means it; `*` where there is none.
    ///
    /// What names no queue stands for itself: it is refused later, in its own words.
    package func resource(_ input: QueueInput, accountID: String, region: String) -> String {
        switch self {
        case .listQueues: return "*"
        case .createQueue, .getQueueURL:
            let account = self == .getQueueURL ? input.text("QueueOwnerAWSAccountId") : nil
            return QueueKey(accountID: account ?? accountID, region: region, name: input.text("QueueName") ?? "").arn
        case .startMessageMoveTask, .listMessageMoveTasks:
            return input.text("SourceArn").map { QueueKey(arn: $0)?.arn ?? $0 } ?? "*"
        case .cancelMessageMoveTask: return "*"
        default:
            let key = input.text("QueueUrl").flatMap { QueueKey(url: $0, region: region) }
            return key?.arn ?? "arn:aws:sqs:\(region):\(accountID):"
        }
    }
}

/// The members of an operation's input, by type; `null` counts as absent.
package struct QueueInput: Sendable {
    private let members: [String: JSONValue]

    /// - Throws: `QueueError` when `body` is no JSON object. No bytes at all stand for `{}`.
    package init(body: [UInt8]) throws(QueueError) {
        let value: JSONValue
        do { value = try JSONValue(parsing: body.isEmpty ? Array("{}".utf8) : body) } catch {
            throw QueueError(.malformedInput, "The request's body is no JSON: \(error)")
        }
        try self.init(value, "The request's body")
    }

    init(_ value: JSONValue, _ name: String) throws(QueueError) {
        guard let object = value.object else { throw QueueError(.malformedInput, "\(name) is no JSON object.") }
        members = object
    }

    private func value(_ name: String) -> JSONValue? {
        guard let value = members[name], value != .null else { return nil }
        return value
    }

    private func typed<T>(
        _ name: String,
        _ type: String,
        _ read: (JSONValue) -> T?
    ) throws(QueueError) -> T? {
        guard let value = value(name) else { return nil }
        guard let typed = read(value) else { throw QueueError(.malformedInput, "\(name) must be \(type).") }
        return typed
    }

    /// Nil also for what is no string.
    func text(_ name: String) -> String? { value(name)?.string }

    func string(_ name: String) throws(QueueError) -> String? { try typed(name, "a string", \.string) }

    func integer(_ name: String) throws(QueueError) -> Int? { try typed(name, "an integer", \.integer) }

    func required(_ name: String) throws(QueueError) -> String {
        guard let text = try string(name) else { throw .missing(name) }
        return text
    }

    func strings(_ name: String) throws(QueueError) -> [String] {
        try typed(name, "a list of strings") { value in
            guard let array = value.array else { return nil }
            let strings = array.compactMap(\.string)
            return strings.count == array.count ? strings : nil
        } ?? []
    }

    func texts(_ name: String) throws(QueueError) -> [String: String] {
        try typed(name, "a map of strings") { value in
            guard let object = value.object else { return nil }
            let texts = object.compactMapValues(\.string)
            return texts.count == object.count ? texts : nil
        } ?? [:]
    }

    func objects(_ name: String) throws(QueueError) -> [QueueInput] {
        var objects: [QueueInput] = []
        for value in try typed(name, "a list", \.array) ?? [] {
            objects.append(try QueueInput(value, "An entry of \(name)"))
        }
        return objects
    }

    func map(_ name: String) throws(QueueError) -> [String: QueueInput] {
        var objects: [String: QueueInput] = [:]
        for (key, value) in try typed(name, "a map", \.object) ?? [:] { objects[key] = try QueueInput(value, name) }
        return objects
    }

    func has(_ name: String) -> Bool { value(name) != nil }
}
