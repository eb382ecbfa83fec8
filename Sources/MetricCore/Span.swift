// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// A stretch of an invocation's time, as OpenTelemetry has it.
package struct Span: Equatable, Sendable {
    package enum Kind: Int, Sendable {
        case inside = 1
        /// Of a request of somebody else's.
        case server = 2
    }

    package enum Value: Equatable, Sendable {
        case text(String)
        case integer(Int)
        case flag(Bool)
    }

    /// 32 and 16 hexadecimal digits.
    package var traceID: String
    package var id: String
    package var parent: String?
    package var name: String
    package var kind: Kind
    /// Nanoseconds since 1970.
    package var start: Int64
    package var end: Int64
    package var attributes: [(name: String, value: Value)] = []
    /// nil where all went well.
    package var error: String?
    /// ARN, without a qualifier: what is shown as the service.
    package var function: String
    package var service: String

    package init(
        traceID: String,
        id: String,
        parent: String?,
        name: String,
        kind: Kind = .inside,
        start: Int64,
        end: Int64,
        function: String,
        service: String
    ) {
        self.traceID = traceID
        self.id = id
        self.parent = parent
        self.name = name
        self.kind = kind
        self.start = start
        self.end = max(start, end)
        self.function = function
        self.service = service
    }

    package static func == (left: Span, right: Span) -> Bool {
        left.traceID == right.traceID && left.id == right.id && left.name == right.name && left.start == right.start
            && left.end == right.end
    }
}

/// Spans that wait for a collector, a bounded number: of more the newest are dropped, and counted.
package final class SpanBuffer: Sendable {
    private struct State {
        var spans: [Span] = []
        var dropped = 0
        var sent = 0
    }

    /// Some 10 MB.
    package static let countMax = 16_384

    private let countMax: Int
    private let state = Mutex(State())

    package init(countMax: Int = countMax) { self.countMax = countMax }

    /// All of them or none: a trace with holes is worse than none.
    package func add(_ spans: [Span]) {
        state.withLock { state in
            guard state.spans.count + spans.count <= countMax else { return state.dropped += spans.count }
            state.spans += spans
        }
    }

    /// A refused invocation's: refusals cost their caller nothing, and leave room for what ran, of every account.
    package func addRefused(_ span: Span) {
        state.withLock { state in
            guard state.spans.count < countMax / 4 else { return state.dropped += 1 }
            state.spans.append(span)
        }
    }

    /// The oldest, at most so many.
    package func take(_ count: Int) -> [Span] {
        state.withLock { state in
            let taken = Array(state.spans.prefix(count))
            state.spans.removeFirst(taken.count)
            return taken
        }
    }

    package func sent(_ count: Int, dropped: Int = 0) {
        state.withLock { state in
            state.sent += count
            state.dropped += dropped
        }
    }

    package var counts: (waiting: Int, sent: Int, dropped: Int) {
        state.withLock { ($0.spans.count, $0.sent, $0.dropped) }
    }
}
