// SPDX-License-Identifier: Apache-2.0
import AWSWire
import QueueCore

/// Settings as the attributes that AWS knows them by, in texts.
extension QueueSettings {
    static let policyBytesMax = 8_192

    /// Takes what a caller sets; an empty text takes a policy away.
    mutating func set(_ name: String, _ text: String) throws(QueueError) {
        switch name {
        case "VisibilityTimeout": visibilityTimeout = try Self.number(name, text, Self.visibilityTimeouts)
        case "DelaySeconds": delay = try Self.number(name, text, Self.delays)
        case "MaximumMessageSize": messageBytesMax = try Self.number(name, text, 1_024...Self.messageBytesLimit)
        case "MessageRetentionPeriod": retention = try Self.number(name, text, Self.retentions)
        case "ReceiveMessageWaitTimeSeconds": receiveWait = try Self.number(name, text, Self.receiveWaits)
        case "RedrivePolicy": redrive = try Self.redrive(text)
        case "RedriveAllowPolicy": redriveAllowance = try Self.allowance(text)
        case "Policy":
            guard text.utf8.count <= Self.policyBytesMax,
                text.isEmpty || (try? JSONValue(parsing: Array(text.utf8)))?.object != nil
            else {
                throw .attribute(name)
            }
            policy = text.isEmpty ? nil : text
        case "KmsMasterKeyId":
            guard text.utf8.count <= 2_048 else { throw .attribute(name) }
            keyID = text.isEmpty ? nil : text
            isManagedEncryptionOn = keyID == nil
        case "KmsDataKeyReusePeriodSeconds": keyReuse = try Self.number(name, text, 60...86_400)
        case "SqsManagedSseEnabled":
            isManagedEncryptionOn = try Self.bool(name, text)
            if isManagedEncryptionOn { keyID = nil }
        case "FifoQueue":
            guard isFIFO else { throw Self.unknown(name) }
            guard try Self.bool(name, text) else { throw .attribute(name) }
        case "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit":
            guard isFIFO else { throw Self.unknown(name) }
            try setFIFO(name, text)
        default: throw Self.unknown(name)
        }
    }

    private mutating func setFIFO(_ name: String, _ text: String) throws(QueueError) {
        switch name {
        case "DeduplicationScope":
            guard let scope = DeduplicationScope(rawValue: text) else { throw .attribute(name) }
            deduplicationScope = scope
        case "FifoThroughputLimit":
            guard let limit = ThroughputLimit(rawValue: text) else { throw .attribute(name) }
            throughputLimit = limit
        default: deduplicatesByContent = try Self.bool(name, text)
        }
    }

    static func unknown(_ name: String) -> QueueError {
        QueueError(.invalidAttributeName, "Unknown Attribute \(name.prefix(256)).")
    }

    private static func number(_ name: String, _ text: String, _ range: ClosedRange<Int>) throws(QueueError) -> Int {
        guard let number = Int(text), range.contains(number) else { throw .attribute(name) }
        return number
    }

    private static func bool(_ name: String, _ text: String) throws(QueueError) -> Bool {
        switch text.lowercased() {
        case "true": true
        case "false": false
        default: throw .attribute(name)
        }
    }

    private static func refused(_ text: String, _ name: String, _ reason: String) -> QueueError {
        .value(String(text.prefix(1_024)), name, reason)
    }

    private static func redrive(_ text: String) throws(QueueError) -> Redrive? {
        guard !text.isEmpty else { return nil }
        guard let policy = try? JSONValue(parsing: Array(text.utf8)), policy.object != nil else {
            throw refused(text, "RedrivePolicy", "Redrive policy is not a valid JSON map.")
        }
        guard let arn = policy["deadLetterTargetArn"]?.string else {
            throw refused(
                text,
                "RedrivePolicy",
                "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."
            )
        }
        guard let most = policy["maxReceiveCount"] else {
            throw refused(
                text,
                "RedrivePolicy",
                "Redrive policy does not contain mandatory attribute: maxReceiveCount."
            )
        }
        // As a number or, as some write it, as a text.
        guard let count = most.integer ?? most.string.flatMap({ Int($0) }), (1...1_000).contains(count) else {
            throw refused(
                text,
                "RedrivePolicy",
                "Invalid value for maxReceiveCount: \(most.text), valid values are from 1 to 1000 both inclusive."
            )
        }
        guard let target = QueueKey(arn: arn) else {
            throw refused(text, "RedrivePolicy", "Dead-letter target owner should be same as the source.")
        }
        return Redrive(target: target, receivesMax: count)
    }

