// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import QueueCore
import QueueStore

/// The operations on queues as such.
extension QueueService {
    private static let tagsMax = 50

    func createQueue(_ input: QueueInput, _ caller: QueueCaller) async throws -> JSONValue {
        let name = try input.required("QueueName")
        let attributes = try input.texts("Attributes")
        let key = QueueKey(accountID: caller.accountID, region: caller.region, name: name)
        let isFIFO = attributes["FifoQueue"]?.lowercased() == "true"
        guard QueueKey.isName(name), isFIFO || !key.isFIFO else {
            throw QueueError(
                .invalidParameterValue,
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
            )
        }
        guard !isFIFO || key.isFIFO else {
            throw QueueError(
                .invalidParameterValue,
                "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo "
                    + "suffix and be 1 to 80 in length."
            )
        }
        var settings = QueueSettings(isFIFO: isFIFO)
        for (name, text) in attributes.sorted(by: { $0.key < $1.key }) { try settings.set(name, text) }
        try await checkRedrive(settings, of: key)
        let tags = try input.texts("tags")
        try Self.checkTags(tags, of: key)
        let time = now()
        let made = QueueRecord(key: key, settings: settings, tags: tags, created: time, modified: time)
        if let existing = try await store.create(made) {
            for (name, text) in attributes.sorted(by: { $0.key < $1.key }) {
                var other = existing.settings
                try other.set(name, text)
                guard other == existing.settings else {
                    throw QueueError(
                        .queueNameExists,
                        "A queue already exists with the same name and a different value for attribute \(name)"
                    )
                }
            }
        }
        return .object(["QueueUrl": .string(caller.origin + key.path)])
    }

    /// A queue may name as its dead letter queue only one of its kind, account and region that lets it.
    private func checkRedrive(_ settings: QueueSettings, of key: QueueKey) async throws {
        guard let redrive = settings.redrive else { return }
        func refuse(_ reason: String) -> QueueError {
            .value(settings.attributes["RedrivePolicy"] ?? "", "RedrivePolicy", reason)
        }
        guard redrive.target.accountID == key.accountID, redrive.target.region == key.region else {
            throw refuse("Dead-letter target owner should be same as the source.")
        }
        guard redrive.target.isFIFO == key.isFIFO else {
            throw refuse("Dead-letter queue must be same type of queue as the source.")
        }
        let allowance =
            redrive.target == key
            ? settings.redriveAllowance : try await store.queue(redrive.target)?.settings.redriveAllowance
        let isThere = redrive.target == key ? true : try await store.queue(redrive.target) != nil
        guard isThere else { throw refuse("Dead letter target does not exist.") }
        switch allowance {
        case nil, .all: return
        case .queues(let arns) where arns.contains(key.arn): return
        default: throw refuse("Queue is not allowed to be used as source by the target's RedriveAllowPolicy.")
        }
    }

    func getQueueURL(_ input: QueueInput, _ caller: QueueCaller) async throws -> JSONValue {
        let name = try input.required("QueueName")
        let account = try input.string("QueueOwnerAWSAccountId") ?? caller.accountID
        let key = QueueKey(accountID: account, region: caller.region, name: name)
        guard account == caller.accountID || key == caller.grant, try await store.queue(key) != nil else {
            throw QueueError.noQueue
        }
        return .object(["QueueUrl": .string(caller.origin + key.path)])
    }

    // MARK: Lists

    private static let pageMax = 1_000

    private static func page(_ input: QueueInput) throws(QueueError) -> (limit: Int, isPaged: Bool, after: String) {
        let limit = try input.integer("MaxResults")
        guard (1...pageMax).contains(limit ?? 1) else {
            throw .value("\(limit ?? 0)", "MaxResults", "Must be between 1 and \(pageMax), if provided.")
        }
        guard let token = try input.string("NextToken"), !token.isEmpty else {
            return (limit ?? pageMax, limit != nil, "")
        }
        guard let bytes = Base64.decodeURL(token), let name = String(validating: bytes, as: UTF8.self),
            QueueKey.isName(name)
        else { throw .value(String(token.prefix(256)), "NextToken", "It is none that this server gave.") }
        return (limit ?? pageMax, limit != nil, name)
    }

    func listQueues(_ input: QueueInput, _ caller: QueueCaller) async throws -> JSONValue {
        let page = try Self.page(input)
        let queues = try await store.list(
            accountID: caller.accountID,
            region: caller.region,
            prefix: input.string("QueueNamePrefix") ?? "",
            after: page.after,
            limit: page.limit + 1
        )
        return Self.list("QueueUrls", queues, page.limit, isPaged: page.isPaged, caller)
    }

