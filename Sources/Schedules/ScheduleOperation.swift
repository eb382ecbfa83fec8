// SPDX-License-Identifier: Apache-2.0
package import AWSWire
import LambdaModel
import ScheduleCore

/// EventBridge Scheduler's operations, by their method and path.
package enum ScheduleOperation: String, CaseIterable, Sendable {
    case createSchedule = "CreateSchedule"
    case getSchedule = "GetSchedule"
    case updateSchedule = "UpdateSchedule"
    case deleteSchedule = "DeleteSchedule"
    case listSchedules = "ListSchedules"
    case createScheduleGroup = "CreateScheduleGroup"
    case getScheduleGroup = "GetScheduleGroup"
    case deleteScheduleGroup = "DeleteScheduleGroup"
    case listScheduleGroups = "ListScheduleGroups"
    case tagResource = "TagResource"
    case untagResource = "UntagResource"
    case listTagsForResource = "ListTagsForResource"

    /// The operation, and what its path holds: a name or an ARN; nil for what is none of them.
    ///
    /// `segments` are the path's, decoded.
    package static func find(method: String, segments: [String]) -> (operation: ScheduleOperation, label: String?)? {
        guard (1...2).contains(segments.count) else { return nil }
        let label = segments.count == 2 ? segments[1] : nil
        let operation: ScheduleOperation? =
            switch (method, segments[0], label != nil) {
            case ("GET", "schedules", false): .listSchedules
            case ("POST", "schedules", true): .createSchedule
            case ("GET", "schedules", true): .getSchedule
            case ("PUT", "schedules", true): .updateSchedule
            case ("DELETE", "schedules", true): .deleteSchedule
            case ("GET", "schedule-groups", false): .listScheduleGroups
            case ("POST", "schedule-groups", true): .createScheduleGroup
            case ("GET", "schedule-groups", true): .getScheduleGroup
            case ("DELETE", "schedule-groups", true): .deleteScheduleGroup
            case ("GET", "tags", true): .listTagsForResource
            case ("POST", "tags", true): .tagResource
            case ("DELETE", "tags", true): .untagResource
            default: nil
            }
        return operation.map { ($0, label) }
    }

    /// The input of a request: its body with what stands in its path and query.
    package func input(label: String?, query: QueryParameters, body: [UInt8]) throws -> ScheduleInput {
        var input = try ScheduleInput(body: hasBody ? body : [])
        switch self {
        case .createSchedule, .updateSchedule, .createScheduleGroup, .getScheduleGroup: input.set("Name", label)
        case .getSchedule, .deleteSchedule:
            input.set("Name", label)
            input.set("GroupName", query["groupName"])
        case .deleteScheduleGroup: input.set("Name", label)
        case .listSchedules, .listScheduleGroups:
            for name in ["NamePrefix", "NextToken", "MaxResults", "State"] { input.set(name, query[name]) }
            input.set("GroupName", query["ScheduleGroup"])
        case .tagResource, .listTagsForResource: input.set("ResourceArn", label)
        case .untagResource:
            input.set("ResourceArn", label)
            input.set("TagKeys", query.values("TagKeys"))
        }
        return input
    }

    private var hasBody: Bool {
        [.createSchedule, .updateSchedule, .createScheduleGroup, .tagResource].contains(self)
    }

    /// The action under which IAM knows it, and what it is on, as the caller means it.
    package func access(_ input: ScheduleInput, accountID: String, region: String) -> (action: String, resource: String)
    {
        let resource: String
        switch self {
        case .listSchedules, .listScheduleGroups: resource = "*"
        case .createSchedule, .getSchedule, .updateSchedule, .deleteSchedule:
            resource =
                ScheduleKey(
                    .schedule,
                    accountID: accountID,
                    region: region,
                    group: input.text("GroupName") ?? ScheduleKey.defaultGroup,
                    name: input.text("Name") ?? ""
                ).arn
        case .createScheduleGroup, .getScheduleGroup, .deleteScheduleGroup:
            resource = ScheduleGroupKey(accountID: accountID, region: region, name: input.text("Name") ?? "").arn
        case .tagResource, .untagResource, .listTagsForResource:
            let arn = input.text("ResourceArn") ?? ""
            resource = ScheduleGroupKey(arn: arn)?.arn ?? arn
        }
        return ("scheduler:\(rawValue)", resource)
    }
}

/// EventBridge's operations that are here, by their names in `X-Amz-Target: AWSEvents.…`.
package enum RuleOperation: String, CaseIterable, Sendable {
    case putRule = "PutRule"
    case describeRule = "DescribeRule"
    case listRules = "ListRules"
    case deleteRule = "DeleteRule"
    case enableRule = "EnableRule"
    case disableRule = "DisableRule"
    case putTargets = "PutTargets"
    case removeTargets = "RemoveTargets"
    case listTargetsByRule = "ListTargetsByRule"
    case listRuleNamesByTarget = "ListRuleNamesByTarget"
    case tagResource = "TagResource"
    case untagResource = "UntagResource"
    case listTagsForResource = "ListTagsForResource"
    case putEvents = "PutEvents"
    case testEventPattern = "TestEventPattern"

    /// The action under which IAM knows it, and what it is on, as the caller means it.
    package func access(_ input: ScheduleInput, accountID: String, region: String) -> (action: String, resource: String)
    {
        func rule(_ member: String) -> String {
            ScheduleKey(.rule, accountID: accountID, region: region, name: input.text(member) ?? "").arn
        }
        let resource: String
        switch self {
        case .putRule, .describeRule, .deleteRule, .enableRule, .disableRule: resource = rule("Name")
        case .putTargets, .removeTargets, .listTargetsByRule: resource = rule("Rule")
        case .listRules, .listRuleNamesByTarget, .testEventPattern: resource = "*"
        case .putEvents: resource = "arn:aws:events:\(region):\(accountID):event-bus/default"
        case .tagResource, .untagResource, .listTagsForResource:
            let arn = input.text("ResourceARN") ?? ""
            resource = ScheduleKey(ruleARN: arn)?.arn ?? arn
        }
        return ("events:\(rawValue)", resource)
    }
}

extension ScheduleInput {
    /// What is named in it that the caller has to be allowed to use beside the operation's own resource: a target of a schedule stands for
    /// the role's rights, which are none here; a queue has no policy that would let the service send to it.
    package func uses(ofRule isRule: Bool) -> [(action: String, arn: String)] {
        var targets: [ScheduleInput] = []
        if isRule {
            targets = (try? objects("Targets")) ?? []
        } else if let target = try? object("Target") {
            targets = [target]
        }
        var uses: [(action: String, arn: String)] = []
        for target in targets {
            if let arn = target.text("Arn").flatMap({ ARN($0) }) {
                if arn.service == "lambda", !isRule {
                    uses.append(("lambda:InvokeFunction", arn.canonical.description))
                }
                if arn.service == "sqs" { uses.append(("sqs:SendMessage", arn.canonical.description)) }
            }
            let deadLetters = (try? target.object("DeadLetterConfig"))?.text("Arn")
            if let arn = deadLetters.flatMap({ ARN($0) }) {
                uses.append(("sqs:SendMessage", arn.canonical.description))
            }
            if let role = target.text("RoleArn") { uses.append(("iam:PassRole", role)) }
        }
        if isRule, let role = text("RoleArn") { uses.append(("iam:PassRole", role)) }
        return uses
    }
}
