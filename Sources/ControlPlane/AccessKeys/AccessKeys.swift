// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore
package import LambdaModel
package import MetadataStore

/// The access keys that the administrator makes, lists and deletes.
///
/// A change is durable and in effect when its operation returns.
package struct AccessKeys: Sendable {
    /// Of a key's id and its user's name, in bytes.
    package static let nameBytesMax = 64
    package static let secretBytesMax = 128

    package let keyring: AccessKeyring
    private let metadata: MetadataStore
    private let accountID: String
    private let now: @Sendable () -> Timestamp

    /// `accountID` is the account of a key that is made without one.
    package init(
        metadata: MetadataStore,
        keyring: AccessKeyring,
        accountID: String,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.metadata = metadata
        self.keyring = keyring
        self.accountID = accountID
        self.now = now
    }

    /// Puts what the store has on the ring: to be done before the first request is answered.
    package func load() async throws {
        for key in try await metadata.read({ try $0.accessKeys() }) where key.id != keyring.administrator.id {
            do {
                try keyring.add(key)
            } catch {
                throw MetadataStoreError.failed(message: "access key \(key.id): \(error.wire.message)")
            }
        }
    }

    /// Makes a key from `AccessKeyId` and `SecretAccessKey` (both or neither), `AccountId`, `UserName` and
    /// `PolicyDocument`, a JSON text; all may be left out.
    ///
    /// - Throws: `LambdaError` for every refusal.
    package func create(_ request: RequestMembers, caller: Caller) async throws -> AccessKeyRecord {
        try Self.check(caller, "martlet:CreateAccessKey")
        let id = try request.string("AccessKeyId")
        let secret = try request.string("SecretAccessKey")
        guard (id == nil) == (secret == nil) else {
            throw LambdaError.invalidParameterValue(
                message: "A key's id and its secret are given together or not at all."
            )
        }
        let made = try Self.checked(id: id ?? Self.randomID(), secret: secret ?? Self.randomSecret())
        guard made.id != keyring.administrator.id else {
            throw LambdaError.resourceConflict(message: "There is an access key \(made.id) already.")
        }
        let account = try request.string("AccountId") ?? accountID
        guard ARN.isAccountID(account) else {
            throw LambdaError.invalidParameterValue(message: "An account's id has twelve digits.")
        }
        let name = try request.string("UserName") ?? made.id
        guard Self.isName(name, also: "+=,.@_-") else {
            throw LambdaError.invalidParameterValue(
                message: "A user's name has 1 to \(Self.nameBytesMax) letters, digits and +=,.@_-."
            )
        }
        let text = try request.string("PolicyDocument")
        let policy = try text.map { try PolicyDocument.parse(Array($0.utf8)) }
        let key = AccessKeyRecord(
            id: made.id,
            secret: made.secret,
            accountID: account,
            name: name,
            policy: text,
            createdAt: now()
        )
        try await metadata.change { [keyring] transaction in
            try transaction.insert(key)
            transaction.afterCommit { keyring.insert(key, policy: policy) }
        }
        return key
    }

    /// All of them but the administrator's, in ascending order of their ids.
    ///
    /// - Throws: `LambdaError.accessDenied` for anybody but the administrator.
    package func list(caller: Caller) async throws -> [AccessKeyRecord] {
        try Self.check(caller, "martlet:ListAccessKeys")
        return try await metadata.read { try $0.accessKeys() }
    }

    /// - Throws: `LambdaError.resourceNotFound`; `.resourceConflict` for the administrator's key.
    package func delete(_ id: String, caller: Caller) async throws {
        try Self.check(caller, "martlet:DeleteAccessKey")
        guard id != keyring.administrator.id else {
            throw LambdaError.resourceConflict(message: "The administrator's key can't be deleted.")
        }
        let wasThere = try await metadata.change { [keyring] transaction in
            transaction.afterCommit { keyring.remove(id) }
            return try transaction.removeAccessKey(id)
        }
        guard wasThere else { throw LambdaError.resourceNotFound(message: "There is no access key \(id).") }
    }

    private static func check(_ caller: Caller, _ action: String) throws(LambdaError) {
        guard caller.isAdministrator else {
            throw .accessDenied(
                name: "AccessDeniedException",
                message: "User: \(caller.identity.arn) is not authorized to perform: \(action) because only the "
                    + "administrator's key may manage access keys"
            )
        }
    }

    private static func checked(id: String, secret: String) throws(LambdaError) -> (id: String, secret: String) {
        guard isName(id, also: "_-") else {
            throw .invalidParameterValue(
                message: "A key's id has 1 to \(nameBytesMax) letters, digits, - and _."
            )
        }
        guard (1...secretBytesMax).contains(secret.utf8.count), secret.utf8.allSatisfy({ (0x21..<0x7F).contains($0) })
        else {
            throw .invalidParameterValue(
                message: "A key's secret has 1 to \(secretBytesMax) printable ASCII characters without spaces."
            )
        }
        return (id, secret)
    }

    private static func isName(_ text: String, also others: String) -> Bool {
        (1...nameBytesMax).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                    || others.utf8.contains(byte)
            }
    }

    /// `AKIA` and sixteen of A to Z and 2 to 7, as AWS's look.
    package static func randomID() -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        return "AKIA" + String((0..<16).map { _ in letters[Int.random(in: 0..<32)] })
    }

    /// Forty characters of 240 random bits.
    package static func randomSecret() -> String { Base64.encode((0..<30).map { _ in UInt8.random(in: 0...255) }) }
}
