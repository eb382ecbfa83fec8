// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import ScheduleCore
import ScheduleStore

/// Schedules: made, shown, changed, deleted and listed.
extension ScheduleService {
    private static let rolePattern = #"^arn:aws(-[a-z]+)?:iam::\d{12}:role\/[\w+=,.@\/-]+$"#

    private func key(_ input: ScheduleInput, _ caller: ScheduleCaller) throws -> ScheduleKey {
        var violations = ConstraintViolations()
        let name = try violations.required(input.string("Name"), at: "name")
        violations.requireName(name, at: "name")
        let group = try input.string("GroupName") ?? ScheduleKey.defaultGroup
        violations.requireName(group, at: "groupName")
        try violations.throwIfAny()
        return ScheduleKey(
            .schedule,
            accountID: caller.accountID,
            region: caller.region,
            group: group,
            name: name
        )
    }

    private static func noSchedule(_ key: ScheduleKey) -> ScheduleError {
        ScheduleError(.notFound, "Schedule \(key.name) does not exist.")
    }

    private static let quota = ScheduleError(
        .quotaExceeded,
        "There are \(ScheduleLimits.schedulesMax) schedules already."
    )

    /// A second request with the ClientToken of the one that made it gets the same answer.
    func createSchedule(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue {
        let key = try key(input, caller)
        let (definition, isEnabled) = try definition(input, key)
        try Self.checkTimes(definition, now: now())
        let token = try Self.token(input)
        let now = now()
        let made = try await store.change(key, countMax: ScheduleLimits.schedulesMax, refusal: Self.quota) { found in
            if let found {
                guard let token, found.token == token, found.definition == definition else {
                    throw ScheduleError(.conflict, "Schedule \(key.name) already exists.")
                }
                return found
            }
            return ScheduleRecord(key: key, definition: definition, isEnabled: isEnabled, token: token, now: now)
        }
        bell.ring()
        return .object(["ScheduleArn": .string(made?.key.arn ?? key.arn)])
    }

    func updateSchedule(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue {
        let key = try key(input, caller)
        let (definition, isEnabled) = try definition(input, key)
        _ = try Self.token(input)
        let now = now()
        try await store.change(key, countMax: ScheduleLimits.schedulesMax, refusal: Self.quota) { found in
            guard var record = found else { throw Self.noSchedule(key) }
            if !record.definition.occursLike(definition) { try Self.checkTimes(definition, now: now) }
            record.change(to: definition, isEnabled: isEnabled, now: now)
            return record
        }
        bell.ring()
        return .object(["ScheduleArn": .string(key.arn)])
    }

    func deleteSchedule(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue {
        let key = try key(input, caller)
        _ = try Self.token(input)
        guard try await store.delete(key) else { throw Self.noSchedule(key) }
        return .object([:])
    }

    static func token(_ input: ScheduleInput) throws -> String? {
        guard let token = try input.string("ClientToken") else { return nil }
        var violations = ConstraintViolations()
        violations.requireLength(token, at: "clientToken", 1...64)
        violations.requirePattern(token, at: "clientToken", "^[a-zA-Z0-9-_]+$", token.isEmpty || ARN.isName(token))
        try violations.throwIfAny()
        return token
    }

    // MARK: Reading a definition

    private func definition(
        _ input: ScheduleInput,
        _ key: ScheduleKey
    ) throws -> (definition: ScheduleDefinition, isEnabled: Bool) {
        var violations = ConstraintViolations()
        let expression = try violations.required(input.string("ScheduleExpression"), at: "scheduleExpression")
        violations.requireLength(expression, at: "scheduleExpression", 1...256)
        let zone = try input.string("ScheduleExpressionTimezone") ?? ZoneRules.utcName
        violations.requireLength(zone, at: "scheduleExpressionTimezone", 1...50)
        let description = try input.string("Description")
        violations.requireLength(description ?? "", at: "description", 0...512)
        let state = try input.string("State") ?? "ENABLED"
        violations.requireValue(state, at: "state", in: ["ENABLED", "DISABLED"])
        let completion = try input.string("ActionAfterCompletion") ?? "NONE"
        violations.requireValue(completion, at: "actionAfterCompletion", in: ["NONE", "DELETE"])
        let kmsKey = try input.string("KmsKeyArn")
        violations.requireLength(kmsKey ?? "arn", at: "kmsKeyArn", 1...2_048)
        let window = try input.object("FlexibleTimeWindow")
        if window == nil { violations.add(nil, at: "flexibleTimeWindow", "Member must not be null") }
        let mode = try window.map { try violations.required($0.string("Mode"), at: "flexibleTimeWindow.mode") } ?? "OFF"
        violations.requireValue(mode, at: "flexibleTimeWindow.mode", in: ["OFF", "FLEXIBLE"])
        let minutes = try window?.integer("MaximumWindowInMinutes")
        if let minutes { violations.requireRange(minutes, at: "flexibleTimeWindow.maximumWindowInMinutes", 1...1_440) }
        let target = try input.object("Target")
        if target == nil { violations.add(nil, at: "target", "Member must not be null") }
        var read = ScheduleTarget(arn: "")
        if let target { try Self.read(target, &read, &violations) }
        try violations.throwIfAny()
        guard ScheduleExpression(expression, .scheduler) != nil else {
            throw ScheduleError(.validation, "Invalid Schedule Expression \(expression).")
        }
        guard ZoneRules(zone) != nil else {
            throw ScheduleError(.validation, "Invalid ScheduleExpressionTimezone \(zone).")
        }
        guard mode == "OFF" || minutes != nil else {
            throw ScheduleError(.validation, "MaximumWindowInMinutes is required for a FLEXIBLE time window.")
        }
        guard mode == "FLEXIBLE" || minutes == nil else {
            throw ScheduleError(.validation, "MaximumWindowInMinutes is only allowed for a FLEXIBLE time window.")
        }
        if let target { try check(target, &read, key) }
        let definition = ScheduleDefinition(
            expression: expression,
            timeZone: zone,
            start: try input.time("StartDate"),
            end: try input.time("EndDate"),
            windowMinutes: minutes ?? 0,
            isDeletedAfterCompletion: completion == "DELETE",
            description: description,
            kmsKeyARN: kmsKey,
            targets: [read]
        )
        return (definition, state == "ENABLED")
    }

    private static func read(
        _ input: ScheduleInput,
        _ target: inout ScheduleTarget,
        _ violations: inout ConstraintViolations
    ) throws {
        target.arn = try violations.required(input.string("Arn"), at: "target.arn")
        violations.requireLength(target.arn, at: "target.arn", 1...1_600)
        let role = try violations.required(input.string("RoleArn"), at: "target.roleArn")
        violations.requirePattern(role, at: "target.roleArn", rolePattern, role.isEmpty || isRole(role))
        violations.requireLength(role, at: "target.roleArn", 1...1_600)
        target.roleARN = role
        target.input = try input.string("Input")
        violations.requireLength(target.input ?? " ", at: "target.input", 1...Int.max)
        target.messageGroupID = try input.object("SqsParameters")?.string("MessageGroupId")
        violations.requireLength(target.messageGroupID ?? "x", at: "target.sqsParameters.messageGroupId", 1...128)
    }

    static func isRole(_ text: String) -> Bool {
        guard let arn = ARN(text) else { return false }
        return arn.partition.hasPrefix("aws") && arn.service == "iam" && arn.region.isEmpty
            && ARN.isAccountID(arn.accountID) && arn.resource.hasPrefix("role/") && arn.resource.utf8.count > 5
            && arn.resource.utf8.dropFirst(5).allSatisfy { byte in
                (48...57).contains(byte) || (97...122).contains(byte | 0x20) || "_+=,.@/-".utf8.contains(byte)
            }
    }

    /// What the target's values mean here.
    private func check(_ input: ScheduleInput, _ target: inout ScheduleTarget, _ key: ScheduleKey) throws {
        let kind = try targets.kind(target.arn, of: key, at: "Target")
        let others = ["EcsParameters", "EventBridgeParameters", "KinesisParameters", "SageMakerPipelineParameters"]
        if let other = others.first(where: input.has) {
            throw ScheduleError(.validation, "\(other) is of no use for the target \(target.arn).")
        }
        try readDelivery(input, &target, key)
        switch kind {
        case .queue(_, true) where target.messageGroupID == nil:
            throw ScheduleError(.validation, "SqsParameters.MessageGroupId is required for a FIFO queue.")
        case .queue: try Self.checkMessage(target.input, "Target.Input")
        case .function:
            guard let text = target.input else { return }
            // As an attempt sends it.
            let sample = ScheduleDelivery(
                id: RandomIdentifier.uuid(),
                source: key,
                target: target,
                payload: text,
                occurred: now(),
                due: now()
            )
            try Self.checkJSON(TargetInput.fill(sample, attempt: 1), "Target.Input")
        }
    }

    private static let startToleranceSeconds: Int64 = 300

    private static func checkTimes(_ definition: ScheduleDefinition, now: Timestamp) throws(ScheduleError) {
        if let start = definition.start, start < now.advanced(by: .seconds(-startToleranceSeconds)) {
            throw ScheduleError(.validation, "The StartDate you specify cannot be earlier than 5 minutes ago.")
        }
        if let end = definition.end, end < now {
            throw ScheduleError(.validation, "The EndDate you specify cannot be in the past.")
        }
        if let start = definition.start, let end = definition.end, start >= end {
            throw ScheduleError(.validation, "The StartDate you specify must come before the EndDate you specify.")
        }
    }

    // MARK: Showing

    func getSchedule(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue {
        let key = try key(input, caller)
        guard let record = try await store.record(key) else { throw Self.noSchedule(key) }
        let definition = record.definition
        var members = Self.head(record)
        members["ScheduleExpression"] = definition.expression.map(JSONValue.string)
        members["ScheduleExpressionTimezone"] = .string(definition.timeZone)
        members["ActionAfterCompletion"] = .string(definition.isDeletedAfterCompletion ? "DELETE" : "NONE")
        members["Description"] = definition.description.map(JSONValue.string)
        members["KmsKeyArn"] = definition.kmsKeyARN.map(JSONValue.string)
        members["StartDate"] = definition.start.map(Self.seconds)
        members["EndDate"] = definition.end.map(Self.seconds)
        members["FlexibleTimeWindow"] =
            definition.windowMinutes == 0
            ? .object(["Mode": .string("OFF")])
            : .object([
                "Mode": .string("FLEXIBLE"), "MaximumWindowInMinutes": .integer(definition.windowMinutes),
            ])
        if let target = definition.targets.first { members["Target"] = Self.show(target) }
        return .object(members)
    }

    private static func show(_ target: ScheduleTarget) -> JSONValue {
        var members: [String: JSONValue] = ["Arn": .string(target.arn), "RetryPolicy": show(target.policy)]
        members["RoleArn"] = target.roleARN.map(JSONValue.string)
        members["Input"] = target.input.map(JSONValue.string)
        members["DeadLetterConfig"] = target.deadLetterARN.map { .object(["Arn": .string($0)]) }
        members["SqsParameters"] = target.messageGroupID.map { .object(["MessageGroupId": .string($0)]) }
        return .object(members)
    }

    private static func head(_ record: ScheduleRecord) -> [String: JSONValue] {
        [
            "Arn": .string(record.key.arn), "Name": .string(record.key.name), "GroupName": .string(record.key.group),
            "State": .string(record.isEnabled ? "ENABLED" : "DISABLED"), "CreationDate": seconds(record.created),
            "LastModificationDate": seconds(record.modified),
        ]
    }

    static func seconds(_ time: Timestamp) -> JSONValue {
        let (seconds, rest) = time.millisecondsSinceEpoch.quotientAndRemainder(dividingBy: 1_000)
        return .number(rest == 0 ? "\(seconds)" : "\(seconds).\(String(1_000 + abs(rest)).dropFirst())")
    }

    func listSchedules(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue {
        var violations = ConstraintViolations()
        var selection = ScheduleStore.Selection(.schedule, accountID: caller.accountID, region: caller.region)
        selection.group = try input.string("GroupName")
        violations.requireName(selection.group ?? "x", at: "groupName")
        selection.prefix = try input.string("NamePrefix") ?? ""
        if input.has("NamePrefix") { violations.requireName(selection.prefix, at: "namePrefix") }
        if let state = try input.string("State") {
            violations.requireValue(state, at: "state", in: ["ENABLED", "DISABLED"])
            selection.isEnabled = state == "ENABLED"
        }
        let limit = try Self.limit(input, "MaxResults", &violations)
        try violations.throwIfAny()
        if let group = selection.group { try await requireGroup(group, caller) }
        if let token = try input.string("NextToken") {
            let parts = token.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2 else { throw ScheduleError(.validation, "Invalid NextToken.") }
            selection.after = (parts[0], parts[1])
        }
        let found = try await store.list(selection, limit: limit + 1, unreadable: unreadable)
        let page = found.prefix(limit).map { record -> JSONValue in
            var members = Self.head(record)
            members["Target"] = record.definition.targets.first.map { .object(["Arn": .string($0.arn)]) }
            return .object(members)
        }
        var answer: [String: JSONValue] = ["Schedules": .array(page)]
        if found.count > limit {
            let last = found[limit - 1].key
            answer["NextToken"] = .string("\(last.group)/\(last.name)")
        }
        return .object(answer)
    }

    static func limit(
        _ input: ScheduleInput,
        _ member: String,
        _ violations: inout ConstraintViolations
    ) throws -> Int {
        let limit = try input.integer(member) ?? 100
        let field = member.prefix(1).lowercased() + member.dropFirst()
        violations.requireRange(limit, at: field, 1...100)
        return limit
    }
}