    private static func allowance(_ text: String) throws(QueueError) -> RedriveAllowance? {
        guard !text.isEmpty else { return nil }
        let name = "RedriveAllowPolicy"
        guard let policy = try? JSONValue(parsing: Array(text.utf8)), policy.object != nil else {
            throw refused(text, name, "RedriveAllowPolicy is not a valid JSON map.")
        }
        let arns = policy["sourceQueueArns"]?.array?.compactMap(\.string)
        switch (policy["redrivePermission"]?.string, arns) {
        case ("allowAll", nil): return .all
        case ("denyAll", nil): return RedriveAllowance.none
        case ("byQueue", let arns?) where (1...10).contains(arns.count) && arns.allSatisfy { QueueKey(arn: $0) != nil }:
            return .queues(arns)
        default:
            throw refused(
                text,
                name,
                "redrivePermission must be allowAll, denyAll, or byQueue with 1 to 10 ARNs of queues in sourceQueueArns."
            )
        }
    }

    // MARK: Shown

    /// All of them that are there, by name.
    var attributes: [String: String] {
        var shown = [
            "VisibilityTimeout": "\(visibilityTimeout)", "DelaySeconds": "\(delay)",
            "MaximumMessageSize": "\(messageBytesMax)", "MessageRetentionPeriod": "\(retention)",
            "ReceiveMessageWaitTimeSeconds": "\(receiveWait)", "SqsManagedSseEnabled": "\(isManagedEncryptionOn)",
        ]
        shown["Policy"] = policy
        shown["RedrivePolicy"] = redrive.map { redrive in
            JSONValue.object([
                "deadLetterTargetArn": .string(redrive.target.arn), "maxReceiveCount": .integer(redrive.receivesMax),
            ]).text
        }
        shown["RedriveAllowPolicy"] = redriveAllowance.map { allowance in
            switch allowance {
            case .all: JSONValue.object(["redrivePermission": .string("allowAll")]).text
            case .none: JSONValue.object(["redrivePermission": .string("denyAll")]).text
            case .queues(let arns):
                JSONValue.object([
                    "redrivePermission": .string("byQueue"), "sourceQueueArns": .array(arns.map(JSONValue.string)),
                ]).text
            }
        }
        if let keyID {
            shown["KmsMasterKeyId"] = keyID
            shown["KmsDataKeyReusePeriodSeconds"] = "\(keyReuse ?? 300)"
        }
        if isFIFO {
            shown["FifoQueue"] = "true"
            shown["ContentBasedDeduplication"] = "\(deduplicatesByContent)"
            shown["DeduplicationScope"] = deduplicationScope.rawValue
            shown["FifoThroughputLimit"] = throughputLimit.rawValue
        }
        return shown
    }

    /// Every name that may be asked for.
    static let attributeNames: Set<String> = [
        "All", "Policy", "VisibilityTimeout", "MaximumMessageSize", "MessageRetentionPeriod",
        "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "CreatedTimestamp",
        "LastModifiedTimestamp", "QueueArn", "ApproximateNumberOfMessagesDelayed", "DelaySeconds",
        "ReceiveMessageWaitTimeSeconds", "RedrivePolicy", "FifoQueue", "ContentBasedDeduplication", "KmsMasterKeyId",
        "KmsDataKeyReusePeriodSeconds", "DeduplicationScope", "FifoThroughputLimit", "RedriveAllowPolicy",
        "SqsManagedSseEnabled",
    ]
}
