// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
package import QueueCore
import QueueStore

/// What a queue's policy says: AddPermission and RemovePermission write statements of it.
extension QueueService {
    private static let actionsMax = 7
    private static let labelCharactersMax = 80

    /// JSON, as its owner wrote it; nil where there is none, or no such queue.
    package func policy(of key: QueueKey) async throws -> String? { try await store.queue(key)?.settings.policy }

    func addPermission(_ input: QueueInput, _ caller: QueueCaller) async throws {
        let label = try Self.label(input)
        let accounts = try input.strings("AWSAccountIds")
        guard !accounts.isEmpty else { throw QueueError.missing("AWSAccountId") }
        let actions = try input.strings("Actions")
        guard !actions.isEmpty else { throw QueueError.missing("ActionName") }
        for account in accounts where !ARN.isAccountID(account) {
            throw QueueError.value(String(account.prefix(256)), "PrincipalId", "Unable to verify.")
        }
        for action in actions where action != "*" && !QueueOperation.isShared(action) {
            throw QueueError.value(
                "SQS:\(action.prefix(256))",
                "ActionName",
                "Please refer to the appropriate WSDL for a list of valid actions."
            )
        }
        guard actions.count <= Self.actionsMax else {
            throw QueueError(.overLimit, "\(actions.count) Actions were found, maximum allowed is \(Self.actionsMax).")
        }
        let key = try key(input, caller)
        let time = now()
        try await store.update(key) { queue in
            var policy = QueuePolicy(queue.settings.policy, of: key)
            try policy.add(label, accounts: accounts, actions: actions)
            queue.settings.policy = policy.text
            queue.modified = time
        }
    }

    func removePermission(_ input: QueueInput, _ caller: QueueCaller) async throws {
        let label = try Self.label(input)
        let key = try key(input, caller)
        let time = now()
        try await store.update(key) { queue in
            var policy = QueuePolicy(queue.settings.policy, of: key)
            try policy.remove(label)
            queue.settings.policy = policy.text
            queue.modified = time
        }
    }

    private static func label(_ input: QueueInput) throws(QueueError) -> String {
        let label = try input.required("Label")
        guard (1...labelCharactersMax).contains(label.utf8.count), label.utf8.allSatisfy(isLabelByte) else {
            throw .value(
                label,
                "Label",
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
            )
        }
        return label
    }

    private static func isLabelByte(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...122).contains(byte | 0x20) || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: "_")
    }
}

/// A queue's policy as its statements, whoever wrote it.
private struct QueuePolicy {
    private static let statementsMax = 20

    private var members: [String: JSONValue]
    private var statements: [JSONValue]
    private let key: QueueKey

    init(_ text: String?, of key: QueueKey) {
        self.key = key
        // What is set is an object.
        members =
            text.flatMap { try? JSONValue(parsing: Array($0.utf8)) }?.object
            ?? ["Version": .string("2012-10-17"), "Id": .string("\(key.arn)/SQSDefaultPolicy")]
        statements = members["Statement"].map { $0.array ?? [$0] } ?? []
    }

    /// nil where nothing is left.
    var text: String? {
        guard !statements.isEmpty else { return nil }
        var all = members
        all["Statement"] = .array(statements)
        return JSONValue.object(all).text
    }

    mutating func add(_ label: String, accounts: [String], actions: [String]) throws(QueueError) {
        guard !statements.contains(where: { $0["Sid"]?.string == label }) else {
            throw .value(label, "Label", "Already exists.")
        }
        func one(_ texts: [String]) -> JSONValue {
            texts.count == 1 ? .string(texts[0]) : .array(texts.map(JSONValue.string))
        }
        statements.append(
            .object([
                "Sid": .string(label), "Effect": .string("Allow"),
                "Principal": .object(["AWS": one(accounts.map { "arn:aws:iam::\($0):root" })]),
                "Action": one(actions.map { "SQS:\($0)" }), "Resource": .string(key.arn),
            ])
        )
        guard statements.count <= Self.statementsMax else {
            throw QueueError(
                .overLimit,
                "\(statements.count) Statements were found, maximum allowed is \(Self.statementsMax)."
            )
        }
        guard (text?.utf8.count ?? 0) <= QueueSettings.policyBytesMax else {
            throw QueueError(.overLimit, "A policy may have \(QueueSettings.policyBytesMax) bytes.")
        }
    }

    mutating func remove(_ label: String) throws(QueueError) {
        let left = statements.filter { $0["Sid"]?.string != label }
        guard left.count < statements.count else {
            throw .value(label, "Label", "can't find label.")
        }
        statements = left
    }
}
