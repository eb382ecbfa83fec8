// SPDX-License-Identifier: Apache-2.0
import AWSWire
import EventPattern
import LambdaModel
import ScheduleCore
import ScheduleStore

/// Rules on the default event bus, the only one there is.
extension ScheduleService {
    private static let namePattern = #"[\.\-_A-Za-z0-9]+"#
    private static let quota = ScheduleError(
        .limitExceeded,
        "The requested resource exceeds the maximum number allowed."
    )

    /// - Throws: `ScheduleError` (`notFound`) for another bus than the default one.
    func ruleKey(_ input: ScheduleInput, _ caller: ScheduleCaller, member: String = "Name") throws -> ScheduleKey {
        var violations = ConstraintViolations()
        let field = member.prefix(1).lowercased() + member.dropFirst()
        let name = try violations.required(input.string(member), at: field)
        violations.requireName(name, at: field, pattern: Self.namePattern)
        try violations.throwIfAny()
        try Self.checkBus(input, caller)
        return ScheduleKey(.rule, accountID: caller.accountID, region: caller.region, name: name)
    }

    static func checkBus(_ input: ScheduleInput, _ caller: ScheduleCaller) throws {
        let bus = try input.string("EventBusName") ?? "default"
        guard bus == "default" || bus == "arn:aws:events:\(caller.region):\(caller.accountID):event-bus/default" else {
            throw ScheduleError(.notFound, "Event bus \(bus.prefix(256)) does not exist.")
        }
    }

    static func noRule(_ key: ScheduleKey) -> ScheduleError {
        ScheduleError(.notFound, "Rule \(key.name) does not exist on EventBus default.")
    }

    /// Changes a rule that is there.
    @discardableResult
    func changeRule(
        _ key: ScheduleKey,
        _ body: @escaping @Sendable (inout ScheduleRecord) throws -> Void
    ) async throws -> ScheduleRecord? {
        try await store.change(key, countMax: ScheduleLimits.rulesMax, refusal: Self.quota) { found in
            guard var record = found else { throw Self.noRule(key) }
            try body(&record)
            return record
        }
    }

