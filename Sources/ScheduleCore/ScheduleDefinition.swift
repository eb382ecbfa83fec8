// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// What a schedule or a rule was told, as it is kept: sealed.
package struct ScheduleDefinition: Codable, Equatable, Sendable {
    /// nil for a rule that has an event pattern only.
    package var expression: String?
    package var timeZone: String
    package var start: Timestamp?
    package var end: Timestamp?
    /// 0 for none.
    package var windowMinutes: Int
    package var isDeletedAfterCompletion: Bool
    package var description: String?
    package var kmsKeyARN: String?
    /// Of rules.
    package var eventPattern: String?
    package var roleARN: String?
    /// One for a schedule, up to five for a rule.
    package var targets: [ScheduleTarget]

    package init(
        expression: String? = nil,
        timeZone: String = ZoneRules.utcName,
        start: Timestamp? = nil,
        end: Timestamp? = nil,
        windowMinutes: Int = 0,
        isDeletedAfterCompletion: Bool = false,
        description: String? = nil,
        kmsKeyARN: String? = nil,
        eventPattern: String? = nil,
        roleARN: String? = nil,
        targets: [ScheduleTarget] = []
    ) {
        self.expression = expression
        self.timeZone = timeZone
        self.start = start
        self.end = end
        self.windowMinutes = windowMinutes
        self.isDeletedAfterCompletion = isDeletedAfterCompletion
        self.description = description
        self.kmsKeyARN = kmsKeyARN
        self.eventPattern = eventPattern
        self.roleARN = roleARN
        self.targets = targets
    }

    /// When it occurs, a rate counted from `anchor`; nil where it has no expression, or none that is understood.
    package func timing(of key: ScheduleKey, anchor: Timestamp) -> ScheduleTiming? {
        let isRule = key.kind == .rule
        guard let expression, let parsed = ScheduleExpression(expression, isRule ? .rules : .scheduler),
            let zone = ZoneRules(timeZone)
        else { return nil }
        return ScheduleTiming(
            expression: parsed,
            zone: zone,
            start: start,
            end: end,
            anchor: anchor,
            occursAtAnchor: !isRule,
            windowMinutes: windowMinutes,
            seed: Self.seed(key.arn)
        )
    }

    /// Whether both occur at the same times.
    package func occursLike(_ other: ScheduleDefinition) -> Bool {
        expression == other.expression && timeZone == other.timeZone && start == other.start && end == other.end
            && windowMinutes == other.windowMinutes
    }

    /// For how long an occurrence may still run that was missed: as long as the most patient of its targets says.
    package var ageMax: Duration {
        .seconds(targets.map(\.policy.ageMax).max() ?? DeliveryPolicy().ageMax)
    }

    /// FNV-1a, so that the choice within a window is the same in every run.
    package static func seed(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}

/// To whom an occurrence or an event goes, and with what.
package struct ScheduleTarget: Codable, Equatable, Sendable {
    /// Of a rule's targets; empty for a schedule's.
    package var id: String
    package var arn: String
    package var roleARN: String?
    package var input: String?
    package var inputPath: String?
    package var transformer: Transformer?
    package var policy: DeliveryPolicy
    /// Whether the policy was said, and is shown.
    package var statesPolicy: Bool
    package var deadLetterARN: String?
    /// Of FIFO queues.
    package var messageGroupID: String?

    /// What is needed to send a payload that is made already.
    package var withoutInput: ScheduleTarget {
        var target = self
        (target.input, target.inputPath, target.transformer) = (nil, nil, nil)
        return target
    }

    package struct Transformer: Codable, Equatable, Sendable {
        package var paths: [String: String]
        package var template: String

        package init(paths: [String: String], template: String) {
            self.paths = paths
            self.template = template
        }
    }

    package init(
        id: String = "",
        arn: String,
        roleARN: String? = nil,
        input: String? = nil,
        inputPath: String? = nil,
        transformer: Transformer? = nil,
        policy: DeliveryPolicy = DeliveryPolicy(),
        statesPolicy: Bool = false,
        deadLetterARN: String? = nil,
        messageGroupID: String? = nil
    ) {
        self.id = id
        self.arn = arn
        self.roleARN = roleARN
        self.input = input
        self.inputPath = inputPath
        self.transformer = transformer
        self.policy = policy
        self.statesPolicy = statesPolicy
        self.deadLetterARN = deadLetterARN
        self.messageGroupID = messageGroupID
    }
}

/// Something that is on its way to a target, or to the dead-letter queue, as it is kept: sealed.
package struct ScheduleDelivery: Codable, Equatable, Sendable {
    /// UUID: the same for every try; of schedules `<aws.scheduler.execution-id>`.
    package var id: String
    package var source: ScheduleKey
    /// Without its input.
    package var target: ScheduleTarget
    /// What is sent; of schedules with placeholders that an attempt fills in.
    package var payload: String
    /// The occurrence's own time, or the event's.
    package var occurred: Timestamp
    /// When it was to be sent, from which its age counts: later than `occurred` within a flexible time window.
    package var due: Timestamp
    /// Why it goes to the dead-letter queue; nil while it goes to the target.
    package var failure: Failure?

    package struct Failure: Codable, Equatable, Sendable {
        package var code: String
        package var message: String
        package var exhausted: DeliveryPolicy.Exhausted?
        package var retries: Int
        /// From which the dead letter's own age counts.
        package var time: Timestamp

        package init(
            code: String,
            message: String,
            exhausted: DeliveryPolicy.Exhausted?,
            retries: Int,
            time: Timestamp
        ) {
            self.code = code
            self.message = message
            self.exhausted = exhausted
            self.retries = retries
            self.time = time
        }
    }

    package init(
        id: String,
        source: ScheduleKey,
        target: ScheduleTarget,
        payload: String,
        occurred: Timestamp,
        due: Timestamp,
        failure: Failure? = nil
    ) {
        self.id = id
        self.source = source
        self.target = target.withoutInput
        self.payload = payload
        self.occurred = occurred
        self.due = due
        self.failure = failure
    }
}
