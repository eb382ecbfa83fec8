// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Synchronization

/// The messages of a streamed invocation: payload goes to the standard output at once, the last one is kept.
final class StreamedOutput: Sendable {
    private struct State {
        var decoder = EventStreamDecoder()
        var end: [UInt8]?
    }

    private let state = Mutex(State())
    private let write: @Sendable ([UInt8]) throws(ClientError) -> Void

    init(write: @escaping @Sendable ([UInt8]) throws(ClientError) -> Void = Terminal.write) {
        self.write = write
    }

    func receive(_ bytes: some Sequence<UInt8> & Sendable) throws(ClientError) {
        let result = state.withLock { state in
            Result { () throws(ClientError) in try Self.receive(bytes, &state, write) }
        }
        try result.get()
    }

    private static func receive(
        _ bytes: some Sequence<UInt8>,
        _ state: inout State,
        _ write: ([UInt8]) throws(ClientError) -> Void
    ) throws(ClientError) {
        state.decoder.append(bytes)
        while let message = try next(&state) {
            func header(_ name: String) -> String? { message.headers.first { $0.name == name }?.value }
            switch (header(":message-type"), header(":event-type")) {
            case ("event", "PayloadChunk"): try write(message.payload)
            case ("event", "InvokeComplete"): state.end = message.payload
            case ("exception", _):
                throw ClientError(header(":exception-type") ?? "The server ended the stream with an exception.")
            default: continue
            }
        }
    }

    private static func next(_ state: inout State) throws(ClientError) -> EventStreamMessage? {
        do {
            return try state.decoder.next()
        } catch {
            throw ClientError("The server's stream can't be read: \(error).")
        }
    }

    /// What the last message says; throws when the stream had none.
    func end() throws(ClientError) -> JSONValue {
        guard let bytes = state.withLock({ $0.end }) else {
            throw ClientError("The server's stream ended before the invocation did.")
        }
        do {
            return try JSONValue(parsing: bytes)
        } catch {
            throw ClientError("The end of the server's stream is not JSON (offset \(error.offset)).")
        }
    }
}
