// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import ScheduleCore
import ScheduleStore

/// Whom rules send to.
extension ScheduleService {
    /// Adds targets to a rule, or puts them in the place of those with the same ids; all or none.
    func putTargets(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue? {
        let key = try ruleKey(input, caller, member: "Rule")
        var new: [ScheduleTarget] = []
        for (index, entry) in (try input.objects("Targets") ?? []).enumerated() {
            new.append(try target(entry, key, at: "targets.\(index + 1).member"))
        }
        guard !new.isEmpty, new.count <= 100, Set(new.map(\.id)).count == new.count else {
            throw ScheduleError(.validation, "Targets needs 1 to 100 entries with different Ids.")
        }
        try await changeRule(key) { [new] record in
            for target in new {
                if let index = record.definition.targets.firstIndex(where: { $0.id == target.id }) {
                    record.definition.targets[index] = target
                } else {
                    record.definition.targets.append(target)
                }
            }
            guard record.definition.targets.count <= ScheduleLimits.targetsMax else {
                throw ScheduleError(.limitExceeded, "The requested resource exceeds the maximum number allowed.")
            }
        }
        return .object(["FailedEntryCount": .integer(0), "FailedEntries": .array([])])
    }

    private func target(_ input: ScheduleInput, _ rule: ScheduleKey, at field: String) throws -> ScheduleTarget {
        var violations = ConstraintViolations()
        let id = try violations.required(input.string("Id"), at: "\(field).id")
        violations.requireName(id, at: "\(field).id", pattern: #"[\.\-_A-Za-z0-9]+"#)
        let arn = try violations.required(input.string("Arn"), at: "\(field).arn")
        violations.requireLength(arn, at: "\(field).arn", 1...1_600)
        var target = ScheduleTarget(id: id, arn: arn)
        target.roleARN = try input.string("RoleArn")
        target.input = try input.string("Input").flatMap { $0.isEmpty ? nil : $0 }
        violations.requireLength(target.input ?? "", at: "\(field).input", 0...8_192)
        target.inputPath = try input.string("InputPath").flatMap { $0.isEmpty ? nil : $0 }
        violations.requireLength(target.inputPath ?? "", at: "\(field).inputPath", 0...256)
        if let transformer = try input.object("InputTransformer") {
            let at = "\(field).inputTransformer"
            let template = try violations.required(transformer.string("InputTemplate"), at: "\(at).inputTemplate")
            violations.requireLength(template, at: "\(at).inputTemplate", 1...8_192)
            target.transformer = .init(paths: try transformer.texts("InputPathsMap") ?? [:], template: template)
        }
        violations.requireLength(target.roleARN ?? "x", at: "\(field).roleArn", 1...1_600)
        target.messageGroupID = try input.object("SqsParameters")?.string("MessageGroupId")
        let group = target.messageGroupID ?? "x"
        violations.requireLength(group, at: "\(field).sqsParameters.messageGroupId", 1...100)
        try violations.throwIfAny()
        try check(input, &target, rule)
        return target
    }

    /// What the target's values mean here.
    private func check(_ input: ScheduleInput, _ target: inout ScheduleTarget, _ rule: ScheduleKey) throws {
        let others = [
            "KinesisParameters", "RunCommandParameters", "EcsParameters", "BatchParameters", "HttpParameters",
            "RedshiftDataParameters", "SageMakerPipelineParameters", "AppSyncParameters",
        ]
        let kind = try targets.kind(target.arn, of: rule, at: "Target")
        if let other = others.first(where: input.has) {
            throw ScheduleError(.validation, "\(other) is of no use for the target \(target.arn).")
        }
        let inputs = [target.input, target.inputPath, target.transformer?.template].compactMap(\.self)
        guard inputs.count <= 1 else {
            throw ScheduleError(
                .validation,
                "Only one of Input, InputPath, or InputTransformer must be provided for target \(target.id)."
            )
        }
        if let input = target.input, let failure = JSONSyntax.failure(in: Array(input.utf8)) {
            throw ScheduleError(.validation, "JSON syntax error in input for target \(target.id): \(failure)")
        }
        let paths = target.transformer?.paths ?? [:]
        guard paths.count <= 100,
            paths.keys.allSatisfy({ !$0.hasPrefix("AWS") && ARN.isName($0) && $0.utf8.count <= 256 })
        else {
            throw ScheduleError(.validation, "Invalid InputPathsMap for target \(target.id).")
        }
        for path in [target.inputPath].compactMap(\.self) + paths.values where JSONPath(path) == nil {
            throw ScheduleError(.validation, "Invalid JSON path \(path.prefix(256)) for target \(target.id).")
        }
        if case .queue = kind { try Self.checkMessage(target.input, "Input of target \(target.id)") }
        if case .queue(_, true) = kind, target.messageGroupID == nil {
            throw ScheduleError(.validation, "SqsParameters.MessageGroupId is required for a FIFO queue.")
        }
        try readDelivery(input, &target, rule)
    }

    func removeTargets(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue? {
        let key = try ruleKey(input, caller, member: "Rule")
        let ids = try input.strings("Ids") ?? []
        guard (1...100).contains(ids.count) else {
            throw ScheduleError(.validation, "Ids needs 1 to 100 entries.")
        }
        // AWS answers with an entry for an id that is not there.
        let record = try await store.record(key)
        let known = Set(record?.definition.targets.map(\.id) ?? [])
        try await changeRule(key) { record in record.definition.targets.removeAll { ids.contains($0.id) } }
        let failed = ids.filter { !known.contains($0) }.map { id -> JSONValue in
            .object([
                "TargetId": .string(id), "ErrorCode": .string("ResourceNotFoundException"),
                "ErrorMessage": .string("Rule \(key.name) does not have any targets with the Id \(id)."),
            ])
        }
        return .object(["FailedEntryCount": .integer(failed.count), "FailedEntries": .array(failed)])
    }

    /// A rule has no more targets than a page.
    func listTargetsByRule(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue? {
        let key = try ruleKey(input, caller, member: "Rule")
        guard let record = try await store.record(key) else { throw Self.noRule(key) }
        let shown = record.definition.targets.map { target -> JSONValue in
            var members: [String: JSONValue] = ["Id": .string(target.id), "Arn": .string(target.arn)]
            members["RoleArn"] = target.roleARN.map(JSONValue.string)
            members["Input"] = target.input.map(JSONValue.string)
            members["InputPath"] = target.inputPath.map(JSONValue.string)
            members["InputTransformer"] = target.transformer.map { transformer in
                .object([
                    "InputPathsMap": .object(transformer.paths.mapValues(JSONValue.string)),
                    "InputTemplate": .string(transformer.template),
                ])
            }
            if target.statesPolicy { members["RetryPolicy"] = Self.show(target.policy) }
            members["DeadLetterConfig"] = target.deadLetterARN.map { .object(["Arn": .string($0)]) }
            members["SqsParameters"] = target.messageGroupID.map { .object(["MessageGroupId": .string($0)]) }
            return .object(members)
        }
        return .object(["Targets": .array(shown)])
    }
}
