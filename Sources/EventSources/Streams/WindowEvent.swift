// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore
import LambdaModel

/// What a function gets with the records of a window, and what it returns.
///
/// https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html: an answer without a state is a failed invocation, the
/// final invocation is the only one of its window, and a window ends early only where its state is too large.
struct WindowEvent {
    private let window: StreamWindow
    private let shard: String
    private let sourceARN: String
    private let isConclusion: Bool

    /// `isConclusion` is for the invocation that no record is in: the final one, or that of an early end.
    init(_ window: StreamWindow, _ shard: String, _ source: EventSourcePlan.StreamSource, isConclusion: Bool) {
        self.window = window
        self.shard = shard
        sourceARN = source.arn
        self.isConclusion = isConclusion
    }

    func bytes(_ records: [[UInt8]]) -> [UInt8] {
        let isEarly = isConclusion && window.isOverfull
        var members = Array(#","window":{"start":"\#(shown(window.start))","end":"\#(shown(window.end))"}"#.utf8)
        members += #","state":"#.utf8
        members += window.state
        members += #","shardId":"#.utf8
        members += JSONValue.string(shard).bytes
        members += #","eventSourceARN":"#.utf8
        members += JSONValue.string(sourceARN).bytes
        members += #","isFinalInvokeForWindow":\#(isConclusion && !isEarly),"isWindowTerminatedEarly":\#(isEarly)"#.utf8
        return StreamRecord.event(records, members: members)
    }

    /// Windows begin and end with whole seconds.
    private func shown(_ time: Timestamp) -> String { time.iso8601().prefix(19) + "Z" }

    /// The state in a function's answer; nil where there is none, or it is more than the event of an early end has room for.
    static func state(in payload: [UInt8]) -> [UInt8]? {
        // As it is: values built from it would be many times its size, and have narrower limits than what functions exchange.
        guard let state = try? JSONSyntax.member("state", of: payload), state.first == UInt8(ascii: "{") else {
            return nil
        }
        let roomBytes = LimitsProfile.synchronousPayloadBytesMax - StreamWindow.memberBytesMax
        return state.count <= roomBytes ? state : nil
    }
}
