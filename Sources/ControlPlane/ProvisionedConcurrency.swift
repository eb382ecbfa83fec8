// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore
import LambdaModel
import MetadataStore

/// How many environments of a version are kept initialised; its qualifier is the version's number, or an alias of it.
struct ProvisionedConcurrency: FunctionDocument, Equatable {
    static let kind = "provisionedConcurrency"

    var executions: Int
    /// When somebody last asked for it.
    var lastModified: Timestamp

    /// How it is divided between an alias's two versions: each has what it has of the calls.
    static func division(_ executions: Int, of alias: Alias) -> [(version: String, executions: Int)] {
        guard let additional = alias.additional else { return [(alias.version, executions)] }
        let shifted = min(executions, Int((Double(executions) * additional.weight).rounded()))
        return [(alias.version, executions - shifted), (additional.version, shifted)].filter { $0.1 > 0 }
    }
}

/// What a configuration provisions of one version.
struct ProvisionedVersion {
    var qualifier: String
    var version: String
    var executions: Int
    /// nil where the version isn't there.
    var record: FunctionRecord?

    /// nil while there is nothing that could run.
    var target: ProvisionedTarget? {
        record?.active.map {
            ProvisionedTarget(qualifier: qualifier, configuration: $0, executions: executions)
        }
    }
}

/// How far a configuration has come, in the API's words.
struct ProvisionedStatus: Equatable {
    enum Status: String {
        case inProgress = "IN_PROGRESS"
        case ready = "READY"
        case failed = "FAILED"
    }

    var allocated = 0
    var available = 0
    var status = Status.inProgress
    var reason: String?

    init() {}

    /// `states` are those of the shares that have a target, in their order.
    init(_ shares: [ProvisionedVersion], _ states: [ProvisionedState]) {
        allocated = states.reduce(0) { $0 + $1.allocated }
        available = states.reduce(0) { $0 + $1.available }
        if available >= shares.reduce(0, { $0 + $1.executions }) {
            status = .ready
        } else if let failure = states.compactMap(\.failure).first {
            status = .failed
            reason = failure.statusReason
        } else if let failed = shares.compactMap(\.record).first(where: { $0.active == nil && $0.isFailed }) {
            status = .failed
            reason = failed.configuration.failure?.message
        }
    }
}

extension FunctionRecord {
    fileprivate var isFailed: Bool { configuration.state == .failed }
}

extension MetadataTransaction {
    /// What a configuration provisions, version by version.
    func shares(
        of configuration: ProvisionedConcurrency,
        _ key: FunctionKey,
        qualifier: String
    ) throws -> [ProvisionedVersion] {
        let division =
            try document(Alias.self, of: key, qualifier: qualifier)
            .map { ProvisionedConcurrency.division(configuration.executions, of: $0) }
            ?? [(qualifier, configuration.executions)]
        return try division.map { version, executions in
            ProvisionedVersion(
                qualifier: qualifier,
                version: version,
                executions: executions,
                record: try record(key, version)
            )
        }
    }

    /// What each function has of its account's concurrency in a region: its reservation, or what it has provisioned without one.
    func concurrency(accountID: String, region: String) throws -> [FunctionKey: Int] {
        func isMeant(_ key: FunctionKey) -> Bool { key.accountID == accountID && key.region == region }
        var taken: [FunctionKey: Int] = [:]
        for (key, _, document) in try documents(ProvisionedConcurrency.self, lookup: nil) where isMeant(key) {
            taken[key, default: 0] += document.executions
        }
        for (key, _, document) in try documents(ReservedConcurrency.self, lookup: nil) where isMeant(key) {
            // What a budget has stopped keeps its share: it comes back.
            guard let stop = document.stop else {
                taken[key] = document.executions
                continue
            }
            if let previous = stop.previous { taken[key] = previous }
        }
        return taken
    }

    /// What a function has provisioned in all.
    func provisionedConcurrency(of key: FunctionKey) throws -> Int {
        try documents(ProvisionedConcurrency.self, of: key).reduce(0) { $0 + $1.document.executions }
    }

    /// The alias that a qualifier of provisioned concurrency names; nil for a version.
    ///
    /// - Throws: `LambdaError.resourceNotFound` where neither is there.
    func provisionable(_ key: FunctionKey, qualifier: String) throws -> Alias? {
        if qualifier.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains) {
            guard try record(key, qualifier) != nil else { throw ControlPlane.notFound(key, qualifier: qualifier) }
            return nil
        }
        guard let alias = try document(Alias.self, of: key, qualifier: qualifier) else {
            throw LambdaError.resourceNotFound(message: "Cannot find alias arn: \(key.arn(qualifier: qualifier))")
        }
        return alias
    }

    /// Throws where another configuration provisions a version already that this qualifier stands for: `alias`, or a version.
    func checkProvisioned(once key: FunctionKey, qualifier: String, alias: Alias?) throws {
        let versions: Set<String> = alias.map { [$0.version, $0.additional?.version ?? $0.version] } ?? [qualifier]
        for (other, _) in try documents(ProvisionedConcurrency.self, of: key) where other != qualifier {
            let otherAlias = try document(Alias.self, of: key, qualifier: other)
            let others = otherAlias.map { [$0.version, $0.additional?.version ?? $0.version] } ?? [other]
            guard others.contains(where: versions.contains) else { continue }
            throw LambdaError.resourceConflict(
                message: alias == nil
                    ? "Version is pointed by a Provisioned Concurrency alias"
                    : "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
            )
        }
    }
}
