// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxSandbox
import Synchronization

/// The server's end of the socket over which a blank process says that it waits, and hears whose it is; a zygote's is of the same kind.
///
/// Nothing that comes over it is believed beyond that: anything but the word that is waited for, or its end, is the process's end.
final class BlankChannel: Sendable {
    private typealias Answer = Result<[UInt8], SyscallError>

    private enum State {
        /// Nothing is to come.
        case starting
        case listening(CheckedContinuation<Answer, Never>)
        case waiting(onEnd: @Sendable () -> Void)
        case ended(SyscallError)
        case closed
    }

    private let descriptor: CInt
    private let state = Mutex(State.starting)
    private let watch = Mutex<Watch?>(nil)
    private static let ready = Array("ready".utf8)
    private static let here = Array("here ".utf8)
    private static let go = Array("go".utf8)

    /// Owns the descriptor, an end of a `ControlSocket.pair`.
    init(_ descriptor: CInt) { self.descriptor = descriptor }

    /// Returns, when the child of a zygote has come into its sandbox, the number that it has inside.
    ///
    /// - Throws: when the process ends, or has not come after `timeout`.
    func awaitArrival(on reactor: DescriptorReactor, timeout: Duration) async throws(SyscallError) -> Int32 {
        let word = try await exchange(nil, on: reactor, timeout: timeout)
        guard word.starts(with: Self.here),
            let pid = Int32(String(decoding: word.dropFirst(Self.here.count), as: UTF8.self)), pid > 1
        else { throw SyscallError(call: "blank", errno: EPROTO) }
        return pid
    }

    /// Returns when the process waits for its function; from then on `onEnd` is called, at most once, when it ends by itself.
    ///
    /// It is told the word first, if it waits for one.
    ///
    /// - Throws: when the process ends, or does not wait after `timeout`.
    func awaitReady(
        afterSaying word: [UInt8]? = nil,
        on reactor: DescriptorReactor,
        timeout: Duration,
        onEnd: @escaping @Sendable () -> Void
    ) async throws(SyscallError) {
        let answer = try await exchange(word, on: reactor, timeout: timeout)
        guard answer == Self.ready else {
            throw SyscallError(call: "blank", errno: EPROTO, subject: Self.plain(answer[...]))
        }
        try wait(onEnd: onEnd)
    }

    private func wait(onEnd: @escaping @Sendable () -> Void) throws(SyscallError) {
        let failure: SyscallError? = state.withLock { state in
            if case .ended(let error) = state { return error }
            state = .waiting(onEnd: onEnd)
            return nil
        }
        if let failure { throw failure }
    }

    /// Returns when the process, which has run a function's initialisation, may be asked for children; `onEnd` is called as with `awaitReady`.
    ///
    /// - Returns: in its own words, why it is not to be forked from; nil where it is.
    func awaitSnapshot(
        afterSaying word: [UInt8],
        on reactor: DescriptorReactor,
        timeout: Duration,
        onEnd: @escaping @Sendable () -> Void
    ) async throws(SyscallError) -> String? {
        let answer = try await exchange(word, on: reactor, timeout: timeout)
        if answer.starts(with: Self.no) {
            return Self.plain(answer.dropFirst(Self.no.count))
        }
        guard answer == Self.ready else { throw SyscallError(call: "snapshot", errno: EPROTO) }
        try wait(onEnd: onEnd)
        return nil
    }

    private static let no = Array("no ".utf8)
    private static let reasonBytesMax = 200

    /// Text of a function's that becomes a part of a line.
    private static func plain(_ bytes: ArraySlice<UInt8>) -> String {
        let scalars = String(decoding: bytes.prefix(reasonBytesMax), as: UTF8.self).unicodeScalars
        return String(String.UnicodeScalarView(scalars.map { $0.value < 0x20 || $0.value == 0x7F ? "?" : $0 }))
    }

    /// What the child of a zygote waits for when it has come.
    static var mayGoOn: [UInt8] { go }

    private func exchange(
        _ word: [UInt8]?,
        on reactor: DescriptorReactor,
        timeout: Duration
    ) async throws(SyscallError) -> [UInt8] {
        let timer = Task {
            guard (try? await Task.sleep(for: timeout)) != nil else { return }
            end(SyscallError(call: "blank", errno: ETIMEDOUT))
        }
        defer { timer.cancel() }
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Answer, Never>) in
                listen(continuation, saying: word, on: reactor)
            }
        } onCancel: {
            end(SyscallError(call: "blank", errno: ECANCELED))
        }
        return try answer.get()
    }

    private func listen(
        _ continuation: CheckedContinuation<Answer, Never>,
        saying word: [UInt8]?,
        on reactor: DescriptorReactor
    ) {
        let ended: SyscallError? = state.withLock { state in
            if case .ended(let error) = state { return error }
            state = .listening(continuation)
            return nil
        }
        if let ended { return continuation.resume(returning: .failure(ended)) }
        do throws(SyscallError) {
            if let word { try ControlSocket.send(word, to: descriptor) }
            try watch.withLock { watch throws(SyscallError) in
                guard watch == nil else { return }
                watch = try reactor.watch(descriptor) { [weak self] in self?.receive() ?? false }
            }
        } catch {
            end(error)
        }
    }

    /// False when nothing more is expected.
    private func receive() -> Bool {
        let received = try? ControlSocket.receive(from: descriptor)
        for descriptor in received?.descriptors ?? [] { Glibc.close(descriptor) }
        let listener: CheckedContinuation<Answer, Never>? = state.withLock { state in
            guard received != nil, case .listening(let continuation) = state else { return nil }
            state = .starting
            return continuation
        }
        guard let listener, let received else {
            end(SyscallError(call: "blank", errno: EPIPE))
            return false
        }
        listener.resume(returning: .success(received.bytes))
        return true
    }

    private func end(_ error: SyscallError) {
        let before = state.withLock { state in
            let before = state
            switch state {
            case .starting, .listening, .waiting: state = .ended(error)
            case .ended, .closed: break
            }
            return before
        }
        switch before {
        case .listening(let continuation): continuation.resume(returning: .failure(error))
        case .waiting(let onEnd): onEnd()
        case .starting, .ended, .closed: break
        }
    }

    /// From here on nobody hears of its end; false when it has ended already.
    func take() -> Bool {
        watch.withLock { $0.take() }?.cancel()
        return state.withLock { state in
            guard case .waiting = state else { return false }
            state = .closed
            return true
        }
    }

    /// Tells the process, which was taken, the variables of its function; once, and then `enter` follows.
    func assign(_ variables: [String]) throws(SyscallError) {
        var block: [UInt8] = []
        for variable in variables {
            block += variable.utf8
            block.append(0)
        }
        try ControlSocket.send(block, to: descriptor)
    }

    /// Tells the process that its function's code is in place; once.
    func enter() throws(SyscallError) { try ControlSocket.send(Self.go, to: descriptor) }

    /// Asks a zygote for a child; the descriptors stay the caller's.
    func request(_ bytes: [UInt8], descriptors: [CInt]) throws(SyscallError) {
        try ControlSocket.send(bytes, descriptors: descriptors, to: descriptor)
    }

    /// Nothing more is said: further requests fail, and the process sees the end after those that were made.
    ///
    /// May be called again.
    func endRequests() { shutdown(descriptor, CInt(SHUT_WR)) }

    /// May be called when nothing else is.
    func close() {
        watch.withLock { $0.take() }?.cancel()
        Glibc.close(descriptor)
    }
}