    /// Makes a rule, or puts its settings in the place of those that it had; its targets and tags stay.
    func putRule(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue? {
        let key = try ruleKey(input, caller)
        var violations = ConstraintViolations()
        let expression = try input.string("ScheduleExpression").flatMap { $0.isEmpty ? nil : $0 }
        violations.requireLength(expression ?? "", at: "scheduleExpression", 0...256)
        let pattern = try input.string("EventPattern").flatMap { $0.isEmpty ? nil : $0 }
        violations.requireLength(pattern ?? "", at: "eventPattern", 0...4_096)
        let description = try input.string("Description")
        violations.requireLength(description ?? "", at: "description", 0...512)
        let role = try input.string("RoleArn")
        violations.requireLength(role ?? "x", at: "roleArn", 1...1_600)
        let state = try input.string("State") ?? "ENABLED"
        let states = ["ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"]
        violations.requireValue(state, at: "state", in: states)
        try violations.throwIfAny()
        guard expression != nil || pattern != nil else {
            throw ScheduleError(.validation, "Parameter(s) EventPattern or ScheduleExpression must be specified.")
        }
        if let expression, ScheduleExpression(expression, .rules) == nil {
            throw ScheduleError(.validation, "Parameter ScheduleExpression is not valid.")
        }
        if let pattern { _ = try Self.compiled(pattern) }
        let tags = try Self.merged([:], input.tags(valueLength: 0...256) ?? [:])
        let now = now()
        try await store.change(key, countMax: ScheduleLimits.rulesMax, refusal: Self.quota) { found in
            let definition = ScheduleDefinition(
                expression: expression,
                description: description,
                eventPattern: pattern,
                roleARN: role,
                targets: found?.definition.targets ?? []
            )
            guard var record = found else {
                return ScheduleRecord(
                    key: key,
                    definition: definition,
                    isEnabled: state != "DISABLED",
                    tags: tags,
                    now: now
                )
            }
            record.change(to: definition, isEnabled: state != "DISABLED", now: now)
            return record
        }
        bell.ring()
        return .object(["RuleArn": .string(key.arn)])
    }

    static func compiled(_ pattern: String) throws(ScheduleError) -> EventPattern {
        do { return try EventPattern(parsing: pattern) } catch {
            throw ScheduleError(.invalidEventPattern, "Event pattern is not valid. Reason: \(error)")
        }
    }

    func describeRule(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue? {
        let key = try ruleKey(input, caller)
        guard let record = try await store.record(key) else { throw Self.noRule(key) }
        var members = Self.show(record)
        members["CreatedBy"] = .string(key.accountID)
        return .object(members)
    }

    private static func show(_ record: ScheduleRecord) -> [String: JSONValue] {
        var members: [String: JSONValue] = [
            "Name": .string(record.key.name), "Arn": .string(record.key.arn), "EventBusName": .string("default"),
            "State": .string(record.isEnabled ? "ENABLED" : "DISABLED"),
        ]
        members["ScheduleExpression"] = record.definition.expression.map(JSONValue.string)
        members["EventPattern"] = record.definition.eventPattern.map(JSONValue.string)
        members["Description"] = record.definition.description.map(JSONValue.string)
        members["RoleArn"] = record.definition.roleARN.map(JSONValue.string)
        return members
    }

    /// A page of an account's rules, from the one after NextToken.
    private func page(
        _ input: ScheduleInput,
        _ caller: ScheduleCaller,
        _ isListed: (ScheduleRecord) -> Bool
    ) async throws -> (records: [ScheduleRecord], next: String?) {
        var violations = ConstraintViolations()
        let limit = try Self.limit(input, "Limit", &violations)
        try violations.throwIfAny()
        try Self.checkBus(input, caller)
        var selection = ScheduleStore.Selection(.rule, accountID: caller.accountID, region: caller.region)
        selection.prefix = try input.string("NamePrefix") ?? ""
        if let token = try input.string("NextToken") { selection.after = (ScheduleKey.defaultGroup, token) }
        let found = try await store.list(selection, limit: ScheduleLimits.rulesMax, unreadable: unreadable)
            .filter(isListed)
        let records = Array(found.prefix(limit))
        return (records, found.count > limit ? records.last?.key.name : nil)
    }

    func listRules(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue? {
        let page = try await page(input, caller) { _ in true }
        var answer: [String: JSONValue] = ["Rules": .array(page.records.map { .object(Self.show($0)) })]
        answer["NextToken"] = page.next.map(JSONValue.string)
        return .object(answer)
    }

    func listRuleNamesByTarget(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue? {
        var violations = ConstraintViolations()
        let arn = try violations.required(input.string("TargetArn"), at: "targetArn")
        try violations.throwIfAny()
        let page = try await page(input, caller) { record in record.definition.targets.contains { $0.arn == arn } }
        var answer: [String: JSONValue] = ["RuleNames": .array(page.records.map { .string($0.key.name) })]
        answer["NextToken"] = page.next.map(JSONValue.string)
        return .object(answer)
    }

    /// Succeeds also where there is no such rule, as on AWS.
    func deleteRule(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws {
        let key = try ruleKey(input, caller)
        try await store.change(key, countMax: ScheduleLimits.rulesMax, refusal: Self.quota) { found in
            guard found?.definition.targets.isEmpty ?? true else {
                throw ScheduleError(.validation, "Rule can't be deleted since it has targets.")
            }
            return nil
        }
    }

    func setState(_ input: ScheduleInput, _ caller: ScheduleCaller, isEnabled: Bool) async throws {
        let now = now()
        try await changeRule(ruleKey(input, caller)) { record in
            record.change(to: record.definition, isEnabled: isEnabled, now: now)
        }
        bell.ring()
    }

    // MARK: Tags

    private func taggedRule(_ input: ScheduleInput, _ caller: ScheduleCaller) throws -> ScheduleKey {
        let arn = try input.string("ResourceARN") ?? ""
        guard let key = ScheduleKey(ruleARN: arn), key.accountID == caller.accountID, key.region == caller.region else {
            throw ScheduleError(.notFound, "Resource \(arn.prefix(256)) does not exist: only rules have tags here.")
        }
        return key
    }

    func tagRule(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue? {
        let new = try input.tags(valueLength: 0...256) ?? [:]
        try await changeRule(taggedRule(input, caller)) { $0.tags = try Self.merged($0.tags, new) }
        return .object([:])
    }

    func untagRule(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue? {
        let gone = Set(try input.strings("TagKeys") ?? [])
        try await changeRule(taggedRule(input, caller)) { $0.tags = $0.tags.filter { !gone.contains($0.key) } }
        return .object([:])
    }

    func listTagsOfRule(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue? {
        let key = try taggedRule(input, caller)
        guard let record = try await store.record(key) else { throw Self.noRule(key) }
        return .object(["Tags": Self.list(record.tags)])
    }
}
