// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Synchronization
import Testing

@testable import CommandLineClient

struct StreamedOutputTests {
    private final class Written: Sendable {
        let bytes = Mutex<[UInt8]>([])
    }

    private static let chunk = EventStreamMessage.event("PayloadChunk", contentType: "a/b", payload: Array("abc".utf8))
    private static let complete = EventStreamMessage.event(
        "InvokeComplete",
        contentType: "application/json",
        payload: Array(#"{"ErrorCode":"Function.Late"}"#.utf8)
    )

    @Test func `payload is written when it comes, and the end is kept`() throws {
        let written = Written()
        let output = StreamedOutput { bytes throws(ClientError) in written.bytes.withLock { $0 += bytes } }
        try output.receive(Self.chunk.bytes + Self.chunk.bytes.prefix(20))
        #expect(written.bytes.withLock { $0 } == Array("abc".utf8))
        #expect(throws: ClientError("The server's stream ended before the invocation did.")) { try output.end() }
        try output.receive(Self.chunk.bytes.dropFirst(20) + Self.complete.bytes)
        #expect(written.bytes.withLock { $0 } == Array("abcabc".utf8))
        #expect(try output.end()["ErrorCode"]?.string == "Function.Late")
    }

    @Test func `an exception and bytes that are no stream are errors`() {
        let exception = EventStreamMessage(
            headers: [(":message-type", "exception"), (":exception-type", "ServiceException")],
            payload: []
        )
        #expect(throws: ClientError("ServiceException")) { try StreamedOutput().receive(exception.bytes) }
        #expect(throws: ClientError.self) { try StreamedOutput().receive([UInt8](repeating: 1, count: 12)) }
    }
}
