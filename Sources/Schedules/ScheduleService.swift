// SPDX-License-Identifier: Apache-2.0
package import AWSWire
package import LambdaModel
package import Logging
import ScheduleCore
package import ScheduleStore

/// Who asks, where.
package struct ScheduleCaller: Sendable {
    package var accountID: String
    package var region: String

    package init(accountID: String, region: String) {
        self.accountID = accountID
        self.region = region
    }
}

/// The operations of EventBridge Scheduler and EventBridge over their store.
package struct ScheduleService: Sendable {
    let store: ScheduleStore
    let bell: ScheduleBell
    let targets: ScheduleTargets
    let now: @Sendable () -> Timestamp
    let logger: Logger

    package init(
        store: ScheduleStore,
        bell: ScheduleBell,
        targets: ScheduleTargets,
        now: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.store = store
        self.bell = bell
        self.targets = targets
        self.now = now
        self.logger = logger
    }

    /// Does what an operation of EventBridge Scheduler's asks for.
    ///
    /// - Throws: `ScheduleError` and `LambdaError` for every refusal.
    package func perform(
        _ operation: ScheduleOperation,
        _ input: ScheduleInput,
        _ caller: ScheduleCaller
    ) async throws -> JSONValue {
        try await withStore {
            switch operation {
            case .createSchedule: try await createSchedule(input, caller)
            case .getSchedule: try await getSchedule(input, caller)
            case .updateSchedule: try await updateSchedule(input, caller)
            case .deleteSchedule: try await deleteSchedule(input, caller)
            case .listSchedules: try await listSchedules(input, caller)
            case .createScheduleGroup: try await createScheduleGroup(input, caller)
            case .getScheduleGroup: try await getScheduleGroup(input, caller)
            case .deleteScheduleGroup: try await deleteScheduleGroup(input, caller)
            case .listScheduleGroups: try await listScheduleGroups(input, caller)
            case .tagResource: try await tagGroup(input, caller)
            case .untagResource: try await untagGroup(input, caller)
            case .listTagsForResource: try await listTagsOfGroup(input, caller)
            }
        }
    }

    /// Does what an operation of EventBridge's asks for.
    ///
    /// - Returns: the answer's JSON; nil where it has none.
    /// - Throws: `ScheduleError` and `LambdaError` for every refusal.
    package func perform(
        _ operation: RuleOperation,
        _ input: ScheduleInput,
        _ caller: ScheduleCaller
    ) async throws -> JSONValue? {
        try await withStore {
            switch operation {
            case .putRule: return try await putRule(input, caller)
            case .describeRule: return try await describeRule(input, caller)
            case .listRules: return try await listRules(input, caller)
            case .deleteRule: try await deleteRule(input, caller)
            case .enableRule: try await setState(input, caller, isEnabled: true)
            case .disableRule: try await setState(input, caller, isEnabled: false)
            case .putTargets: return try await putTargets(input, caller)
            case .removeTargets: return try await removeTargets(input, caller)
            case .listTargetsByRule: return try await listTargetsByRule(input, caller)
            case .listRuleNamesByTarget: return try await listRuleNamesByTarget(input, caller)
            case .tagResource: return try await tagRule(input, caller)
            case .untagResource: return try await untagRule(input, caller)
            case .listTagsForResource: return try await listTagsOfRule(input, caller)
            case .putEvents: return try await putEvents(input, caller)
            case .testEventPattern: return try testEventPattern(input)
            }
            return nil
        }
    }

    /// Shows what the store and the checks of members refuse as the service's own exceptions.
    private func withStore<T>(_ body: () async throws -> T) async throws -> T {
        do { return try await body() } catch ScheduleStoreError.diskFull {
            throw ScheduleError(.internalServer, "The server's disk is full; nothing was written.")
        } catch let error as ScheduleStoreError {
            logger.error("schedules could not be read or written", metadata: ["cause": "\(error)"])
            throw ScheduleError(.internalServer, "The server could not read or write its schedules.")
        } catch LambdaError.validation(let message) {
            throw ScheduleError(.validation, message)
        }
    }

    /// Says of a row that it is left out.
    var unreadable: @Sendable (Int64) -> Void {
        { [logger] row in
            logger.error("a schedule was left out: it was changed since it was stored", metadata: ["row": "\(row)"])
        }
    }

    // MARK: What both services have

    static func list(_ tags: [String: String]) -> JSONValue {
        .array(
            tags.sorted { $0.key < $1.key }.map { .object(["Key": .string($0.key), "Value": .string($0.value)]) }
        )
    }

    static func merged(_ tags: [String: String], _ new: [String: String]) throws -> [String: String] {
        let all = tags.merging(new) { $1 }
        guard all.count <= ScheduleLimits.tagsMax else {
            throw ScheduleError(.validation, "A resource can have \(ScheduleLimits.tagsMax) tags at the most.")
        }
        return all
    }

    /// Retry policy and dead-letter queue, which both services write alike.
    func readDelivery(_ input: ScheduleInput, _ target: inout ScheduleTarget, _ source: ScheduleKey) throws {
        var violations = ConstraintViolations()
        if let policy = try input.object("RetryPolicy") {
            target.statesPolicy = true
            if let age = try policy.integer("MaximumEventAgeInSeconds") {
                violations.requireRange(age, at: "target.retryPolicy.maximumEventAgeInSeconds", DeliveryPolicy.ageRange)
                target.policy.ageMax = age
            }
            if let retries = try policy.integer("MaximumRetryAttempts") {
                violations.requireRange(
                    retries,
                    at: "target.retryPolicy.maximumRetryAttempts",
                    DeliveryPolicy.retriesRange
                )
                target.policy.retriesMax = retries
            }
        }
        try violations.throwIfAny()
        guard let deadLetters = try input.object("DeadLetterConfig")?.string("Arn") else { return }
        guard case .queue(_, let isFIFO) = try targets.kind(deadLetters, of: source, at: "DeadLetterConfig") else {
            throw ScheduleError(.validation, "DeadLetterConfig can only have the ARN of an SQS queue.")
        }
        guard !isFIFO else { throw ScheduleError(.validation, "A dead-letter queue has to be a standard queue.") }
        target.deadLetterARN = deadLetters
    }

    static func show(_ policy: DeliveryPolicy) -> JSONValue {
        .object([
            "MaximumEventAgeInSeconds": .integer(policy.ageMax), "MaximumRetryAttempts": .integer(policy.retriesMax),
        ])
    }

    /// Refuses what a function could not get: events are JSON.
    static func checkJSON(_ text: String, _ what: String) throws(ScheduleError) {
        guard text.utf8.count <= ScheduleLimits.inputBytesMax else {
            throw ScheduleError(.validation, "\(what) is larger than \(ScheduleLimits.inputBytesMax) bytes.")
        }
        if let failure = JSONSyntax.failure(in: Array(text.utf8)) {
            throw ScheduleError(.validation, "\(what) is no valid JSON: \(failure)")
        }
    }

    /// Refuses what a queue would not take.
    static func checkMessage(_ text: String?, _ what: String) throws(ScheduleError) {
        guard let text else { return }
        guard text.utf8.count <= ScheduleLimits.inputBytesMax else {
            throw ScheduleError(.validation, "\(what) is larger than \(ScheduleLimits.inputBytesMax) bytes.")
        }
        let isValid = text.unicodeScalars.allSatisfy { scalar in
            switch scalar.value {
            case 0x9, 0xA, 0xD, 0x20...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: true
            default: false
            }
        }
        guard isValid else { throw ScheduleError(.validation, "\(what) has a character that no message may have.") }
    }
}
