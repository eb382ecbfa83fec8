// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The bytes of one response on their way from a runtime's connection to whoever asked for them.
///
/// One writer, one reader. The writer asks `whenRoom` before it reads on, so that a slow reader slows the function down
/// and what is held stays near `bufferedBytesMax`: one read of the connection may pass it. A writer that keeps to a rate
/// holds itself back there, as long as somebody reads.
package final class PayloadStream: Sendable {
    /// How the bytes came to their end.
    package enum End: Equatable, Sendable {
        case complete
        /// The function failed half way; `body` is JSON text if the runtime keeps to the rules.
        case failed(type: String, body: [UInt8])
        /// The connection ended before the body did.
        case truncated
        /// More than `LimitsProfile.streamedPayloadBytesMax`.
        case tooLarge
        /// The invocation ended first, for a reason of its own.
        case cut
    }

    private struct State {
        var buffer: [UInt8] = []
        var end: End?
        /// Nobody reads any more: what comes is thrown away.
        var isAbandoned = false
        var reader: CheckedContinuation<[UInt8]?, Never>?
        var whoWaitsForTheEnd: CheckedContinuation<End, Never>?
        var resumeWriter: (@Sendable () -> Void)?
    }

    /// The writer does not read on while the reader has left this much, in bytes.
    package static let bufferedBytesMax = 256 * 1_024

    /// As the runtime said it in the head of its response, nothing of it checked; nil where it didn't.
    package let contentType: String?
    private let state: Mutex<State>

    package init(contentType: String? = nil) {
        self.contentType = contentType
        state = Mutex(State())
    }

    /// A response that is there already, whatever its size.
    package init(whole bytes: [UInt8], contentType: String? = nil) {
        self.contentType = contentType
        state = Mutex(State(buffer: bytes, end: .complete))
    }

    // MARK: - The writer

    package func write(_ bytes: some Collection<UInt8>) {
        guard !bytes.isEmpty else { return }
        let reader = state.withLock { state -> CheckedContinuation<[UInt8]?, Never>? in
            guard state.end == nil, !state.isAbandoned else { return nil }
            guard let reader = state.reader.take() else {
                state.buffer.append(contentsOf: bytes)
                return nil
            }
            return reader
        }
        reader?.resume(returning: Array(bytes))
    }

    /// True if the writer may go on; else `resume` is called, once, when it is to ask again.
    ///
    /// One that holds itself back may go on only when the stream has its end or nobody reads any more.
    package func whenRoom(isHeldBack: Bool = false, _ resume: @escaping @Sendable () -> Void) -> Bool {
        state.withLock { state in
            if state.end != nil || state.isAbandoned { return true }
            if !isHeldBack, state.buffer.count < Self.bufferedBytesMax { return true }
            state.resumeWriter = resume
            return false
        }
    }

    /// Ends the stream after what is in it; the first end stands.
    package func close(_ end: End) {
        let woken = state.withLock { state -> (State, isFirst: Bool) in
            guard state.end == nil else { return (State(), false) }
            state.end = end
            let woken = state
            state.reader = nil
            state.whoWaitsForTheEnd = nil
            state.resumeWriter = nil
            return (woken, true)
        }
        guard woken.isFirst else { return }
        woken.0.reader?.resume(returning: nil)
        woken.0.whoWaitsForTheEnd?.resume(returning: end)
        woken.0.resumeWriter?()
    }

    // MARK: - The reader

    /// What has come since the last time, waiting for it if need be; nil at the end.
    package func next() async -> [UInt8]? {
        await withCheckedContinuation { continuation in
            let (bytes, isOver, resumeWriter) = state.withLock { state -> ([UInt8], Bool, (@Sendable () -> Void)?) in
                precondition(state.reader == nil, "a stream has one reader")
                let bytes = state.buffer
                state.buffer = []
                let isOver = state.end != nil || state.isAbandoned
                if bytes.isEmpty, !isOver { state.reader = continuation }
                return (bytes, isOver, state.resumeWriter.take())
            }
            if !bytes.isEmpty {
                continuation.resume(returning: bytes)
            } else if isOver {
                continuation.resume(returning: nil)
            }
            resumeWriter?()
        }
    }

    /// Nobody reads on: what comes is thrown away, and the writer never waits.
    package func abandon() {
        let (reader, resumeWriter) = state.withLock { state in
            state.isAbandoned = true
            state.buffer = []
            return (state.reader.take(), state.resumeWriter.take())
        }
        reader?.resume(returning: nil)
        resumeWriter?()
    }

    /// Waits for the end of the writing; the reader may still have to read.
    package func ended() async -> End {
        await withCheckedContinuation { continuation in
            let end = state.withLock { state -> End? in
                precondition(state.whoWaitsForTheEnd == nil, "one at a time waits for the end")
                if state.end == nil { state.whoWaitsForTheEnd = continuation }
                return state.end
            }
            if let end { continuation.resume(returning: end) }
        }
    }

    /// Everything up to the end; nil, and the rest thrown away, if it is more than `bytesMax`.
    package func collect(upTo bytesMax: Int) async -> [UInt8]? {
        var body: [UInt8] = []
        while let bytes = await next() {
            guard body.count + bytes.count <= bytesMax else {
                abandon()
                return nil
            }
            body += bytes
        }
        return body
    }
}

/// A stream equals itself only.
extension PayloadStream: Equatable {
    package static func == (left: PayloadStream, right: PayloadStream) -> Bool { left === right }
}
