// SPDX-License-Identifier: Apache-2.0

/// CloudWatch Logs' operations that are there, by their names in `X-Amz-Target: Logs_20140328.…`.
package enum LogsOperation: String, CaseIterable, Sendable {
    case createLogGroup = "CreateLogGroup"
    case createLogStream = "CreateLogStream"
    case deleteLogGroup = "DeleteLogGroup"
    case deleteLogStream = "DeleteLogStream"
    case deleteRetentionPolicy = "DeleteRetentionPolicy"
    case describeLogGroups = "DescribeLogGroups"
    case describeLogStreams = "DescribeLogStreams"
    case filterLogEvents = "FilterLogEvents"
    case getLogEvents = "GetLogEvents"
    case listTagsForResource = "ListTagsForResource"
    case listTagsLogGroup = "ListTagsLogGroup"
    case putLogEvents = "PutLogEvents"
    case putRetentionPolicy = "PutRetentionPolicy"
    case startLiveTail = "StartLiveTail"
    case tagLogGroup = "TagLogGroup"
    case tagResource = "TagResource"
    case untagLogGroup = "UntagLogGroup"
    case untagResource = "UntagResource"

    /// The action under which IAM knows it.
    package var action: String { "logs:\(rawValue)" }
}

/// Who asks, where.
package struct LogsCaller: Sendable {
    package var accountID: String
    package var region: String

    package init(accountID: String, region: String) {
        self.accountID = accountID
        self.region = region
    }
}