    /// As on AWS, only who asks for pages is told that there are more.
    private static func list(
        _ name: String,
        _ queues: [QueueRecord],
        _ limit: Int,
        isPaged: Bool,
        _ caller: QueueCaller
    ) -> JSONValue {
        let shown = queues.prefix(limit)
        guard let last = shown.last else { return .object([:]) }
        var members: [String: JSONValue] = [name: .array(shown.map { .string(caller.origin + $0.key.path) })]
        if queues.count > limit, isPaged {
            members["NextToken"] = .string(Base64.encodeURL(Array(last.key.name.utf8)))
        }
        return .object(members)
    }

    func listDeadLetterSourceQueues(_ input: QueueInput, _ caller: QueueCaller) async throws -> JSONValue {
        let target = try await queue(input, caller)
        let page = try Self.page(input)
        var sources: [QueueRecord] = []
        var after: String? = page.after
        while let name = after, sources.count <= page.limit {
            let queues = try await store.list(
                accountID: target.key.accountID,
                region: caller.region,
                after: name,
                limit: Self.pageMax
            )
            sources += queues.filter { $0.settings.redrive?.target == target.key }
            after = queues.count == Self.pageMax ? queues.last?.key.name : nil
        }
        return Self.list("queueUrls", sources, page.limit, isPaged: page.isPaged, caller)
    }

    // MARK: Attributes and tags

    func getQueueAttributes(_ input: QueueInput, _ caller: QueueCaller) async throws -> JSONValue {
        let queue = try await queue(input, caller)
        let names = Set(try input.strings("AttributeNames"))
        for name in names.sorted() where !QueueSettings.attributeNames.contains(name) {
            throw QueueSettings.unknown(name)
        }
        var shown = queue.settings.attributes
        shown["QueueArn"] = queue.key.arn
        shown["CreatedTimestamp"] = "\(queue.created.millisecondsSinceEpoch / 1_000)"
        shown["LastModifiedTimestamp"] = "\(queue.modified.millisecondsSinceEpoch / 1_000)"
        if names.contains("All") || names.contains(where: { $0.hasPrefix("Approximate") }) {
            let counts = try await store.counts(queue, now: now())
            shown["ApproximateNumberOfMessages"] = "\(counts.visible)"
            shown["ApproximateNumberOfMessagesNotVisible"] = "\(counts.inFlight)"
            shown["ApproximateNumberOfMessagesDelayed"] = "\(counts.delayed)"
        }
        if !names.contains("All") { shown = shown.filter { names.contains($0.key) } }
        return .object(shown.isEmpty ? [:] : ["Attributes": .object(shown.mapValues(JSONValue.string))])
    }

    func setQueueAttributes(_ input: QueueInput, _ caller: QueueCaller) async throws {
        let queue = try await queue(input, caller)
        let attributes = try input.texts("Attributes").sorted { $0.key < $1.key }
        guard !attributes.isEmpty else { throw QueueError.missing("Attribute.Name") }
        var settings = queue.settings
        for (name, text) in attributes { try settings.set(name, text) }
        if attributes.contains(where: { $0.key == "RedrivePolicy" }) { try await checkRedrive(settings, of: queue.key) }
        let time = now()
        try await store.update(queue.key) { queue in
            for (name, text) in attributes { try queue.settings.set(name, text) }
            queue.modified = time
        }
        // Delay and retention apply to what comes; a wait may have to look again.
        waiters.wake(queue.id)
    }

    private static func checkTags(_ tags: [String: String], of key: QueueKey) throws(QueueError) {
        guard tags.count <= tagsMax else {
            throw QueueError(.invalidParameterValue, "Too many tags added for queue \(key.name).")
        }
        for (name, value) in tags.sorted(by: { $0.key < $1.key }) {
            guard (1...128).contains(name.unicodeScalars.count), value.unicodeScalars.count <= 256,
                !name.lowercased().hasPrefix("aws:")
            else {
                throw QueueError(
                    .invalidParameterValue,
                    "Tag '\(name.prefix(128))': a key has 1 to 128 characters and does not begin with aws:, a value has 256 at most."
                )
            }
        }
    }

    func tagQueue(_ input: QueueInput, _ caller: QueueCaller) async throws {
        let tags = try input.texts("Tags")
        let key = try key(input, caller)
        try await store.update(key) { queue in
            let merged = queue.tags.merging(tags) { _, new in new }
            try Self.checkTags(merged, of: key)
            queue.tags = merged
        }
    }

    func untagQueue(_ input: QueueInput, _ caller: QueueCaller) async throws {
        let names = try input.strings("TagKeys")
        try await store.update(try key(input, caller)) { queue in
            for name in names { queue.tags[name] = nil }
        }
    }

    func listQueueTags(_ input: QueueInput, _ caller: QueueCaller) async throws -> JSONValue {
        let tags = try await queue(input, caller).tags
        return .object(tags.isEmpty ? [:] : ["Tags": .object(tags.mapValues(JSONValue.string))])
    }
}
