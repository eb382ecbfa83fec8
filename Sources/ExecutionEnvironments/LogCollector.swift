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
    /// Read but not stored yet, at an invocation's end: room for all that a pipe holds, in lines of a byte each.
    static let drainedPendingBytesMax = 8 << 20
    /// Read at once: whoever has a line of the platform's own to add waits for it.
    static let readBytesMax = 8_192
    /// What an event counts for beside its message: a flood of empty lines has a size too.
    static let eventOverheadBytes = 64

    /// What was read and is kept.
    private struct Kept {
        var events: [LogEvent] = []
        var pendingBytes = 0
        var tail: [UInt8] = []

        mutating func add(_ message: ArraySlice<UInt8>, at time: Timestamp) {
            events.append(LogEvent(timestamp: time, message: String(decoding: message, as: UTF8.self)))
            pendingBytes += message.count + eventOverheadBytes
            tail += message.suffix(tailBytesMax)
            if message.last != UInt8(ascii: "\n") { tail.append(UInt8(ascii: "\n")) }
            if tail.count > 4 * tailBytesMax { tail.removeFirst(tail.count - tailBytesMax) }
        }
    }

    private struct State {
        /// nil before `open` and after `close`.
        var pipes: LogPipes?
        var kept = Kept()
        var output = LineSplitter(eventBytesMax: eventBytesMax)
        var telemetry = TelemetryFrames(eventBytesMax: eventBytesMax)
        var extensions = LineSplitter(eventBytesMax: eventBytesMax)
        var isPaused = false
    }

    private let state = Mutex(State())
    private let reactor: DescriptorReactor
    private let filter: ApplicationLogFilter
    private let now: @Sendable () -> Timestamp
    /// Hears of every event that is kept: whether it is an extension's, and its time.
    ///
    /// Must not call this collector.
    private let listener: @Sendable (_ isExtension: Bool, ArraySlice<UInt8>, Timestamp) -> Void
    private let watches = Mutex<[Watch]>([])
    /// The pipes' descriptors while they are open: who asks only how much is in them need not wait for who reads.
    private let readable = Mutex<[CInt]>([])

    /// Of what the function writes, events below `levelMin` are left out (JSON format); nil for none.
    package init(
        reactor: DescriptorReactor,
        levelMin: LogLevel? = nil,
        now: @escaping @Sendable () -> Timestamp,
        listener: @escaping @Sendable (_ isExtension: Bool, ArraySlice<UInt8>, Timestamp) -> Void = { _, _, _ in }
    ) {
        self.reactor = reactor
        filter = ApplicationLogFilter(levelMin: levelMin)
        self.now = now
        self.listener = listener
    }

    /// Begins to read from these pipes, which belong to the collector from here on, unless it throws; once.
    func open(_ pipes: LogPipes) throws(SyscallError) {
        state.withLock { state in
            precondition(state.pipes == nil, "a collector reads the same pipes for all its life")
            state.pipes = pipes
        }
        readable.withLock { $0 = pipes.all.map(\.read) }
        do throws(SyscallError) {
            try watch()
        } catch {
            cancelWatches()
            readable.withLock { $0 = [] }
            state.withLock { $0.pipes = nil }
            throw error
        }
    }

    private func cancelWatches() {
        for watch in watches.withLock({ watches in
            defer { watches = [] }
            return watches
        }) { watch.cancel() }
    }

    /// For processes to write to; kept open so that a rerun writes to the same pipes.
    var pipes: LogPipes {
        guard let pipes = state.withLock({ $0.pipes }) else { preconditionFailure("opened before anything runs") }
        return pipes
    }

    private func watch() throws(SyscallError) {
        for descriptor in state.withLock({ $0.pipes?.all ?? [] }).map(\.read) {
            let watch = try reactor.watchResting(descriptor) { [weak self] in self?.readSome(descriptor) ?? .end }
            watches.withLock { $0.append(watch) }
        }
    }

    /// Called when nothing writes any more.
    package func close() {
        cancelWatches()
        readable.withLock { $0 = [] }
        state.withLock { $0.pipes.take() }?.close()
    }

    // MARK: - Reading

    /// Rests once there is no more: an invocation that is brief writes its next lines meanwhile, and they are read at its end.
    ///
    /// Ends until `takeEvents` has made room, and `readOn`.
    private func readSome(_ descriptor: CInt) -> Watch.Next {
        state.withLock { state in
            guard state.kept.pendingBytes < Self.pendingBytesMax else {
                state.isPaused = true
                return .end
            }
            let count = read(descriptor, bytesMax: Self.readBytesMax, into: &state)
            return count < Self.readBytesMax ? .rest : .goOn
        }
    }

    /// Bytes read; zero when there is nothing now.
    private func read(_ descriptor: CInt, bytesMax: Int, into state: inout State) -> Int {
        var buffer = [UInt8](repeating: 0, count: bytesMax)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        // The write ends are ours as well, so the end of a pipe is not seen: only EAGAIN.
        guard count > 0 else { return 0 }
        let bytes = buffer[..<count]
        let time = now()
        switch descriptor {
        case state.pipes?.output.read: state.output.append(bytes) { keep($0, readAt: time, in: &state.kept) }
        case state.pipes?.extensions.read:
            state.extensions.append(bytes) { keep($0, readAt: time, isExtension: true, in: &state.kept) }
        default:
            state.telemetry.append(bytes) { message, frame in
                // Some clients end a frame's message with a newline, ours does not; the frame is the event either way.
                let line = message.last == UInt8(ascii: "\n") ? message.dropLast() : message
                keep(line, frame: frame, readAt: time, in: &state.kept)
            }
        }
        return count
    }

    private func keep(
        _ line: ArraySlice<UInt8>,
        frame: TelemetryFrames.Frame? = nil,
        readAt time: Timestamp,
        isExtension: Bool = false,
        in kept: inout Kept
    ) {
        guard let time = filter.time(of: line, frame: frame, readAt: time) else { return }
        kept.add(line, at: time)
        listener(isExtension, line, time)
    }

    /// Written and not read yet; waits for nobody who reads.
    var waitingBytes: Int {
        readable.withLock { $0.reduce(0) { $0 + max(0, Int(clinux_readable_bytes($1))) } }
    }

    /// Reads all that has been written so far, and ends a line that has no end yet.
    ///
    /// Not what is written meanwhile: a process left behind could keep this from ever ending. Of each pipe no more than
    /// `bytesMax`, for who has seen by `waitingBytes` that there is no more than that of what it waits for.
    package func drain(bytesMax: Int = .max) {
        state.withLock { state in
            for descriptor in bytesMax > 0 ? (state.pipes?.all ?? []).map(\.read) : [] {
                var left = min(Int(clinux_readable_bytes(descriptor)), bytesMax)
                while left > 0, state.kept.pendingBytes < Self.drainedPendingBytesMax {
                    let count = read(descriptor, bytesMax: min(left, 65_536), into: &state)
                    guard count > 0 else { break }
                    left -= count
                }
            }
            let time = now()
            state.output.flush { keep($0, readAt: time, in: &state.kept) }
            state.extensions.flush { keep($0, readAt: time, isExtension: true, in: &state.kept) }
        }
    }

    // MARK: - The environment's side

    /// A line of the platform's own.
    package func add(platformLine line: String) {
        let time = now()
        state.withLock { $0.kept.add(Array(line.utf8)[...], at: time) }
    }

    /// The last 4 KB since it was called last: of an invocation, and of the initialisation before it.
    package func takeTail() -> [UInt8] {
        state.withLock { state in
            defer { state.kept.tail = [] }
            return Array(state.kept.tail.suffix(Self.tailBytesMax))
        }
    }

    /// What has come since the last call, for the log store.
    package func takeEvents() -> [LogEvent] {
        state.withLock { state in
            defer { (state.kept.events, state.kept.pendingBytes) = ([], 0) }
            return state.kept.events
        }
    }

    /// Goes on with reading if it had stopped until events were taken.
    package func readOn() throws(SyscallError) {
        let wasPaused = state.withLock { state in
            defer { state.isPaused = false }
            return state.isPaused
        }
        guard wasPaused else { return }
        cancelWatches()
        try watch()
    }
}
