// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import TestSupport
import Testing

/// When a subscriber is sent what, and what becomes of that which it does not take.
@Suite struct TelemetryBufferTests {
    private static let time = Timestamp(millisecondsSinceEpoch: 0)

    private struct Subject {
        var buffer: TelemetryBuffer
        var clock = ManualClock()

        init(itemsMax: Int = 1_000, bytesMax: Int = 262_144, timeout: Duration = .seconds(1), isTold: Bool = true) {
            buffer = TelemetryBuffer(
                TelemetryBuffering(itemsMax: itemsMax, bytesMax: bytesMax, timeout: timeout),
                isTold: isTold
            )
        }

        mutating func append(_ record: String) { buffer.append(record, at: clock.now) }

        /// The batch that is to be sent now, and the attempt's number.
        mutating func sent() -> (records: [String], attempt: UInt64)? {
            guard case .send(let batch, let attempt) = buffer.due(at: clock.now, time: time) else { return nil }
            return (batch.records, attempt)
        }

        mutating func end(_ attempt: UInt64, _ delivered: Bool) {
            buffer.ended(attempt, delivered: delivered, at: clock.now)
        }
    }

    private func dropped(_ text: String?) -> (records: Int, bytes: Int)? {
        guard let text, text.contains("platform.logsDropped") else { return nil }
        func number(_ name: String) -> Int? {
            text.split(separator: "\"\(name)\":").last.flatMap { Int($0.prefix { $0.isNumber }) }
        }
        guard let records = number("droppedRecords"), let bytes = number("droppedBytes") else { return nil }
        return (records, bytes)
    }

    @Test func `a batch waits for its time`() {
        var subject = Subject()
        subject.append("a")
        subject.clock.advance(by: .milliseconds(400))
        subject.append("b")
        #expect(subject.sent() == nil)
        #expect(subject.buffer.wakeUp == MonotonicTime(nanoseconds: 1_000_000_000))
        subject.clock.advance(by: .milliseconds(600))
        #expect(subject.sent()?.records == ["a", "b"])
        #expect(subject.sent() == nil)
    }

    @Test func `a full batch does not wait`() {
        var byItems = Subject()
        for _ in 0..<999 { byItems.append("x") }
        #expect(byItems.sent() == nil)
        byItems.append("x")
        #expect(byItems.sent()?.records.count == 1_000)
        var byBytes = Subject()
        byBytes.append(String(repeating: "x", count: 262_143))
        #expect(byBytes.sent() == nil)
        byBytes.append("y")
        #expect(byBytes.sent()?.records.count == 2)
    }

    @Test func `one batch is on its way, one is gathered, the rest is lost and told with the next`() {
        var subject = Subject()
        for _ in 0..<1_000 { subject.append("first") }
        let first = subject.sent()
        for _ in 0..<1_000 { subject.append("second") }
        for _ in 0..<7 { subject.append("lost") }
        #expect(subject.sent() == nil)
        #expect(subject.buffer.bytes == 11_000)
        subject.end(first?.attempt ?? 0, true)
        let second = subject.sent()
        #expect(second?.records.count == 1_001)
        #expect(dropped(second?.records.last).map { [$0.records, $0.bytes] } == [7, 28])
        subject.end(second?.attempt ?? 0, true)
        #expect(subject.buffer.lost == .init())
        #expect(subject.buffer.wakeUp == nil)
    }

    @Test func `who does not hear of the platform is not told`() {
        var subject = Subject(isTold: false)
        for _ in 0..<1_000 { subject.append("x") }
        let first = subject.sent()
        for _ in 0..<1_001 { subject.append("x") }
        subject.end(first?.attempt ?? 0, true)
        #expect(subject.sent()?.records.allSatisfy { $0 == "x" } == true)
        #expect(subject.buffer.lost.records == 1)
    }

