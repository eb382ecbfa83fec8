// SPDX-License-Identifier: Apache-2.0
package import EnvelopeEncryption
import Foundation
import GRDB
import Glibc
package import LambdaModel

/// What is known of one function.
package struct FunctionRecord: Equatable, Sendable {
    /// What the API shows.
    package var configuration: FunctionConfiguration
    /// What invocations run: nil while Pending for the first time, the old one while an update is InProgress.
    package var active: FunctionConfiguration?

    package init(configuration: FunctionConfiguration, active: FunctionConfiguration?) {
        self.configuration = configuration
        self.active = active
    }
}

/// Every function's configuration, in one SQLite database (DIRECTORY/metadata.sqlite, WAL, `synchronous=FULL`).
///
/// A write that returned survives a power cut. The customers' environment variables are in the file as ciphertext only.
/// Rows are keyed by version too; this version of the program writes `$LATEST` alone. One process per directory.
/// SQLite's work runs on the database pool's own threads, never on Swift's cooperative ones.
package final class MetadataStore: Sendable {
    private let pool: DatabasePool
    private let coder: FunctionRowCoder

    /// Opens the database, making or migrating it as needed.
    ///
    /// Blocks: call it at start.
    /// - Throws: `MetadataStoreError` when the file was made by a newer version, or under another master key.
    package convenience init(directory: String, masterKey: MasterKey) throws {
        try self.init(directory: directory, masterKey: masterKey, pagesMax: nil)
    }

    /// `pagesMax` bounds the file's size, in pages of 4 KiB.
    init(directory: String, masterKey: MasterKey, pagesMax: Int?) throws {
        let path = "\(directory)/metadata.sqlite"
        coder = FunctionRowCoder(masterKey: masterKey)
        try Self.makePrivate(path)
        do {
            var configuration = Configuration()
            configuration.label = "MetadataStore"
            configuration.maximumReaderCount = 4
            configuration.prepareDatabase { db in
                if let pagesMax { try db.execute(sql: "PRAGMA max_page_count = \(pagesMax)") }
            }
            pool = try DatabasePool(path: path, configuration: configuration)
            try pool.writeWithoutTransaction { db in
                // GRDB opens WAL databases with NORMAL, under which a power cut may undo the last commits.
                try db.execute(sql: "PRAGMA synchronous = FULL")
                try db.execute(sql: "PRAGMA journal_size_limit = 16777216")
            }
            let migrator = MetadataSchema.migrator
            if try pool.read({ db in try migrator.hasBeenSuperseded(db) }) {
                throw MetadataStoreError.newerDatabase(path: path)
            }
            try migrator.migrate(pool)
            try pool.write { db in try Self.checkMasterKey(masterKey, in: db) }
        } catch let error as DatabaseError {
            throw MetadataStoreError(error)
        }
    }

    /// Adds a function with nothing active.
    ///
    /// - Throws: `LambdaError.resourceConflict` when the name is taken.
    package func createFunction(_ configuration: FunctionConfiguration) async throws {
        let row = try coder.encode(FunctionRecord(configuration: configuration, active: nil))
        try await write { db in
            do {
                try row.insert(db)
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
                throw LambdaError.resourceConflict(message: "Function already exist: \(configuration.key.name)")
            }
        }
    }

    /// The function's `$LATEST`, or nil where there is no such function.
    package func function(_ key: FunctionKey) async throws -> FunctionRecord? {
        let row = try await read { db in try FunctionRow.fetch(db, key) }
        return try row.map { try coder.decode($0) }
    }

    /// One page of an account's functions in a region, ordered by name (byte by byte).
    ///
    /// It starts right after `name`: the `next` of the page before, nil for the first. `limit` is 1 to 10,000.
    /// `next` is nil when this is the last page.
    package func functions(
        accountID: String,
        region: String,
        after name: String?,
        limit: Int
    ) async throws -> (page: [FunctionConfiguration], next: String?) {
        let limit = min(max(limit, 1), 10_000)
        var rows = try await read { db in
            try FunctionRow.fetchPage(db, accountID: accountID, region: region, after: name ?? "", limit: limit + 1)
        }
        let hasMore = rows.count > limit
        if hasMore { rows.removeLast() }
        let page = try rows.map { try coder.decode($0).configuration }
        return (page, hasMore ? page.last?.key.name : nil)
    }

    /// Changes a function in one transaction: what `change` throws undoes it and is thrown on.
    ///
    /// `change` may not change the key or the version.
    /// - Throws: `LambdaError.resourceNotFound` when there is no such function.
    package func updateFunction<T: Sendable>(
        _ key: FunctionKey,
        _ change: @escaping @Sendable (inout FunctionRecord) throws -> T
    ) async throws -> T {
        let coder = coder
        return try await write { db in
            guard let row = try FunctionRow.fetch(db, key) else {
                throw LambdaError.resourceNotFound(message: "Function not found: \(key.arn)")
            }
            var record = try coder.decode(row)
            let result = try change(&record)
            let changed = try coder.encode(record)
            precondition(
                changed.key == key && changed.version == row.version,
                "an update may not move a function to another key"
            )
            try changed.update(db)
            return result
        }
    }

    /// Deletes a function.
    ///
    /// - Returns: What it was, or nil where there is no such function.
    package func deleteFunction(_ key: FunctionKey) async throws -> FunctionRecord? {
        let row = try await write { db in
            let row = try FunctionRow.fetch(db, key)
            try FunctionRow.delete(db, key)
            return row
        }
        return try row.map { try coder.decode($0) }
    }

    /// Functions whose creation or update had not ended: what a start has to take up again.
    package func unsettledFunctions() async throws -> [FunctionKey] {
        try await read { db in try FunctionRow.unsettledKeys(db) }
    }

    /// The ids of all code objects that a function shows or runs.
    package func codeObjectsInUse() async throws -> Set<String> {
        try await read { db in try FunctionRow.codeObjects(db) }
    }

    /// SQLite's `synchronous` of the connection that writes: 2 is FULL.
    func synchronousLevel() async throws -> Int? {
        try await pool.writeWithoutTransaction { db in try Int.fetchOne(db, sql: "PRAGMA synchronous") }
    }

    private func write<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        do {
            return try await pool.write(body)
        } catch let error as DatabaseError {
            throw MetadataStoreError(error)
        }
    }

    private func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        do {
            return try await pool.read(body)
        } catch let error as DatabaseError {
            throw MetadataStoreError(error)
        }
    }

    /// The first key that opened the database is the only one that may: found out at start, not at the first read.
    private static func checkMasterKey(_ masterKey: MasterKey, in db: Database) throws {
        try db.execute(
            sql: "INSERT INTO settings (name, value) VALUES ('masterKeyID', ?) ON CONFLICT (name) DO NOTHING",
            arguments: [masterKey.id]
        )
        let stored = try String.fetchOne(db, sql: "SELECT value FROM settings WHERE name = 'masterKeyID'") ?? ""
        guard stored == masterKey.id else {
            throw MetadataStoreError.wrongMasterKey(sealedWith: stored, given: masterKey.id)
        }
    }

    /// SQLite gives its WAL and shared memory files the database's mode.
    private static func makePrivate(_ path: String) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else {
            throw MetadataStoreError.failed(message: "open \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        guard fchmod(descriptor, 0o600) == 0 else {
            throw MetadataStoreError.failed(message: "chmod \(path): \(String(cString: strerror(errno)))")
        }
    }
}

/// Why the metadata store could not do what it was asked.
package enum MetadataStoreError: Error, Equatable, CustomStringConvertible {
    case newerDatabase(path: String)
    case wrongMasterKey(sealedWith: String, given: String)
    /// Nothing was written.
    case diskFull
    /// A function's row is not what was written.
    case contentChanged(function: String, reason: String)
    case failed(message: String)

    init(_ error: DatabaseError) {
        self =
            error.resultCode == .SQLITE_FULL
            ? .diskFull
            // The message and the code alone: GRDB's description would show the statement's arguments.
            : .failed(message: "SQLite error \(error.extendedResultCode.rawValue): \(error.message ?? "no message")")
    }

    package var description: String {
        switch self {
        case .newerDatabase(let path): "\(path) was made by a newer version of Martlet, which this one can't read"
        case .wrongMasterKey(let sealedWith, let given):
            "the data directory was made under the master key \(sealedWith), and the key in use is \(given)"
        case .diskFull: "metadata store: the disk is full; nothing was changed"
        case .contentChanged(let function, let reason): "metadata of \(function): \(reason)"
        case .failed(let message): "metadata store: \(message)"
        }
    }
}
