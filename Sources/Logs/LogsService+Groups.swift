// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import LogStore

/// The operations on groups, their retention and their tags.
extension LogsService {
    private static let classes = ["STANDARD", "INFREQUENT_ACCESS", "DELIVERY"]
    /// AWS's, in days.
    static let retentions: Set<Int> = [
        1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1_096, 1_827, 2_192, 2_557, 2_922, 3_288, 3_653,
    ]
    private static let tagsMax = 50

    func createLogGroup(_ input: inout LogsInput, _ caller: LogsCaller) async throws {
        let key = try namedGroup(&input, caller)
        let tags = try input.tags("tags") ?? [:]
        let logClass = try input.choice("logGroupClass", Self.classes) ?? Self.classes[0]
        try input.check()
        try Self.check(tags, beside: [:])
        guard !input.has("kmsKeyId") else {
            throw LogsError.parameter("kmsKeyId is not available in this version of Martlet: leave it out.")
        }
        guard try input.bool("deletionProtectionEnabled") != true else {
            throw LogsError.parameter(
                "deletionProtectionEnabled is not available in this version of Martlet: leave it out."
            )
        }
        do { try await store.createGroup(key, logClass: logClass, tags: tags) } catch LogStoreError.exists {
            throw LogsError(.resourceAlreadyExists, "The specified log group already exists")
        }
    }

    func deleteLogGroup(_ input: inout LogsInput, _ caller: LogsCaller) async throws {
        let key = try namedGroup(&input, caller)
        try input.check()
        guard try await store.deleteGroup(key) else { throw LogsError.noGroup }
    }

    func describeLogGroups(_ input: inout LogsInput, _ caller: LogsCaller) async throws -> JSONValue {
        let prefix = try input.string("logGroupNamePrefix", .group)
        let part = try input.string("logGroupNamePattern", .groupPart)
        let limit = try input.integer("limit", in: 1...50) ?? 50
        let token = try input.string("nextToken", .token)
        let logClass = try input.choice("logGroupClass", Self.classes)
        let identifiers = try input.strings("logGroupIdentifiers", counts: 1...50, .identifier)
        try input.check()
        guard prefix == nil || part?.isEmpty ?? true else {
            throw LogsError.parameter(
                "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
            )
        }
        var groups: [LogGroupRecord]
        if let identifiers {
            guard prefix == nil, part == nil else {
                throw LogsError.parameter("logGroupIdentifiers can't be given with a name's prefix or pattern.")
            }
            groups = []
            for key in Set(identifiers.compactMap({ LogsResource.group($0, caller) })) {
                if let group = try await store.group(key) { groups.append(group) }
            }
            groups.sort { $0.key.name < $1.key.name }
            groups = Array(groups.drop { group in token.map { group.key.name <= $0 } ?? false }.prefix(limit + 1))
        } else {
            groups = try await store.groups(
                accountID: caller.accountID,
                region: caller.region,
                after: token,
                prefix: prefix ?? "",
                containing: part ?? "",
                logClass: logClass,
                limit: limit + 1
            )
        }
        var members: [String: JSONValue] = ["logGroups": .array(groups.prefix(limit).map(Self.json))]
        if groups.count > limit { members["nextToken"] = .string(groups[limit - 1].key.name) }
        return .object(members)
    }

    private static func json(_ group: LogGroupRecord) -> JSONValue {
        let arn = LogsResource.arn(group.key)
        var members: [String: JSONValue] = [
            "logGroupName": .string(group.key.name),
            "creationTime": .integer(group.createdAt.millisecondsSinceEpoch), "metricFilterCount": .integer(0),
            "arn": .string("\(arn):*"), "logGroupArn": .string(arn), "storedBytes": .integer(group.bytes),
            "logGroupClass": .string(group.logClass),
        ]
        members["retentionInDays"] = group.retentionDays.map { .integer($0) }
        return .object(members)
    }

    // MARK: Retention

    func putRetentionPolicy(_ input: inout LogsInput, _ caller: LogsCaller) async throws {
        let key = try namedGroup(&input, caller)
        let days = try input.integer("retentionInDays", in: Int.min...Int.max)
        if days == nil { input.missing("retentionInDays") }
        try input.check()
        guard let days, Self.retentions.contains(days) else {
            let list = Self.retentions.sorted().map(String.init).joined(separator: ", ")
            throw LogsError.parameter(
                "1 validation error detected: Value '\(days ?? 0)' at 'retentionInDays' failed to satisfy constraint: "
                    + "Member must satisfy enum value set: [\(list)]"
            )
        }
        try await store.setRetention(key, days: days)
    }

    func deleteRetentionPolicy(_ input: inout LogsInput, _ caller: LogsCaller) async throws {
        let key = try namedGroup(&input, caller)
        try input.check()
        try await store.setRetention(key, days: nil)
    }

    // MARK: Tags

    /// The group that `resourceArn` names.
    func taggedGroup(_ input: inout LogsInput, _ caller: LogsCaller) throws(LogsError) -> LogGroupKey {
        let arn = try input.required("resourceArn", .identifier)
        try input.check()
        guard arn.hasPrefix("arn:"), let key = LogsResource.group(arn, caller) else {
            throw LogsError(.resourceNotFound, "The specified resource does not exist.")
        }
        return key
    }

    private static func check(_ tags: [String: String], beside present: [String: String]) throws(LogsError) {
        if let reserved = tags.keys.first(where: { $0.lowercased().hasPrefix("aws:") }) {
            throw .parameter("Tag keys that begin with aws: are reserved: \(reserved)")
        }
        guard present.merging(tags, uniquingKeysWith: { $1 }).count <= tagsMax else {
            throw LogsError(.tooManyTags, "A log group has up to \(tagsMax) tags.")
        }
    }

    func tag(_ input: inout LogsInput, _ key: LogGroupKey) async throws {
        let tags = try input.tags("tags")
        if tags == nil { input.missing("tags") }
        try input.check()
        try await store.changeTags(of: key) { present in
            try Self.check(tags ?? [:], beside: present)
            present.merge(tags ?? [:]) { $1 }
        }
    }

    func untag(_ input: inout LogsInput, _ key: LogGroupKey, names member: String) async throws {
        let names = try input.strings(member, counts: 0...50, .init(lengths: 1...128))
        if names == nil { input.missing(member) }
        try input.check()
        try await store.changeTags(of: key) { present in
            for name in names ?? [] { present[name] = nil }
        }
    }

    func listTags(_ input: LogsInput, _ key: LogGroupKey) async throws -> JSONValue {
        try input.check()
        return .object(["tags": .object(try await existing(key).tags.mapValues(JSONValue.string))])
    }
}
