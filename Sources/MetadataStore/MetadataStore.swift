// SPDX-License-Identifier: Apache-2.0
import DatabaseFile
package import EnvelopeEncryption
import Foundation
import GRDB
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

    /// Everything in the code store that is shown or run: code and layers.
    package var codeObjectIDs: Set<String> {
        let configurations = [configuration] + [active].compactMap(\.self)
        return Set(configurations.flatMap { [$0.code] + $0.layers.map(\.code) }.map(\.objectID))
    }
}

/// Every function's and layer's configuration, in one SQLite database (DIRECTORY/metadata.sqlite, WAL, `synchronous=FULL`).
///
/// A write that returned survives a power cut. The customers' environment variables are in the file as ciphertext only.
/// One process per directory.
/// SQLite's work runs on the database pool's own threads, never on Swift's cooperative ones.
package final class MetadataStore: Sendable {
    /// This database's own name, given at random when it was made: what it keeps elsewhere is found by it.
    package let id: String
    private let pool: DatabasePool
    private let coder: FunctionRowCoder
    var masterKey: MasterKey { coder.masterKey }
    private let generations = FunctionGenerations()

    /// Opens the database, making or migrating it as needed.
    ///
    /// Blocks: call it at start.
    /// - Throws: `MetadataStoreError` when the file was made by a newer version, or under another master key.
    package convenience init(directory: String, masterKey: MasterKey) throws {
        try self.init(directory: directory, masterKey: masterKey, pagesMax: nil)
    }

    /// `pagesMax` bounds the file's size, in pages of 4 KiB.
    init(directory: String, masterKey: MasterKey, pagesMax: Int?) throws {
        coder = FunctionRowCoder(masterKey: masterKey)
        do {
            pool = try DatabaseFile.open(
                "\(directory)/metadata.sqlite",
                .init(label: "MetadataStore", isSynced: true, journalBytesMax: 16 << 20, pagesMax: pagesMax),
                MetadataSchema.migrator
            )
            id = try pool.write { db in
                try Self.checkMasterKey(masterKey, in: db)
                return try Self.keptID(in: db)
            }
        } catch let error as DatabaseFileError {
            throw MetadataStoreError(error)
        } catch let error as DatabaseError {
            throw MetadataStoreError(error)
        }
    }

    /// Grows with every change of the function, its versions and what belongs to them, before that is acknowledged: what was read at
    /// one generation holds while that is the newest.
    package func generation(of key: FunctionKey) -> UInt64 { generations[key] }

    /// Reads what belongs together as of one moment.
    package func read<T: Sendable>(_ body: @escaping @Sendable (MetadataTransaction) throws -> T) async throws -> T {
        let coder = coder
        return try await readRows { db in
            try body(MetadataTransaction(db: db, coder: coder, changed: ChangedFunctions()))
        }
    }

    /// Changes something in one transaction: what `body` throws undoes it and is thrown on.
    package func change<T: Sendable>(_ body: @escaping @Sendable (MetadataTransaction) throws -> T) async throws -> T {
        let coder = coder
        let changed = ChangedFunctions()
        // One that failed may have been committed.
        defer { generations.count(changed.keys) }
        return try await write { db in try body(MetadataTransaction(db: db, coder: coder, changed: changed)) }
    }

    /// A version of a function, or nil where there is none.
    package func function(
        _ key: FunctionKey,
        version: String = FunctionVersionKey.latest
    ) async throws -> FunctionRecord? {
        try await read { transaction in try transaction.record(key, version) }
    }

    /// Functions and versions whose creation or update had not ended: what a start has to take up again.
    package func unsettledFunctions() async throws -> [FunctionVersionKey] {
        try await readRows { db in try FunctionRow.unsettled(db) }
    }

    /// What active functions run with, the most usual first: runtimes with memory sizes.
    package func runtimesInUse(limit: Int) async throws -> [(runtime: String, memoryMiB: Int)] {
        try await readRows { db in try FunctionRow.runtimes(db, limit: limit) }
    }

    /// Active versions whose environments come from a snapshot, the last made first; those that can't be read are left out.
    package func optimizedVersions(limit: Int) async throws -> [FunctionConfiguration] {
        let keys = try await readRows { db in try FunctionRow.optimized(db, limit: limit) }
        return try await read { transaction in
            try keys.compactMap { key in
                do { return try transaction.record(key.function, key.version)?.active } catch is MetadataStoreError {
                    return nil
                }
            }
        }
    }

    /// The ids of all code objects that a function shows or runs, its layers' too, or that a layer version has.
    package func codeObjectsInUse() async throws -> Set<String> {
        try await readRows { db in try FunctionRow.codeObjects(db).union(LayerVersionRow.codeObjects(db)) }
    }

    /// Whether `codeObjectsInUse` has that one.
    package func usesCodeObject(_ objectID: String) async throws -> Bool {
        try await readRows { db in
            try FunctionRow.uses(db, codeObject: objectID) || LayerVersionRow.uses(db, codeObject: objectID)
        }
    }

    /// SQLite's `synchronous` of the connection that writes: 2 is FULL.
    func synchronousLevel() async throws -> Int? {
        try await pool.writeWithoutTransaction { db in try Int.fetchOne(db, sql: "PRAGMA synchronous") }
    }

    func write<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        do {
            return try await pool.write(body)
        } catch let error where DatabaseFileError.isCause(error) {
            throw MetadataStoreError(error)
        }
    }

    func readRows<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        do {
            return try await pool.read(body)
        } catch let error where DatabaseFileError.isCause(error) {
            throw MetadataStoreError(error)
        }
    }

    private static func keptID(in db: Database) throws -> String {
        let new = RandomIdentifier.uuid()
        try db.execute(
            sql: "INSERT INTO settings (name, value) VALUES ('id', ?) ON CONFLICT (name) DO NOTHING",
            arguments: [new]
        )
        return try String.fetchOne(db, sql: "SELECT value FROM settings WHERE name = 'id'") ?? new
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
}
