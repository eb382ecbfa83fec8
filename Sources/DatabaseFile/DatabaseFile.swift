package import GRDB
// SPDX-License-Identifier: Apache-2.0
import Glibc

/// An SQLite database of the data directory, opened as all of them are: WAL, mode 0600, migrated, one process at a time.
package enum DatabaseFile {
    package struct Options: Sendable {
        /// Of GRDB's log lines and of its threads.
        package var label: String
        /// False: a power cut may take the last commits, and corrupts nothing.
        package var isSynced: Bool
        /// To which the WAL file is cut back.
        package var journalBytesMax: Int
        /// Bounds the file's size, in pages of 4 KiB.
        package var pagesMax: Int?
        /// Whether what is deleted is overwritten, where SQLite was built to do so: all of it is written once more.
        ///
        /// False where what is large is ciphertext.
        package var overwritesDeleted: Bool

        package init(
            label: String,
            isSynced: Bool,
            journalBytesMax: Int,
            pagesMax: Int? = nil,
            overwritesDeleted: Bool = true
        ) {
            self.label = label
            self.isSynced = isSynced
            self.journalBytesMax = journalBytesMax
            self.pagesMax = pagesMax
            self.overwritesDeleted = overwritesDeleted
        }
    }

    /// Opens the database, making or migrating it as needed.
    ///
    /// Blocks: call it at start.
    /// - Throws: `DatabaseFileError`.
    package static func open(
        _ path: String,
        _ options: Options,
        _ migrator: DatabaseMigrator
    ) throws(DatabaseFileError) -> DatabasePool {
        try makePrivate(path)
        do {
            var configuration = Configuration()
            configuration.label = options.label
            configuration.maximumReaderCount = 4
            configuration.prepareDatabase { db in
                if let pagesMax = options.pagesMax { try db.execute(sql: "PRAGMA max_page_count = \(pagesMax)") }
            }
            let pool = try DatabasePool(path: path, configuration: configuration)
            try pool.writeWithoutTransaction { db in
                // GRDB opens WAL databases with NORMAL, under which a power cut may undo the last commits.
                try db.execute(sql: "PRAGMA synchronous = \(options.isSynced ? "FULL" : "NORMAL")")
                try db.execute(sql: "PRAGMA journal_size_limit = \(options.journalBytesMax)")
                if !options.overwritesDeleted { try db.execute(sql: "PRAGMA secure_delete = OFF") }
            }
            if try pool.read({ db in try migrator.hasBeenSuperseded(db) }) {
                throw DatabaseFileError.newerDatabase(path: path)
            }
            try migrator.migrate(pool)
            return pool
        } catch let error as DatabaseFileError {
            throw error
        } catch {
            throw DatabaseFileError(error)
        }
    }

    /// SQLite gives its WAL and shared memory files the database's mode.
    private static func makePrivate(_ path: String) throws(DatabaseFileError) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else {
            throw .failed(message: "open \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        guard fchmod(descriptor, 0o600) == 0 else {
            throw .failed(message: "chmod \(path): \(String(cString: strerror(errno)))")
        }
    }
}

/// Why a database could not do what it was asked; the stores' errors are made from it.
package enum DatabaseFileError: Error, Equatable {
    /// Made by a newer version of the program.
    case newerDatabase(path: String)
    /// Nothing was written.
    case diskFull
    case failed(message: String)

    /// Whether SQLite failed, or a row's columns are not what was written: what else is thrown in a transaction is its caller's.
    package static func isCause(_ error: any Error) -> Bool { error is DatabaseError || error is RowDecodingError }

    package init(_ error: any Error) {
        switch error {
        case let error as DatabaseFileError: self = error
        case let error as DatabaseError where error.resultCode == .SQLITE_FULL: self = .diskFull
        case let error as DatabaseError:
            // The message and the code alone: GRDB's description would show the statement's arguments.
            self = .failed(
                message: "SQLite error \(error.extendedResultCode.rawValue): \(error.message ?? "no message")"
            )
        // What is in the row is not for a log either.
        case is RowDecodingError, is DecodingError: self = .failed(message: "a row was changed since it was stored")
        default: self = .failed(message: "\(error)")
        }
    }
}
