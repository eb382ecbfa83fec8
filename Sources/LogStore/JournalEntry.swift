// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// Which log group: the account and region it belongs to, and its name (`/aws/lambda/NAME` unless configured).
package struct LogGroupKey: Hashable, Sendable {
    package var accountID: String
    package var region: String
    package var name: String

    package init(accountID: String, region: String, name: String) {
        self.accountID = accountID
        self.region = region
        self.name = name
    }
}

/// One log line or, in JSON format, one object.
package struct LogEvent: Equatable, Sendable {
    package var timestamp: Timestamp
    package var message: String

    package init(timestamp: Timestamp, message: String) {
        self.timestamp = timestamp
        self.message = message
    }
}

/// What one invocation used, or the initialisation of a provisioned environment: the record that a bill is added up from.
package struct UsageRecord: Equatable, Sendable {
    /// `outcome` of what was no invocation, and counts as none; it has no request id either.
    package static let provisionedInit = "init"

    package var requestID: String
    package var function: FunctionKey
    /// `$LATEST` or a number.
    package var version: String
    package var startedAt: Timestamp
    package var memoryMiB: Int
    /// As measured, without init.
    package var durationMicroseconds: Int64
    package var billedMilliseconds: Int64
    /// nil when the environment was there already.
    package var initMicroseconds: Int64?
    package var maxMemoryUsedMiB: Int
    package var ephemeralStorageMiB: Int
    package var egressBytes: Int64
    package var ingressBytes: Int64
    /// `success`, `error`, `timeout` or another word for what went wrong.
    package var outcome: String
    package var architecture: Architecture
    package var executedEnvironmentID: String
    package var origin: InvocationOrigin
    /// The environment was provisioned.
    package var isProvisioned: Bool

    package init(
        requestID: String,
        function: FunctionKey,
        version: String,
        startedAt: Timestamp,
        memoryMiB: Int,
        durationMicroseconds: Int64,
        billedMilliseconds: Int64,
        initMicroseconds: Int64?,
        maxMemoryUsedMiB: Int,
        ephemeralStorageMiB: Int,
        egressBytes: Int64,
        ingressBytes: Int64,
        outcome: String,
        architecture: Architecture,
        executedEnvironmentID: String,
        origin: InvocationOrigin = .synchronous,
        isProvisioned: Bool = false
    ) {
        self.requestID = requestID
        self.function = function
        self.version = version
        self.startedAt = startedAt
        self.memoryMiB = memoryMiB
        self.durationMicroseconds = durationMicroseconds
        self.billedMilliseconds = billedMilliseconds
        self.initMicroseconds = initMicroseconds
        self.maxMemoryUsedMiB = maxMemoryUsedMiB
        self.ephemeralStorageMiB = ephemeralStorageMiB
        self.egressBytes = egressBytes
        self.ingressBytes = ingressBytes
        self.outcome = outcome
        self.architecture = architecture
        self.executedEnvironmentID = executedEnvironmentID
        self.origin = origin
        self.isProvisioned = isProvisioned
    }
}

/// What is written at once: log events of one stream, and the usage record of the invocation they belong to.
package struct JournalEntry: Equatable, Sendable {
    package var group: LogGroupKey
    package var stream: String
    package let events: [LogEvent]
    package var usage: UsageRecord?
    /// What the events count as: their messages in UTF-8, and 26 bytes each, as CloudWatch Logs counts.
    package let bytes: Int64

    package init(group: LogGroupKey, stream: String, events: [LogEvent], usage: UsageRecord?) {
        self.group = group
        self.stream = stream
        self.events = events
        self.usage = usage
        bytes = events.reduce(0) { $0 + Int64($1.message.utf8.count) + LogStore.eventOverheadBytes }
    }
}

/// A log event as it is read back.
package struct StoredLogEvent: Equatable, Sendable {
    /// Unique in the store, never used again, growing in the order of ingestion.
    package var id: Int64
    package var stream: String
    package var timestamp: Timestamp
    package var ingestionTime: Timestamp
    package var message: String
}

/// How much is kept before the oldest events are dropped.
package struct LogRetention: Equatable, Sendable {
    /// Counted as `JournalEntry` counts; the file is somewhat larger.
    package var groupBytesMax: Int64
    package var totalBytesMax: Int64

    package init(groupBytesMax: Int64 = 1 << 30, totalBytesMax: Int64 = 8 << 30) {
        self.groupBytesMax = groupBytesMax
        self.totalBytesMax = totalBytesMax
    }
}