    @Test func `a record that is larger than a payload may be is lost`() {
        var subject = Subject()
        subject.append(String(repeating: "x", count: 524_289))
        #expect(subject.buffer.records == 0)
        subject.clock.advance(by: .seconds(1))
        #expect(dropped(subject.sent()?.records.first)?.bytes == 524_289)
    }

    @Test func `a failed batch is sent again, later each time, and lost in the end`() {
        var subject = Subject(timeout: .milliseconds(25))
        subject.append("a")
        subject.clock.advance(by: .milliseconds(25))
        var attempts = 0
        var waits: [Duration] = []
        while let sent = subject.sent() {
            #expect(sent.records == ["a"])
            attempts += 1
            subject.end(sent.attempt, false)
            guard attempts < 8, let again = subject.buffer.wakeUp else { break }
            #expect(subject.sent() == nil)
            waits.append(again - subject.clock.now)
            subject.clock.advance(to: again)
        }
        #expect(attempts == 8)
        #expect(waits == [100, 200, 400, 800, 1_600, 2_000, 2_000].map { .milliseconds($0) })
        subject.clock.advance(by: .milliseconds(25))
        let told = subject.sent()
        #expect(told?.records.count == 1)
        #expect(dropped(told?.records.first).map { [$0.records, $0.bytes] } == [1, 1])
    }

    @Test func `what told of a loss and is lost itself is told again`() {
        var subject = Subject(timeout: .milliseconds(25))
        subject.buffer.lose(10, at: subject.clock.now)
        subject.clock.advance(by: .milliseconds(25))
        for _ in 0..<8 {
            let sent = subject.sent()
            #expect(dropped(sent?.records.first)?.bytes == 10)
            subject.end(sent?.attempt ?? 0, false)
            if let again = subject.buffer.wakeUp { subject.clock.advance(to: max(again, subject.clock.now)) }
        }
        let sent = subject.sent()
        #expect(dropped(sent?.records.first).map { [$0.records, $0.bytes] } == [1, 10])
    }

    @Test func `an attempt has its time, and its answer counts however late`() {
        var subject = Subject(timeout: .milliseconds(25))
        subject.append("a")
        subject.clock.advance(by: .milliseconds(25))
        let sent = subject.sent()
        subject.clock.advance(by: .seconds(5))
        let attempt = sent?.attempt ?? 0
        #expect(subject.buffer.due(at: subject.clock.now, time: Self.time) == .abandon(attempt: attempt))
        #expect(subject.buffer.due(at: subject.clock.now, time: Self.time) == nil)
        // Its status was there before the time was up.
        subject.end(attempt, true)
        subject.end(attempt, false)
        #expect(subject.buffer.records == 0)
        #expect(subject.buffer.lost == .init())
    }

    @Test func `while the environment is frozen nothing is sent and no time passes`() {
        var subject = Subject(timeout: .milliseconds(25))
        subject.append("a")
        subject.clock.advance(by: .milliseconds(25))
        let first = subject.sent()
        subject.clock.advance(by: .seconds(4))
        subject.buffer.pause(at: subject.clock.now)
        subject.append("b")
        subject.clock.advance(by: .seconds(3_600))
        #expect(subject.buffer.due(at: subject.clock.now, time: Self.time) == nil)
        #expect(subject.buffer.wakeUp == nil)
        subject.buffer.resume(at: subject.clock.now)
        #expect(subject.buffer.due(at: subject.clock.now, time: Self.time) == nil)
        #expect(subject.buffer.wakeUp == subject.clock.now + .seconds(1))
        subject.end(first?.attempt ?? 0, true)
        #expect(subject.sent()?.records == ["b"])
    }

    @Test func `at the end nothing waits for company`() {
        var subject = Subject(timeout: .seconds(30))
        subject.append("a")
        subject.buffer.flush()
        let sent = subject.sent()
        #expect(sent?.records == ["a"])
        subject.append("b")
        #expect(subject.sent() == nil)
        subject.end(sent?.attempt ?? 0, true)
        #expect(subject.sent()?.records == ["b"])
    }
}
