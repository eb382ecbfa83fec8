// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
package import LambdaModel

/// Where a listing of functions goes on: right after this version, `$LATEST` being 0.
package struct FunctionPosition: Equatable, Sendable {
    package var name: String
    package var number: Int

    package init(name: String, number: Int) {
        self.name = name
        self.number = number
    }
}

/// Something that belongs to a function, or to one of its versions or aliases, and goes with it.
package protocol FunctionDocument: Codable, Sendable {
    static var kind: String { get }
    /// What else it is found by; nil for nothing.
    var lookup: String? { get }
}

extension FunctionDocument {
    package var lookup: String? { nil }
}

/// Something of an account in a region.
package protocol AccountDocument: Codable, Sendable {
    static var kind: String { get }
    /// What else it is found by; nil for nothing.
    var lookup: String? { get }
}

extension AccountDocument {
    package var lookup: String? { nil }
}

/// The metadata as of one moment, and what can be changed of it at once.
///
/// Lives as long as the closure that it is given to. Changes within `MetadataStore.read` fail.
package struct MetadataTransaction {
    let db: Database
    let coder: FunctionRowCoder
    let changed: ChangedFunctions

    // MARK: - Versions

    package func record(
        _ key: FunctionKey,
        _ version: String = FunctionVersionKey.latest
    ) throws -> FunctionRecord? {
        try FunctionRow.fetch(db, key, version).map { try coder.decode($0) }
    }

    /// Adds a version of a function.
    ///
    /// - Throws: `LambdaError.resourceConflict` when it is there.
    package func insert(_ record: FunctionRecord) throws {
        changed.insert(record.configuration.key)
        do {
            try coder.encode(record).insert(db)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
            throw LambdaError.resourceConflict(message: "Function already exist: \(record.configuration.key.name)")
        }
    }

    /// Replaces a version that is there.
    package func update(_ record: FunctionRecord) throws {
        changed.insert(record.configuration.key)
        try coder.encode(record).update(db)
        precondition(db.changesCount == 1, "an update may not move a version")
    }

    /// Deletes a published version with what belongs to it.
    package func delete(_ key: FunctionKey, version: String) throws {
        changed.insert(key)
        try FunctionRow.delete(db, key, version)
        try deleteDocuments(key, qualifier: version)
    }

    /// Deletes a function with all that belongs to it.
    ///
    /// - Returns: its versions as they were; none where there is no such function.
    package func delete(_ key: FunctionKey) throws -> [FunctionRecord] {
        changed.insert(key)
        let records = try versions(of: key, after: -1, limit: Int.max)
        for record in records { try FunctionRow.delete(db, key, record.configuration.version) }
        try db.cachedStatement(
            sql: "DELETE FROM functionDocuments WHERE accountID = ? AND region = ? AND name = ?"
        ).execute(
            arguments: [key.accountID, key.region, key.name]
        )
        return records
    }

    /// Versions from right after `number` on, in ascending order; `$LATEST`'s number is 0.
    package func versions(of key: FunctionKey, after number: Int, limit: Int) throws -> [FunctionRecord] {
        try FunctionRow.fetchVersions(db, key, after: number, limit: limit).map { try coder.decode($0) }
    }

    /// One page of an account's functions in a region, by name (byte by byte), each with all versions where asked for.
    ///
    /// `next` is where the page after this one starts, nil when this is the last. `limit` is 1 to 10,000.
    package func functions(
        accountID: String,
        region: String,
        after position: FunctionPosition?,
        allVersions: Bool = false,
        limit: Int
    ) throws -> (page: [FunctionConfiguration], next: FunctionPosition?) {
        let limit = min(max(limit, 1), 10_000)
        let rows = try FunctionRow.fetchPage(
            db,
            accountID: accountID,
            region: region,
            after: position,
            allVersions: allVersions,
            limit: limit + 1
        )
        let page = try rows.prefix(limit).map { try coder.decodeShown($0) }
        guard rows.count > limit, let last = page.last else { return (page, nil) }
        // Of a function whose versions aren't listed none may follow.
        let number = allVersions ? Int(last.version) ?? 0 : Int.max
        return (page, FunctionPosition(name: last.key.name, number: number))
    }

    /// How many functions there are, and the bytes of all zips of code and layers.
    package func usage(accountID: String, region: String) throws -> (functions: Int, codeBytes: Int) {
        let usage = try FunctionRow.usage(db, accountID: accountID, region: region)
        let layerBytes = try LayerVersionRow.codeBytes(db, accountID: accountID, region: region)
        let (sum, isTooMuch) = usage.codeBytes.addingReportingOverflow(layerBytes)
        return (usage.functions, isTooMuch ? .max : sum)
    }

    // MARK: - What belongs to a function

    package func document<D: FunctionDocument>(
        _ type: D.Type,
        of key: FunctionKey,
        qualifier: String = ""
    ) throws -> D? {
        try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT content FROM functionDocuments
                    WHERE accountID = ? AND region = ? AND name = ? AND kind = ? AND qualifier = ?
                    """
            ),
            arguments: [key.accountID, key.region, key.name, D.kind, qualifier]
        ).map { try decode(D.self, $0, of: key.arn) }
    }

    /// All of a function, by qualifier (byte by byte).
    package func documents<D: FunctionDocument>(
        _ type: D.Type,
        of key: FunctionKey
    ) throws -> [(qualifier: String, document: D)] {
        try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT qualifier, content FROM functionDocuments
                    WHERE accountID = ? AND region = ? AND name = ? AND kind = ? ORDER BY qualifier
                    """
            ),
            arguments: [key.accountID, key.region, key.name, D.kind]
        ).map { row in
            (qualifier: try row.decode(forColumn: "qualifier"), document: try decode(D.self, row, of: key.arn))
        }
    }

    /// All that have that `lookup`, in every account and region; all of their kind where it is nil.
    package func documents<D: FunctionDocument>(
        _ type: D.Type,
        lookup: String?
    ) throws -> [(function: FunctionKey, qualifier: String, document: D)] {
        try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT * FROM functionDocuments WHERE kind = ? AND (? IS NULL OR lookup = ?)
                    ORDER BY accountID, region, name, qualifier
                    """
            ),
            arguments: [D.kind, lookup, lookup]
        ).map { row in
            let key = try FunctionKey(row)
            return (
                function: key, qualifier: try row.decode(forColumn: "qualifier"),
                document: try decode(D.self, row, of: key.arn)
            )
        }
    }

    package func put<D: FunctionDocument>(_ document: D, of key: FunctionKey, qualifier: String = "") throws {
        changed.insert(key)
        try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO functionDocuments (accountID, region, name, kind, qualifier, lookup, content)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(
            arguments: [
                key.accountID, key.region, key.name, D.kind, qualifier, document.lookup, try encode(document),
            ]
        )
    }

    /// - Returns: whether there was one.
    @discardableResult
    package func remove<D: FunctionDocument>(
        _ type: D.Type,
        of key: FunctionKey,
        qualifier: String = ""
    ) throws -> Bool {
        changed.insert(key)
        try db.cachedStatement(
            sql: """
                DELETE FROM functionDocuments
                WHERE accountID = ? AND region = ? AND name = ? AND kind = ? AND qualifier = ?
                """
        ).execute(
            arguments: [key.accountID, key.region, key.name, D.kind, qualifier]
        )
        return db.changesCount > 0
    }

    /// All that belong to a version or an alias that goes.
    package func deleteDocuments(_ key: FunctionKey, qualifier: String) throws {
        changed.insert(key)
        try db.cachedStatement(
            sql: "DELETE FROM functionDocuments WHERE accountID = ? AND region = ? AND name = ? AND qualifier = ?"
        ).execute(
            arguments: [key.accountID, key.region, key.name, qualifier]
        )
    }

    // MARK: - What belongs to an account

    package func document<D: AccountDocument>(
        _ type: D.Type,
        accountID: String,
        region: String,
        id: String
    ) throws -> D? {
        try Row.fetchOne(
            db.cachedStatement(
                sql: "SELECT content FROM accountDocuments WHERE accountID = ? AND region = ? AND kind = ? AND id = ?"
            ),
            arguments: [accountID, region, D.kind, id]
        ).map { try decode(D.self, $0, of: id) }
    }

    /// Where all of a kind are, in every account and region; those that can't be named are left out.
    package func locations<D: AccountDocument>(
        of type: D.Type
    ) throws -> [(accountID: String, region: String, id: String)] {
        try Row.fetchAll(
            db.cachedStatement(
                sql: "SELECT accountID, region, id FROM accountDocuments WHERE kind = ? ORDER BY accountID, region, id"
            ),
            arguments: [D.kind]
        ).compactMap { row in
            guard let accountID = try? row.decode(String.self, forColumn: "accountID"),
                let region = try? row.decode(String.self, forColumn: "region"),
                let id = try? row.decode(String.self, forColumn: "id")
            else { return nil }
            return (accountID, region, id)
        }
    }

    /// One page of them by id, right after `id`; only those with that `lookup`, where it is not nil.
    package func documents<D: AccountDocument>(
        _ type: D.Type,
        accountID: String,
        region: String,
        lookup: String? = nil,
        after id: String = "",
        limit: Int = Int.max
    ) throws -> [(id: String, document: D)] {
        try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT id, content FROM accountDocuments
                    WHERE accountID = ? AND region = ? AND kind = ? AND id > ? AND (? IS NULL OR lookup = ?)
                    ORDER BY id LIMIT ?
                    """
            ),
            arguments: [accountID, region, D.kind, id, lookup, lookup, limit]
        ).map { row in
            let id: String = try row.decode(forColumn: "id")
            return (id: id, document: try decode(D.self, row, of: id))
        }
    }

    package func put<D: AccountDocument>(_ document: D, accountID: String, region: String, id: String) throws {
        try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO accountDocuments (accountID, region, kind, id, lookup, content)
                VALUES (?, ?, ?, ?, ?, ?)
                """
        ).execute(
            arguments: [accountID, region, D.kind, id, document.lookup, try encode(document)]
        )
    }

    /// - Returns: whether there was one.
    @discardableResult
    package func remove<D: AccountDocument>(
        _ type: D.Type,
        accountID: String,
        region: String,
        id: String
    ) throws -> Bool {
        try db.cachedStatement(
            sql: "DELETE FROM accountDocuments WHERE accountID = ? AND region = ? AND kind = ? AND id = ?"
        ).execute(
            arguments: [accountID, region, D.kind, id]
        )
        return db.changesCount > 0
    }

    private func encode(_ document: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(document), as: UTF8.self)
    }

    private func decode<D: Decodable>(_ type: D.Type, _ row: Row, of name: @autoclosure () -> String) throws -> D {
        do {
            return try JSONDecoder().decode(D.self, from: Data(row.decode(String.self, forColumn: "content").utf8))
        } catch {
            // What is in the row is not for a log.
            let cause = error is DecodingError ? "\(error)" : "its row was changed since it was stored"
            throw MetadataStoreError.failed(
                message: "a document of kind \(D.self) of \(name()) can't be read: \(cause)"
            )
        }
    }
}
