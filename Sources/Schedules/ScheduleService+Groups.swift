// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import ScheduleCore
import ScheduleStore

/// Groups of schedules, and their tags: schedules themselves have none.
extension ScheduleService {
    private func groupKey(_ input: ScheduleInput, _ caller: ScheduleCaller) throws -> ScheduleGroupKey {
        var violations = ConstraintViolations()
        let name = try violations.required(input.string("Name"), at: "name")
        violations.requireName(name, at: "name")
        try violations.throwIfAny()
        return ScheduleGroupKey(accountID: caller.accountID, region: caller.region, name: name)
    }

    private static func noGroup(_ name: String) -> ScheduleError {
        ScheduleError(.notFound, "Schedule group \(name) does not exist.")
    }

    /// - Throws: `ScheduleError` (`notFound`) where there is none.
    func requireGroup(_ name: String, _ caller: ScheduleCaller) async throws {
        guard name != ScheduleKey.defaultGroup else { return }
        let key = ScheduleGroupKey(accountID: caller.accountID, region: caller.region, name: name)
        guard try await store.group(key) != nil else { throw Self.noGroup(name) }
    }

    func createScheduleGroup(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue {
        let key = try groupKey(input, caller)
        let tags = try Self.merged([:], input.tags(valueLength: 1...256) ?? [:])
        let token = try Self.token(input)
        let now = now()
        let conflict = ScheduleError(.conflict, "Schedule group \(key.name) already exists.")
        guard key.name != ScheduleKey.defaultGroup else { throw conflict }
        try await store.changeGroup(key) { found in
            guard let found else { return ScheduleGroupRecord(key: key, token: token, tags: tags, now: now) }
            guard let token, found.token == token, found.tags == tags else { throw conflict }
            return found
        }
        return .object(["ScheduleGroupArn": .string(key.arn)])
    }

    func getScheduleGroup(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue {
        let key = try groupKey(input, caller)
        if key.name == ScheduleKey.defaultGroup { return Self.show(defaultGroup(caller)) }
        guard let record = try await store.group(key) else { throw Self.noGroup(key.name) }
        return Self.show(record)
    }

    func deleteScheduleGroup(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue {
        let key = try groupKey(input, caller)
        guard key.name != ScheduleKey.defaultGroup else {
            throw ScheduleError(.validation, "The default schedule group can't be deleted.")
        }
        try await store.deleteGroup(key)
        return .object([:])
    }

    func listScheduleGroups(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue {
        var violations = ConstraintViolations()
        let prefix = try input.string("NamePrefix") ?? ""
        if input.has("NamePrefix") { violations.requireName(prefix, at: "namePrefix") }
        let limit = try Self.limit(input, "MaxResults", &violations)
        try violations.throwIfAny()
        let after = try input.string("NextToken") ?? ""
        var found = try await store.listGroups(
            accountID: caller.accountID,
            region: caller.region,
            prefix: prefix,
            after: after,
            limit: limit + 1
        )
        let name = ScheduleKey.defaultGroup
        if name.hasPrefix(prefix), name > after {
            let index = found.firstIndex { $0.key.name > name } ?? found.endIndex
            found.insert(defaultGroup(caller), at: index)
        }
        var answer: [String: JSONValue] = ["ScheduleGroups": .array(found.prefix(limit).map(Self.show))]
        if found.count > limit { answer["NextToken"] = .string(found[limit - 1].key.name) }
        return .object(answer)
    }

    private func defaultGroup(_ caller: ScheduleCaller) -> ScheduleGroupRecord {
        let key = ScheduleGroupKey(
            accountID: caller.accountID,
            region: caller.region,
            name: ScheduleKey.defaultGroup
        )
        return ScheduleGroupRecord(key: key, now: Timestamp(millisecondsSinceEpoch: 0))
    }

    private static func show(_ record: ScheduleGroupRecord) -> JSONValue {
        .object([
            "Arn": .string(record.key.arn), "Name": .string(record.key.name), "State": .string("ACTIVE"),
            "CreationDate": seconds(record.created), "LastModificationDate": seconds(record.modified),
        ])
    }

    // MARK: Tags

    private func taggedGroup(_ input: ScheduleInput, _ caller: ScheduleCaller) throws -> ScheduleGroupKey {
        let arn = try input.string("ResourceArn") ?? ""
        guard let key = ScheduleGroupKey(arn: arn) else {
            throw ScheduleError(.validation, "Invalid ResourceArn \(arn.prefix(256)): only schedule groups have tags.")
        }
        guard key.accountID == caller.accountID, key.region == caller.region, key.name != ScheduleKey.defaultGroup
        else {
            throw Self.noGroup(key.name)
        }
        return key
    }

    private func changeTags(
        _ key: ScheduleGroupKey,
        _ body: @escaping @Sendable ([String: String]) throws -> [String: String]
    ) async throws -> JSONValue {
        let now = now()
        try await store.changeGroup(key) { found in
            guard var record = found else { throw Self.noGroup(key.name) }
            record.tags = try body(record.tags)
            record.modified = now
            return record
        }
        return .object([:])
    }

    func tagGroup(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue {
        let new = try input.tags(valueLength: 1...256) ?? [:]
        return try await changeTags(taggedGroup(input, caller)) { try Self.merged($0, new) }
    }

    func untagGroup(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue {
        let gone = Set(try input.strings("TagKeys") ?? [])
        return try await changeTags(taggedGroup(input, caller)) { $0.filter { !gone.contains($0.key) } }
    }

    func listTagsOfGroup(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue {
        let key = try taggedGroup(input, caller)
        guard let record = try await store.group(key) else { throw Self.noGroup(key.name) }
        return .object(["Tags": Self.list(record.tags)])
    }
}
