// SPDX-License-Identifier: Apache-2.0

/// One synchronous invocation as it was asked for; the way in for every caller.
package struct InvocationRequest: Sendable {
    package enum LogType: Sendable {
        case none
        /// The last 4 KB of this invocation's log come with the answer.
        case tail
    }

    /// UUID: the caller's `x-amzn-RequestId`, the function's `aws_request_id`.
    package var requestID: String
    package var function: FunctionKey
    /// Version or alias as the caller gave it; nil means `$LATEST`, with an unqualified ARN in the context.
    package var qualifier: String?
    /// Valid JSON, at most `LimitsProfile.synchronousPayloadBytesMax` bytes.
    package var payload: [UInt8]
    /// Decoded from the caller's base64: JSON text.
    package var clientContext: String?
    /// The caller's `X-Amzn-Trace-Id` as it came, if any; a `TraceHeader` once the invocation has a function to run.
    package var traceHeader: String?
    package var logType: LogType
    package var origin: InvocationOrigin
    /// Of an invocation that an OpenTelemetry collector is told of, in the trace of its header.
    package var span: InvocationSpan?

    package init(
        requestID: String,
        function: FunctionKey,
        qualifier: String? = nil,
        payload: [UInt8],
        clientContext: String? = nil,
        traceHeader: String? = nil,
        logType: LogType = .none,
        origin: InvocationOrigin = .synchronous
    ) {
        self.requestID = requestID
        self.function = function
        self.qualifier = qualifier
        self.payload = payload
        self.clientContext = clientContext
        self.traceHeader = traceHeader
        self.logType = logType
        self.origin = origin
    }
}

/// How an invocation came about.
package enum InvocationOrigin: Equatable, Sendable {
    /// Somebody waits for it.
    case synchronous
    /// An attempt of an event that nobody waits for.
    case asynchronous
    /// A batch of a queue's or stream's.
    case eventSource(records: Int)

    package var name: String {
        switch self {
        case .synchronous: "synchronous"
        case .asynchronous: "asynchronous"
        case .eventSource: "eventSource"
        }
    }

    package var records: Int {
        if case .eventSource(let records) = self { records } else { 0 }
    }
}

/// Where an invocation is in its trace.
package struct InvocationSpan: Equatable, Sendable {
    /// 16 hexadecimal digits: who invoked; nil where the trace begins with this.
    package var parent: String?
    /// When the invocation was asked for, or its attempt began.
    package var arrived: Timestamp

    package init(parent: String?, arrived: Timestamp) {
        self.parent = parent
        self.arrived = arrived
    }
}

/// What the function made of an event.
///
/// A function error is a value, not a Swift error: AWS answers 200 to it.
package enum InvocationOutcome: Equatable, Sendable {
    /// The runtime's response, byte for byte.
    case success(payload: [UInt8])
    /// `type` is AWS's word (`Runtime.ExitError`, `Sandbox.Timedout`, …); the payload is what the caller gets.
    case functionError(type: String, payload: [UInt8])

    package var payload: [UInt8] {
        switch self {
        case .success(let payload): payload
        case .functionError(_, let payload): payload
        }
    }
}

/// The answer to an `InvocationRequest`.
package struct InvocationResponse: Sendable {
    /// `$LATEST` or the version's number.
    package var executedVersion: String
    package var outcome: InvocationOutcome
    /// Plain bytes (not base64) of the log tail, when asked for.
    package var logTail: [UInt8]?
    /// What the function had as its trace header.
    package var traceHeader: String?

    package init(
        executedVersion: String,
        outcome: InvocationOutcome,
        logTail: [UInt8]?,
        traceHeader: String? = nil
    ) {
        self.executedVersion = executedVersion
        self.outcome = outcome
        self.logTail = logTail
        self.traceHeader = traceHeader
    }
}
