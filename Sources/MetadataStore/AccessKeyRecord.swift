// SPDX-License-Identifier: Apache-2.0
import EnvelopeEncryption
import Foundation
import GRDB
package import LambdaModel

/// An access key that the administrator made, and whose it is.
///
/// The secret never appears in a description.
package struct AccessKeyRecord: Codable, Equatable, Sendable, CustomStringConvertible {
    /// Keys of one server.
    package static let countMax = 1_000

    package var id: String
    package var secret: String
    /// Twelve digits.
    package var accountID: String
    /// The user's, unique to nothing.
    package var name: String
    /// A policy document's JSON text; nil for a key that may do everything in its account.
    package var policy: String?
    package var createdAt: Timestamp

    package init(
        id: String,
        secret: String,
        accountID: String,
        name: String,
        policy: String?,
        createdAt: Timestamp
    ) {
        self.id = id
        self.secret = secret
        self.accountID = accountID
        self.name = name
        self.policy = policy
        self.createdAt = createdAt
    }

    package var description: String { id }
}

/// What is in the database: the whole record in an envelope.
///
/// So neither is a secret read there nor a policy exchanged.
private struct SealedAccessKey: AccountDocument {
    static let kind = "accessKey"
    var sealed: Data
}

extension MetadataTransaction {
    /// Keys belong to the server: an id is unique among all accounts and regions.
    private static let everywhere = ""

    /// In ascending order of their ids.
    package func accessKeys() throws -> [AccessKeyRecord] {
        let place = Self.everywhere
        return try documents(SealedAccessKey.self, accountID: place, region: place).map { id, document in
            do {
                let plain = try Envelope.open([UInt8](document.sealed), context: context(id), with: coder.masterKey)
                return try JSONDecoder().decode(AccessKeyRecord.self, from: Data(plain))
            } catch {
                throw MetadataStoreError.failed(message: "access key \(id) can't be read: \(error)")
            }
        }
    }

    /// Adds a key.
    ///
    /// - Throws: `LambdaError.resourceConflict` when there is one with its id, or `countMax` of them.
    package func insert(_ key: AccessKeyRecord) throws {
        let place = Self.everywhere
        guard try document(SealedAccessKey.self, accountID: place, region: place, id: key.id) == nil else {
            throw LambdaError.resourceConflict(message: "There is an access key \(key.id) already.")
        }
        let count = try Int.fetchOne(
            db,
            sql: "SELECT COUNT(*) FROM accountDocuments WHERE accountID = ? AND region = ? AND kind = ?",
            arguments: [place, place, SealedAccessKey.kind]
        )
        guard (count ?? 0) < AccessKeyRecord.countMax else {
            throw LambdaError.resourceConflict(
                message: "There are \(AccessKeyRecord.countMax) access keys, the most that may be: delete one first."
            )
        }
        let plain = [UInt8](try JSONEncoder().encode(key))
        let sealed = try Envelope.seal(plain, context: context(key.id), with: coder.masterKey)
        try put(SealedAccessKey(sealed: Data(sealed)), accountID: place, region: place, id: key.id)
    }

    /// - Returns: whether there was one.
    package func removeAccessKey(_ id: String) throws -> Bool {
        try remove(SealedAccessKey.self, accountID: Self.everywhere, region: Self.everywhere, id: id)
    }

    /// Does something as soon as this transaction is durable, in the order of transactions; never when it is undone.
    package func afterCommit(_ body: @escaping @Sendable () -> Void) {
        db.afterNextTransaction { _ in body() }
    }

    private func context(_ id: String) -> String { "access key \(id)" }
}
