// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
package import LambdaModel
package import LinuxSandbox
package import LogStore
import Synchronization

/// What one environment writes: its standard output line by line, its telemetry log frame by frame, and the platform's own lines.
///
/// Everything in it is the function's and hostile: lines are bounded and split, frames are checked, and when more is waiting than
/// `pendingBytesMax` the pipes are not read, so that a flood slows the function down and not the server.
package final class LogCollector: Sendable {
    /// CloudWatch Logs' own limit for an event, less its overhead.
    static let eventBytesMax = 256 * 1_024 - 26
    /// Read but not stored yet.
    static let pendingBytesMax = 2 << 20
    /// Of an invocation's log in the answer with LogType Tail.
    static let tailBytesMax = 4_096
    /// What one drain at an invocation's end reads at the most; the rest is the next drain's.
    static let drainBytesMax = 8 << 20

    private struct State {
        var events: [LogEvent] = []
        var pendingBytes = 0
        var tail: [UInt8] = []
        var output = LineSplitter(eventBytesMax: eventBytesMax)
        var telemetry = TelemetryFrames(eventBytesMax: eventBytesMax)
        var isPaused = false
    }

    private let state = Mutex(State())
    private let reactor: DescriptorReactor
    private let filter: ApplicationLogFilter
    private let now: @Sendable () -> Timestamp
    private let outputRead: CInt
    private let telemetryRead: CInt
    /// Write ends, for the runtime's process; kept open so that a rerun writes to the same pipes.
    package let outputWrite: CInt
    package let telemetryWrite: CInt
    private let watches = Mutex<[Watch]>([])

    /// Of what the function writes, events below `levelMin` are left out (JSON format); nil for none.
    package init(
        reactor: DescriptorReactor,
        levelMin: LogLevel? = nil,
        now: @escaping @Sendable () -> Timestamp
    ) throws(SyscallError) {
        self.reactor = reactor
        filter = ApplicationLogFilter(levelMin: levelMin)
        self.now = now
        // The function's own writes block, as on any terminal or file; only reading does not.
        var (outputRead, outputWrite): (CInt, CInt) = (-1, -1)
        try check("pipe", clinux_pipe(&outputRead, &outputWrite, 1))
        var (telemetryRead, telemetryWrite): (CInt, CInt) = (-1, -1)
        let second = clinux_pipe(&telemetryRead, &telemetryWrite, 1)
        guard second == 0 else {
            Glibc.close(outputRead)
            Glibc.close(outputWrite)
            throw SyscallError(call: "pipe", errno: -second)
        }
        (self.outputRead, self.outputWrite) = (outputRead, outputWrite)
        (self.telemetryRead, self.telemetryWrite) = (telemetryRead, telemetryWrite)
        try watch()
    }

    private func watch() throws(SyscallError) {
        for descriptor in [outputRead, telemetryRead] {
            let watch = try reactor.watch(descriptor) { [weak self] in self?.readSome(descriptor) ?? false }
            watches.withLock { $0.append(watch) }
        }
    }

    /// Called when nothing writes any more.
    package func close() {
        for watch in watches.withLock({ watches in
            defer { watches = [] }
            return watches
        }) { watch.cancel() }
        for descriptor in [outputRead, outputWrite, telemetryRead, telemetryWrite] { Glibc.close(descriptor) }
    }

    // MARK: - Reading

    /// False when reading stops until `takeEvents` has made room.
    private func readSome(_ descriptor: CInt) -> Bool {
        state.withLock { state in
            guard state.pendingBytes < Self.pendingBytesMax else {
                state.isPaused = true
                return false
            }
            return read(descriptor, into: &state) >= 0
        }
    }

    /// Bytes read; zero when there is nothing now.
    private func read(_ descriptor: CInt, into state: inout State) -> Int {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        // The write ends are ours as well, so the end of a pipe is not seen: only EAGAIN.
        guard count > 0 else { return 0 }
        let bytes = buffer[..<count]
        let time = now()
        if descriptor == outputRead {
            state.output.append(bytes) {
                guard let time = filter.time(of: $0, readAt: time) else { return }
                Self.add($0, at: time, to: &state.events, &state.pendingBytes, &state.tail)
            }
        } else {
            state.telemetry.append(bytes) { message, frame in
                // Some clients end a frame's message with a newline, ours does not; the frame is the event either way.
                let line = message.last == UInt8(ascii: "\n") ? message.dropLast() : message
                guard let time = filter.time(of: line, frame: frame, readAt: time) else { return }
                Self.add(line, at: time, to: &state.events, &state.pendingBytes, &state.tail)
            }
        }
        return count
    }

    private static func add(
        _ message: ArraySlice<UInt8>,
        at time: Timestamp,
        to events: inout [LogEvent],
        _ pending: inout Int,
        _ tail: inout [UInt8]
    ) {
        events.append(LogEvent(timestamp: time, message: String(decoding: message, as: UTF8.self)))
        pending += message.count + 64
        tail += message.suffix(tailBytesMax)
        if message.last != UInt8(ascii: "\n") { tail.append(UInt8(ascii: "\n")) }
        if tail.count > 4 * tailBytesMax { tail.removeFirst(tail.count - tailBytesMax) }
    }

    /// Reads all that has been written so far, and ends a line that has no end yet.
    package func drain() {
        state.withLock { state in
            var total = 0
            for descriptor in [outputRead, telemetryRead] {
                while total < Self.drainBytesMax {
                    let count = read(descriptor, into: &state)
                    guard count > 0 else { break }
                    total += count
                }
            }
            let time = now()
            state.output.flush {
                guard let time = filter.time(of: $0, readAt: time) else { return }
                Self.add($0, at: time, to: &state.events, &state.pendingBytes, &state.tail)
            }
        }
    }

    // MARK: - The environment's side

    /// A line of the platform's own.
    package func add(platformLine line: String) {
        let time = now()
        state.withLock {
            Self.add(Array(line.utf8)[...], at: time, to: &$0.events, &$0.pendingBytes, &$0.tail)
        }
    }

    /// The last 4 KB since it was called last: of an invocation, and of the initialisation before it.
    package func takeTail() -> [UInt8] {
        state.withLock { state in
            defer { state.tail = [] }
            return Array(state.tail.suffix(Self.tailBytesMax))
        }
    }

    /// What has come since the last call, for the log store; reading goes on if it had stopped.
    package func takeEvents() throws(SyscallError) -> [LogEvent] {
        let (events, wasPaused) = state.withLock { state in
            defer { (state.events, state.pendingBytes, state.isPaused) = ([], 0, false) }
            return (state.events, state.isPaused)
        }
        if wasPaused {
            for watch in watches.withLock({ watches in
                defer { watches = [] }
                return watches
            }) { watch.cancel() }
            try watch()
        }
        return events
    }
}

