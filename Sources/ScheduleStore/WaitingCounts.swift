// SPDX-License-Identifier: Apache-2.0
import GRDB
import ScheduleCore

/// How many deliveries wait, of each account and of each of its targets, while a transaction adds to them.
struct WaitingCounts {
    private struct Target: Hashable {
        var accountID: String
        var arn: String
    }

    private var accounts: [String: Int] = [:]
    private var targets: [Target: Int] = [:]

    private mutating func count(_ accountID: String, _ db: Database) throws -> Int {
        if let count = accounts[accountID] { return count }
        let sql = "SELECT COUNT(*) FROM deliveries WHERE accountID = ?"
        let count = try Int.fetchOne(db, sql: sql, arguments: [accountID]) ?? 0
        accounts[accountID] = count
        return count
    }

    private mutating func count(_ target: Target, _ db: Database) throws -> Int {
        if let count = targets[target] { return count }
        let sql = "SELECT COUNT(*) FROM deliveries WHERE accountID = ? AND target = ?"
        let count = try Int.fetchOne(db, sql: sql, arguments: [target.accountID, target.arn]) ?? 0
        targets[target] = count
        return count
    }

    /// Whether an occurrence with these targets may add its deliveries.
    mutating func hasRoom(_ accountID: String, _ arns: [String], _ db: Database) throws -> Bool {
        guard try count(accountID, db) < ScheduleLimits.deliveriesMax else { return false }
        for arn in arns {
            let waiting = try count(Target(accountID: accountID, arn: arn), db)
            guard waiting < ScheduleLimits.targetDeliveriesMax else { return false }
        }
        return true
    }

    mutating func add(_ deliveries: [ScheduleDelivery], _ db: Database) throws {
        for delivery in deliveries {
            let accountID = delivery.source.accountID
            let target = Target(accountID: accountID, arn: delivery.target.arn)
            accounts[accountID] = try count(accountID, db) + 1
            targets[target] = try count(target, db) + 1
        }
    }

    /// Refuses deliveries that were added, where they are too many.
    func check(_ deliveries: [ScheduleDelivery]) throws(ScheduleError) {
        let most = Dictionary(grouping: deliveries, by: \.target.arn).values.map(\.count).max() ?? 0
        guard deliveries.count <= ScheduleLimits.deliveriesMax, most <= ScheduleLimits.targetDeliveriesMax else {
            throw ScheduleError(
                .validation,
                "\(deliveries.count) deliveries would follow: more than \(ScheduleLimits.deliveriesMax), or than "
                    + "\(ScheduleLimits.targetDeliveriesMax) for one target, may never wait."
            )
        }
        guard accounts.values.allSatisfy({ $0 <= ScheduleLimits.deliveriesMax }) else {
            throw ScheduleError(.throttled, "\(ScheduleLimits.deliveriesMax) deliveries of the account wait already.")
        }
        if let full = targets.first(where: { $0.value > ScheduleLimits.targetDeliveriesMax }) {
            throw ScheduleError(
                .throttled,
                "\(ScheduleLimits.targetDeliveriesMax) deliveries wait already for \(full.key.arn)."
            )
        }
    }
}
