// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import RuntimeAPI
import Synchronization
import Testing

/// Streamed responses that may pass at a rate only: here one whose next byte would come after days.
struct StreamRateTests {
    private static let rate = StreamRate(burstBytes: 128 * 1_024, bytesPerSecond: 1)
    /// One read of the connection comes ahead of its time.
    private static let passedMax = rate.burstBytes + 64 * 1_024
    private static let sentBytes = 1 << 20

    /// Reads up to the burst, then does what the test is about.
    private final class Reader: RuntimeAPIHandler {
        private let passed = Mutex(0)
        private let atBurst: @Sendable (PayloadStream) -> Void
        private let readsOn: Bool

        init(readsOn: Bool, atBurst: @escaping @Sendable (PayloadStream) -> Void) {
            self.readsOn = readsOn
            self.atBurst = atBurst
        }

        var passedBytes: Int { passed.withLock { $0 } }

        func answer(_ request: RuntimeAPIRequest) async -> RuntimeAPIAnswer {
            guard case .streamedResponse(_, let payload) = request else { return .accepted }
            while passedBytes < StreamRateTests.rate.burstBytes, let bytes = await payload.next() {
                passed.withLock { $0 += bytes.count }
            }
            atBurst(payload)
            while readsOn, let bytes = await payload.next() { passed.withLock { $0 += bytes.count } }
            return .accepted
        }
    }

    private static func head(_ size: Int) -> String {
        "POST /2018-06-01/runtime/invocation/s/response HTTP/1.1\r\nHost: x\r\nContent-Length: \(size)\r\n"
            + "Lambda-Runtime-Function-Response-Mode: streaming\r\n\r\n"
    }

    /// The answer that the runtime gets after its whole body, which is far more than the burst.
    private func sendsAll(_ reader: Reader) async throws -> String {
        try await withServer(reader, streamRate: Self.rate) { port in
            let client = try LoopbackClient(port: port)
            defer { client.close() }
            try client.send(Self.head(Self.sentBytes))
            try client.send([UInt8](repeating: 120, count: Self.sentBytes))
            return try client.readAnswer().head
        }
    }

    @Test func `a reader that leaves ends the wait for the rate`() async throws {
        let reader = Reader(readsOn: false) { $0.abandon() }
        #expect(try await sendsAll(reader).hasPrefix("HTTP/1.1 202 "))
        #expect((Self.rate.burstBytes...Self.passedMax).contains(reader.passedBytes), "\(reader.passedBytes)")
    }

    @Test func `an invocation that ends midway ends the wait for the rate`() async throws {
        let reader = Reader(readsOn: true) { $0.close(.cut) }
        #expect(try await sendsAll(reader).hasPrefix("HTTP/1.1 202 "))
        #expect((Self.rate.burstBytes...Self.passedMax).contains(reader.passedBytes), "\(reader.passedBytes)")
    }

    @Test func `what may not pass yet is not taken from the connection`() async throws {
        let runtime = RecordingRuntime()
        try await withServer(runtime, streamRate: Self.rate) { port in
            let client = try LoopbackClient(port: port)
            defer { client.close() }
            try client.send(Self.head(1 << 30))
            let part = String(repeating: "x", count: 0x10000)
            var sent = 0
            // The kernel's buffers take a few hundred KiB, then the writer waits.
            while sent < 256, client.sendsAtOnce(part) { sent += 1 }
            #expect(sent < 128, "\(sent) parts of 64 KiB were taken")
        }
        #expect(try await runtime.waits { !$0.streams.isEmpty })
        #expect(runtime.streams.map(\.end) == [.truncated])
        #expect(runtime.streams.allSatisfy { (Self.rate.burstBytes...Self.passedMax).contains($0.body.count) })
    }

    @Test func `the end of a connection is seen while it waits for the rate`() async throws {
        let runtime = RecordingRuntime()
        try await withServer(runtime, streamRate: Self.rate) { port in
            let client = try LoopbackClient(port: port)
            try client.send(Self.head(1 << 30))
            try client.send([UInt8](repeating: 120, count: Self.passedMax + 4_096))
            #expect(runtime.waitsBlocking { !$0.requests.isEmpty })
            client.close()
            #expect(runtime.waitsBlocking { !$0.streams.isEmpty })
        }
        #expect(runtime.streams.map(\.end) == [.truncated])
    }

    @Test func `a stream of the burst's size waits for nothing`() async throws {
        let runtime = RecordingRuntime()
        try await withServer(runtime, streamRate: Self.rate) { port in
            let client = try LoopbackClient(port: port)
            defer { client.close() }
            let size = Self.rate.burstBytes - 1
            try client.send(Self.head(size))
            try client.send([UInt8](repeating: 120, count: size))
            #expect(try client.readAnswer().head.hasPrefix("HTTP/1.1 202 "))
        }
        #expect(runtime.streams.map(\.body.count) == [Self.rate.burstBytes - 1])
    }
}