/// Cuts a byte stream into lines; a line longer than the limit becomes several.
struct LineSplitter {
    let eventBytesMax: Int
    private var partial: [UInt8] = []

    init(eventBytesMax: Int) { self.eventBytesMax = eventBytesMax }

    mutating func append(_ bytes: ArraySlice<UInt8>, _ emit: (ArraySlice<UInt8>) -> Void) {
        var rest = bytes
        while let newline = rest.firstIndex(of: UInt8(ascii: "\n")) {
            partial += rest[..<newline]
            rest = rest[(newline + 1)...]
            emitBounded(emit)
        }
        partial += rest
        while partial.count >= eventBytesMax {
            emit(partial[..<eventBytesMax])
            partial.removeFirst(eventBytesMax)
        }
    }

    mutating func flush(_ emit: (ArraySlice<UInt8>) -> Void) {
        if !partial.isEmpty { emitBounded(emit) }
    }

    private mutating func emitBounded(_ emit: (ArraySlice<UInt8>) -> Void) {
        var start = 0
        repeat {
            let end = min(partial.count, start + eventBytesMax)
            emit(partial[start..<end])
            start = end
        } while start < partial.count
        partial.removeAll(keepingCapacity: partial.capacity < 65_536)
    }
}

/// Reads the framed log of managed runtimes: four bytes of type, four of length, eight of microseconds since the epoch, all
/// big-endian, then the message.
///
/// The type is 0xA55A0002 (JSON) or 0xA55A0003 (text), with the level, 1 for TRACE to 6 for FATAL, above its two lowest bits.
/// The function may write to this pipe as well as the bootstrap: after a frame that is none, the rest is plain lines.
struct TelemetryFrames {
    /// What a frame says of its message.
    struct Frame: Equatable {
        var time: Timestamp
        /// nil where the type has none.
        var level: LogLevel?
    }

    private static let headerBytes = 16
    let eventBytesMax: Int
    private var buffer: [UInt8] = []
    private var plain: LineSplitter
    private var isBroken = false

    init(eventBytesMax: Int) {
        self.eventBytesMax = eventBytesMax
        plain = LineSplitter(eventBytesMax: eventBytesMax)
    }

    mutating func append(_ bytes: ArraySlice<UInt8>, _ emit: (ArraySlice<UInt8>, Frame?) -> Void) {
        guard !isBroken else { return plain.append(bytes) { emit($0, nil) } }
        buffer += bytes
        var start = 0
        while buffer.count - start >= Self.headerBytes {
            let length = Int(number(at: start + 4, bytes: 4))
            let type = number(at: start, bytes: 4)
            guard type & ~0b11101 == 0xA55A_0002, length <= 8 << 20 else {
                isBroken = true
                let rest = buffer[start...]
                buffer = []
                return plain.append(rest) { emit($0, nil) }
            }
            guard buffer.count - start >= Self.headerBytes + length else { break }
            let microseconds = number(at: start + 8, bytes: 8)
            let frame = Frame(
                time: Timestamp(millisecondsSinceEpoch: Int64(clamping: microseconds / 1_000)),
                level: Self.level(Int(type >> 2 & 0b111))
            )
            var message = buffer[(start + Self.headerBytes)..<(start + Self.headerBytes + length)]
            repeat {
                emit(message.prefix(eventBytesMax), frame)
                message = message.dropFirst(eventBytesMax)
            } while !message.isEmpty
            start += Self.headerBytes + length
        }
        buffer.removeFirst(start)
    }

    private static func level(_ code: Int) -> LogLevel? {
        let levels = LogLevel.allCases
        return (1...levels.count).contains(code) ? levels[code - 1] : nil
    }

    private func number(at index: Int, bytes: Int) -> UInt64 {
        buffer[index..<index + bytes].reduce(0) { $0 << 8 | UInt64($1) }
    }
}
