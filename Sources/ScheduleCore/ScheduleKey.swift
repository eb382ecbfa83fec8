// SPDX-License-Identifier: Apache-2.0
import LambdaModel

/// Which schedule of EventBridge Scheduler's, or which rule of EventBridge's.
package struct ScheduleKey: Hashable, Sendable, Codable {
    package enum Kind: String, Sendable, Codable {
        case schedule
        case rule
    }

    package var kind: Kind
    /// Twelve digits.
    package var accountID: String
    package var region: String
    /// A schedule's group, or a rule's event bus.
    package var group: String
    package var name: String

    package static let defaultGroup = "default"

    package init(_ kind: Kind, accountID: String, region: String, group: String = defaultGroup, name: String) {
        self.kind = kind
        self.accountID = accountID
        self.region = region
        self.group = group
        self.name = name
    }

    package var arn: String {
        switch kind {
        case .schedule:
            ARN(service: "scheduler", region: region, accountID: accountID, resource: "schedule/\(group)/\(name)")
                .description
        case .rule: ARN(service: "events", region: region, accountID: accountID, resource: "rule/\(name)").description
        }
    }

    /// nil for what is no ARN of a rule on the default bus.
    package init?(ruleARN text: String) {
        guard let arn = ARN(text), arn.service == "events", ARN.isAccountID(arn.accountID),
            RegionName.isValid(arn.region), arn.resource.hasPrefix("rule/")
        else { return nil }
        let name = String(arn.resource.dropFirst("rule/".count))
        guard Self.isName(name) else { return nil }
        self.init(.rule, accountID: arn.accountID, region: arn.region, name: name)
    }

    /// `[0-9a-zA-Z-_.]+`, up to 64 of them.
    package static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (97...122).contains(byte | 0x20) || "-_.".utf8.contains(byte)
            }
    }
}

/// Which group of schedules.
package struct ScheduleGroupKey: Hashable, Sendable {
    package var accountID: String
    package var region: String
    package var name: String

    package init(accountID: String, region: String, name: String) {
        self.accountID = accountID
        self.region = region
        self.name = name
    }

    package var arn: String {
        ARN(service: "scheduler", region: region, accountID: accountID, resource: "schedule-group/\(name)").description
    }

    /// nil for what is no ARN of a group.
    package init?(arn text: String) {
        guard let arn = ARN(text), arn.service == "scheduler", ARN.isAccountID(arn.accountID),
            RegionName.isValid(arn.region), arn.resource.hasPrefix("schedule-group/")
        else { return nil }
        let name = String(arn.resource.dropFirst("schedule-group/".count))
        guard ScheduleKey.isName(name) else { return nil }
        self.init(accountID: arn.accountID, region: arn.region, name: name)
    }
}

/// What one server holds at the most; AWS's quotas where it has some.
package enum ScheduleLimits {
    /// Of an account in a region; AWS has a million.
    package static let schedulesMax = 100_000
    package static let groupsMax = 500
    package static let rulesMax = 300
    package static let targetsMax = 5
    package static let tagsMax = 50
    /// Of what is sent to a target, as asynchronous events are bounded.
    package static let inputBytesMax = LimitsProfile.eventPayloadBytesMax
    /// Of an account's deliveries that wait; schedules and rules wait behind them.
    package static let deliveriesMax = 10_000
    /// Of those, for one target: the others' go on where it takes nothing.
    package static let targetDeliveriesMax = 2_000
}
