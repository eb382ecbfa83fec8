// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import LambdaModel
import LogStore
import Testing

@testable import ExecutionEnvironments

/// What a function writes becomes events, however it cuts it, and whatever it claims.
struct LogReadingTests {
    private func lines(_ parts: [String], max: Int = 16) -> [String] {
        var splitter = LineSplitter(eventBytesMax: max)
        var lines: [String] = []
        for part in parts {
            splitter.append(Array(part.utf8)[...]) { lines.append(String(decoding: $0, as: UTF8.self)) }
        }
        splitter.flush { lines.append(String(decoding: $0, as: UTF8.self)) }
        return lines
    }

    @Test func `lines are put together and cut`() {
        #expect(lines(["a", "b\nc", "\n\n", "d"]) == ["ab", "c", "", "d"])
        #expect(
            lines([String(repeating: "x", count: 40) + "\n"]) == ["xxxxxxxxxxxxxxxx", "xxxxxxxxxxxxxxxx", "xxxxxxxx"]
        )
        #expect(lines([String(repeating: "x", count: 16), "y\n"]) == ["xxxxxxxxxxxxxxxx", "y"])
    }

    @Test func `a line of just the limit is one event, however it comes`() {
        let line = String(repeating: "x", count: 16)
        #expect(lines([line + "\n"]) == [line])
        #expect(lines([line, "\n"]) == [line])
        #expect(lines([line + line, "\n", "y"]) == [line, line, "y"])
    }

    private func frame(
        _ message: String,
        microseconds: UInt64 = 1_500_000,
        type: UInt32 = 0xA55A_0003
    ) -> [UInt8] {
        let bytes = Array(message.utf8)
        func bigEndian<N: FixedWidthInteger>(_ value: N) -> [UInt8] {
            withUnsafeBytes(of: value.bigEndian) { Array($0) }
        }
        return bigEndian(type) + bigEndian(UInt32(bytes.count)) + bigEndian(microseconds) + bytes
    }

    private func events(_ parts: [[UInt8]], max: Int = 1_024) -> [(String, Int64?)] {
        var frames = TelemetryFrames(eventBytesMax: max)
        var events: [(String, Int64?)] = []
        for part in parts {
            frames.append(part[...]) {
                events.append((String(decoding: $0, as: UTF8.self), $1?.time.millisecondsSinceEpoch))
            }
        }
        return events
    }

    @Test func `a frame is one event with its own time, whatever lines it has`() {
        let bytes = frame("first\nsecond") + frame("")
        for cut in 0...bytes.count {
            let events = events([Array(bytes[..<cut]), Array(bytes[cut...])])
            #expect(events.map(\.0) == ["first\nsecond", ""])
            #expect(events.map(\.1) == [1_500, 1_500])
        }
    }

    @Test func `bytes that are no frame are plain lines from there on`() {
        let events = events([
            frame("good"), Array("no frame, but long enough\n".utf8), frame("late") + Array("\n".utf8),
        ])
        #expect(events[0].0 == "good")
        #expect(events[1].0 == "no frame, but long enough" && events[1].1 == nil)
        #expect(events.count == 3)
    }

    @Test func `a frame that claims gigabytes is no frame`() {
        var bytes = frame("x")
        bytes.replaceSubrange(4..<8, with: [0xFF, 0xFF, 0xFF, 0xFF])
        #expect(events([bytes + Array("\n".utf8)]).count == 1)
    }

    /// Types as AWS's clients for Python and Node.js write them.
    @Test(
        arguments: [
            (0xA55A_0003, nil), (0xA55A_0002, nil), (0xA55A_0006, .trace), (0xA55A_000A, .debug), (0xA55A_000F, .info),
            (0xA55A_0012, .warn), (0xA55A_0017, .error), (0xA55A_001A, .fatal), (0xA55A_001F, nil),
        ] as [(UInt32, LogLevel?)]
    )
    func `a frame's type has its level`(type: UInt32, level: LogLevel?) {
        var frames = TelemetryFrames(eventBytesMax: 64)
        var seen: [TelemetryFrames.Frame?] = []
        frames.append(frame("a\nb", type: type)[...]) { seen.append($1) }
        #expect(seen == [TelemetryFrames.Frame(time: Timestamp(millisecondsSinceEpoch: 1_500), level: level)])
    }

    @Test(arguments: [0xA55A_0001, 0xA55A_0000, 0xA55A_0022, 0xA55A_8003, 0xA55B_0003] as [UInt32])
    func `another type is no frame`(type: UInt32) {
        #expect(events([frame("x", type: type) + Array("\n".utf8)]).map(\.1) == [nil])
    }

    private static let time = Timestamp(millisecondsSinceEpoch: 7)

    @Test func `a drain sees everything that was written before it, and the tail is the last 4 KB`() throws {
        let collector = try LogCollector(reactor: DescriptorReactor()) { Self.time }
        try collector.open(LogPipes.make())
        defer { collector.close() }
        collector.add(platformLine: "START\n")
        let text = Array((String(repeating: "x", count: 99) + "\n").utf8)
        for _ in 0..<100 { #expect(write(collector.pipes.output.write, text, text.count) == text.count) }
        #expect(write(collector.pipes.output.write, "no end", 6) == 6)
        collector.drain()
        collector.add(platformLine: "END\n")
        let events = collector.takeEvents()
        #expect(events.count == 103)
        #expect(events.last?.message == "END\n" && events[101].message == "no end")
        let tail = collector.takeTail()
        #expect(tail.count == 4_096)
        #expect(String(decoding: tail.suffix(11), as: UTF8.self) == "no end\nEND\n")
        #expect(collector.takeTail().isEmpty)
    }

    @Test(.timeLimit(.minutes(10)))
    func `a flood is not read beyond what is pending, and goes on when there is room`() async throws {
        let size = 1 << 20
        let collector = try LogCollector(reactor: DescriptorReactor()) { Self.time }
        try collector.open(LogPipes.make())
        defer { collector.close() }
        // On a thread of its own: it blocks until this test has taken what came before.
        let (endings, ending) = AsyncStream<Int>.makeStream()
        Thread.detachNewThread {
            let block = [UInt8](repeating: 0x0A, count: 65_536)
            var written = 0
            while written < size { written += max(0, write(collector.pipes.output.write, block, block.count)) }
            ending.yield(written)
            ending.finish()
        }
        var total = 0
        while total < size {
            let events = collector.takeEvents()
            try collector.readOn()
            #expect(events.count * 64 <= LogCollector.pendingBytesMax + 65_536 * 64)
            total += events.count
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(await endings.first { _ in true } == size)
        collector.drain()
        #expect(total + collector.takeEvents().count == size)
    }

    @Test func `a drain that is bounded leaves the rest in the pipe`() throws {
        let collector = try LogCollector(reactor: DescriptorReactor()) { Self.time }
        let text = [UInt8](repeating: 0x0A, count: 65_536)
        // As the reactor does not read what is beyond this, what is written stays where it is.
        for _ in 0...LogCollector.pendingBytesMax / 64 { collector.add(platformLine: "") }
        try collector.open(LogPipes.make())
        defer { collector.close() }
        let written = write(collector.pipes.output.write, text, text.count)
        #expect(written == text.count)
        collector.drain(bytesMax: 100)
        #expect(collector.waitingBytes == written - 100)
        let events = collector.takeEvents()
        #expect(events.count == LogCollector.pendingBytesMax / 64 + 1 + 100)
        collector.drain()
        #expect(collector.waitingBytes == 0)
        collector.close()
        #expect(collector.waitingBytes == 0)
    }

    @Test func `slots are used again, the lowest numbers first`() {
        var slots = SlotAllocator()
        #expect([slots.take(), slots.take(), slots.take()] == [0, 1, 2])
        slots.release(1)
        #expect([slots.take(), slots.take()] == [1, 3])
    }
}
