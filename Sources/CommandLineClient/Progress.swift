// SPDX-License-Identifier: Apache-2.0
import Foundation
import NIOCore
import Synchronization

/// One line that says how far something is: on the standard error, and only where that is a terminal.
///
/// It is gone when the work has ended.
final class ProgressLine: Sendable {
    private static let pause = Duration.milliseconds(50)

    private struct State {
        var shownAt: ContinuousClock.Instant?
        var isShown = false
    }

    private let title: String
    private let start = ContinuousClock.now
    private let state = Mutex(State())

    init(_ title: String) { self.title = Terminal.harmless(title) }

    /// So many of so many bytes are done.
    func show(_ done: Int, of total: Int) { show { ProgressBar.text(title, done, of: total) } }

    /// It goes on.
    func show() { show { ProgressBar.text(title, waiting: ContinuousClock.now - start) } }

    private func show(_ text: () -> String) {
        guard Terminal.isErrorInteractive else { return }
        let isDue = state.withLock { state in
            let now = ContinuousClock.now
            if let last = state.shownAt, now - last < Self.pause { return false }
            state = State(shownAt: now, isShown: true)
            return true
        }
        if isDue { Terminal.note("\r\(text())\u{1B}[K", terminator: "") }
    }

    func end() {
        let wasShown = state.withLock { state in
            defer { state = State() }
            return state.isShown
        }
        if wasShown { Terminal.note("\r\u{1B}[K", terminator: "") }
    }
}

/// The texts of a `ProgressLine`.
enum ProgressBar {
    private static let width = 30

    /// `Uploading f  [=======>                      ]  25 %  1.5 of 6.0 MB`.
    static func text(_ title: String, _ done: Int, of total: Int) -> String {
        let share = total > 0 ? min(1, max(0, Double(done) / Double(total))) : 1
        let filled = Int(share * Double(width))
        let bar =
            String(repeating: "=", count: filled) + (filled < width ? ">" : "")
            + String(repeating: " ", count: max(0, width - filled - 1))
        let percent = String(format: "%3d", Int(share * 100))
        let size = String(format: "%.1f of %.1f MB", Double(done) / 1e6, Double(total) / 1e6)
        return "\(title)  [\(bar)] \(percent) %  \(size)"
    }

    /// `Preparing f … 3 s`.
    static func text(_ title: String, waiting time: Duration) -> String {
        let seconds = time.components.seconds
        return seconds > 0 ? "\(title) … \(seconds) s" : "\(title) …"
    }
}

/// A request's body in parts, with word of each that is taken.
struct UploadParts: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    private static let partBytes = 65_536

    let bytes: ByteBuffer
    let taken: @Sendable (Int) -> Void

    struct AsyncIterator: AsyncIteratorProtocol {
        var rest: ByteBuffer
        var done = 0
        let taken: @Sendable (Int) -> Void

        mutating func next() async -> ByteBuffer? {
            taken(done)
            let count = Swift.min(rest.readableBytes, UploadParts.partBytes)
            guard count > 0, let part = rest.readSlice(length: count) else { return nil }
            done += count
            return part
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rest: bytes, taken: taken) }
}
