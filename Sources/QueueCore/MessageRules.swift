// SPDX-License-Identifier: Apache-2.0

/// What a message must be to be taken by a queue, and what must come with it.
package enum MessageRules {
    package static let attributesMax = 10
    package static let batchIDMax = 80

    /// Refuses a message that a queue does not take; `delay` is in seconds, as the sender asks for it.
    package static func check(
        _ content: MessageContent,
        delay: Int?,
        _ settings: QueueSettings
    ) throws(QueueError) {
        guard !content.body.isEmpty else { throw .missing("MessageBody") }
        guard content.byteCount <= settings.messageBytesMax else {
            throw QueueError(
                .invalidParameterValue,
                "One or more parameters are invalid. Reason: Message must be shorter than \(settings.messageBytesMax) bytes."
            )
        }
        try checkCharacters(content.body)
        try checkAttributes(content.attributes)
        if let delay {
            guard !settings.isFIFO else { throw .wrongType("\(delay)", "DelaySeconds") }
            guard (0...900).contains(delay) else {
                throw .value("\(delay)", "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
            }
        }
        try checkGroup(content, settings)
    }

    private static func checkGroup(_ content: MessageContent, _ settings: QueueSettings) throws(QueueError) {
        if let group = content.groupID, !isIdentifier(group) {
            throw .value(group, "MessageGroupId", identifierRule("MessageGroupId"))
        }
        guard settings.isFIFO else {
            if let id = content.deduplicationID { throw .wrongType(id, "MessageDeduplicationId") }
            return
        }
        guard content.groupID != nil else { throw .missing("MessageGroupId") }
        if let id = content.deduplicationID {
            guard isIdentifier(id) else {
                throw .value(id, "MessageDeduplicationId", identifierRule("MessageDeduplicationId"))
            }
        } else if !settings.deduplicatesByContent {
            throw QueueError(
                .invalidParameterValue,
                "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
                    + "explicitly"
            )
        }
    }

    private static func identifierRule(_ name: String) -> String {
        "\(name) can only include alphanumeric and punctuation characters. 1 to 128 in length."
    }

    /// 1 to 128 printable characters of ASCII, without spaces.
    private static func isIdentifier(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    /// What XML 1.0 allows, from when a message was a part of such a document.
    private static func checkCharacters(_ text: String) throws(QueueError) {
        let isValid = text.unicodeScalars.allSatisfy { scalar in
            switch scalar.value {
            case 0x9, 0xA, 0xD, 0x20...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: true
            default: false
            }
        }
        guard isValid else {
            throw QueueError(
                .invalidMessageContents,
                "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to "
                    + "#xFFFD | #x10000 to #x10FFFF"
            )
        }
    }

    // MARK: Attributes

    private static func checkAttributes(_ attributes: [String: MessageContent.Attribute]) throws(QueueError) {
        guard attributes.count <= attributesMax else {
            throw QueueError(
                .invalidParameterValue,
                "Number of message attributes [\(attributes.count)] exceeds the allowed maximum [\(attributesMax)]."
            )
        }
        for (name, attribute) in attributes.sorted(by: { $0.key < $1.key }) { try check(name, attribute) }
    }

    private static func check(_ name: String, _ attribute: MessageContent.Attribute) throws(QueueError) {
        func refuse(_ text: String) -> QueueError { QueueError(.invalidParameterValue, text) }
        let isName =
            (1...256).contains(name.utf8.count)
            && name.utf8.allSatisfy { QueueKey.isWordByte($0) || $0 == UInt8(ascii: ".") }
            && !name.hasPrefix(".") && !name.hasSuffix(".") && !name.contains("..")
        guard isName else {
            throw refuse(
                "Message (user) attribute name '\(name)' must be 1 to 256 letters, digits, '-', '_' and '.', must not begin "
                    + "or end with '.', and must not have two '.' together."
            )
        }
        let lower = name.lowercased()
        guard !lower.hasPrefix("aws.") && !lower.hasPrefix("amazon.") else {
            throw refuse("Message (user) attribute name '\(name)' can not start with AWS. or Amazon.")
        }
        guard !attribute.type.isEmpty else {
            throw refuse("The message attribute '\(name)' must contain a non-empty message attribute type.")
        }
        let parts = attribute.type.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let kind = String(parts[0])
        guard ["String", "Number", "Binary"].contains(kind), attribute.type.utf8.count <= 256 else {
            throw refuse(
                "The type of message (user) attribute '\(name)' is invalid. You must use only the following supported type "
                    + "prefixes: Binary, Number, String."
            )
        }
        let empty = refuse(
            "The message attribute '\(name)' must contain a non-empty message attribute value for message attribute type "
                + "'\(attribute.type)'."
        )
        switch (kind, attribute.value) {
        case ("Binary", .binary(let bytes)): guard !bytes.isEmpty else { throw empty }
        case ("String", .string(let text)), ("Number", .string(let text)):
            guard !text.isEmpty else { throw empty }
            try checkCharacters(text)
            guard kind == "String" || isNumber(text) else {
                throw refuse("Can't cast the value of message (user) attribute '\(name)' to a number.")
            }
        default: throw empty
        }
    }

    private static func isNumber(_ text: String) -> Bool {
        text.utf8.count <= 256 && text.utf8.allSatisfy { (48...57).contains($0) || "+-.eE".utf8.contains($0) }
            && Double(text) != nil
    }

    // MARK: Batches

    /// What is asked of a batch as a whole.
    package static func checkBatch(_ ids: [String], entryType: String) throws(QueueError) {
        guard !ids.isEmpty else {
            throw QueueError(.emptyBatchRequest, "There should be at least one \(entryType) in the request.")
        }
        guard ids.count <= QueueLimits.batchEntriesMax else {
            throw QueueError(
                .tooManyEntriesInBatchRequest,
                "Maximum number of entries per request are \(QueueLimits.batchEntriesMax). You have sent \(ids.count)."
            )
        }
        for id in ids
        where !((1...batchIDMax).contains(id.utf8.count) && id.utf8.allSatisfy(QueueKey.isWordByte)) {
            throw QueueError(
                .invalidBatchEntryId,
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most "
                    + "\(batchIDMax) letters long."
            )
        }
        var seen: Set<String> = []
        for id in ids where !seen.insert(id).inserted {
            throw QueueError(.batchEntryIdsNotDistinct, "Id \(id) repeated.")
        }
    }

    package static func checkBatchSize(_ bytes: Int) throws(QueueError) {
        guard bytes <= QueueSettings.messageBytesLimit else {
            throw QueueError(
                .batchRequestTooLong,
                "Batch requests cannot be longer than \(QueueSettings.messageBytesLimit) bytes. You have sent \(bytes) bytes."
            )
        }
    }
}
