// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import LogStore

/// Names of groups as callers write them, and ARNs as policies see them.
enum LogsResource {
    /// nil for an ARN of something else, or of another account or region: those are not there for the caller.
    static func group(_ identifier: String, _ caller: LogsCaller) -> LogGroupKey? {
        guard identifier.hasPrefix("arn:") else {
            return LogGroupKey(accountID: caller.accountID, region: caller.region, name: identifier)
        }
        guard let arn = ARN(identifier), arn.service == "logs", arn.accountID == caller.accountID,
            arn.region == caller.region
        else { return nil }
        let parts = arn.resourceParts
        guard parts[0] == "log-group", parts.count == 2 || parts.count == 3 && parts[2] == "*" else { return nil }
        return LogGroupKey(accountID: caller.accountID, region: caller.region, name: parts[1])
    }

    static func arn(_ key: LogGroupKey) -> String {
        ARN(service: "logs", region: key.region, accountID: key.accountID, resource: "log-group:\(key.name)")
            .description
    }

    static func arn(_ key: LogGroupKey, stream: String) -> String { "\(arn(key)):log-stream:\(stream)" }
}

extension LogsService {
    /// What a policy has to allow: the operation's action on the group or the stream that it is done to.
    ///
    /// What names nothing of the caller's stands for itself: it is refused later, in its own words.
    package func access(
        _ operation: LogsOperation,
        _ input: LogsInput,
        _ caller: LogsCaller
    ) -> [(action: String, resource: String)] {
        func key(_ identifier: String?) -> LogGroupKey {
            identifier.flatMap { LogsResource.group($0, caller) }
                ?? LogGroupKey(accountID: caller.accountID, region: caller.region, name: identifier ?? "")
        }
        let named = key(input.text("logGroupName") ?? input.text("logGroupIdentifier"))
        let action = operation.action
        switch operation {
        case .describeLogGroups: return [(action, LogsResource.arn(key(nil), stream: ""))]
        case .createLogStream, .deleteLogStream, .putLogEvents, .getLogEvents:
            return [(action, LogsResource.arn(named, stream: input.text("logStreamName") ?? ""))]
        case .tagResource, .untagResource, .listTagsForResource:
            return [(action, LogsResource.arn(key(input.text("resourceArn"))))]
        case .tagLogGroup, .untagLogGroup, .listTagsLogGroup: return [(action, LogsResource.arn(named))]
        case .startLiveTail:
            // More than ten are refused later: one above the limit is enough to be asked about.
            let identifiers = Array((input.texts("logGroupIdentifiers") ?? []).prefix(11))
            // Of none at all there is one that nobody has.
            return (identifiers.isEmpty ? [""] : identifiers).map { (action, LogsResource.arn(key($0), stream: "")) }
        case .createLogGroup where input.has("tags"):
            return [(action, LogsResource.arn(named, stream: "")), ("logs:TagResource", LogsResource.arn(named))]
        default: return [(action, LogsResource.arn(named, stream: ""))]
        }
    }

    /// The group that `logGroupName` or `logGroupIdentifier` names.
    func group(_ input: inout LogsInput, _ caller: LogsCaller) throws(LogsError) -> LogGroupKey {
        let name = try input.string("logGroupName", .group)
        let identifier = try input.string("logGroupIdentifier", .identifier)
        guard name == nil || identifier == nil else {
            throw .parameter("LogGroupName and LogGroupIdentifier are mutually exclusive parameters.")
        }
        if let identifier {
            guard let key = LogsResource.group(identifier, caller) else { throw .noGroup }
            return key
        }
        if name == nil { input.missing("logGroupName") }
        return LogGroupKey(accountID: caller.accountID, region: caller.region, name: name ?? "")
    }

    /// The group that `logGroupName` names, where an operation knows nothing else.
    func namedGroup(_ input: inout LogsInput, _ caller: LogsCaller) throws(LogsError) -> LogGroupKey {
        let name = try input.required("logGroupName", .group)
        return LogGroupKey(accountID: caller.accountID, region: caller.region, name: name)
    }
}
