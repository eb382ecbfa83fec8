// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxSandbox
import Synchronization

/// The server's end of the socket over which a blank process says that it waits, and hears whose it is.
///
/// Nothing that comes over it is believed beyond that: anything but the one word, or its end, is the process's end.
final class BlankChannel: Sendable {
    private enum State {
        case starting(CheckedContinuation<SyscallError?, Never>?)
        case waiting(onEnd: @Sendable () -> Void)
        case ended(SyscallError)
        case closed
    }

    private let descriptor: CInt
    private let state = Mutex(State.starting(nil))
    private let watch = Mutex<Watch?>(nil)
    private static let ready = Array("ready".utf8)

    /// Owns the descriptor, an end of a `ControlSocket.pair`.
    init(_ descriptor: CInt) { self.descriptor = descriptor }

    /// Returns when the process waits for its function; from then on `onEnd` is called, at most once, when it ends by itself.
    ///
    /// - Throws: when the process ends, or does not wait after `timeout`.
    func awaitReady(
        on reactor: DescriptorReactor,
        timeout: Duration,
        onEnd: @escaping @Sendable () -> Void
    ) async throws(SyscallError) {
        let timer = Task {
            guard (try? await Task.sleep(for: timeout)) != nil else { return }
            end(SyscallError(call: "blank", errno: ETIMEDOUT))
        }
        defer { timer.cancel() }
        let failure = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<SyscallError?, Never>) in
                begin(continuation, on: reactor, onEnd: onEnd)
            }
        } onCancel: {
            end(SyscallError(call: "blank", errno: ECANCELED))
        }
        if let failure { throw failure }
    }

    private func begin(
        _ continuation: CheckedContinuation<SyscallError?, Never>,
        on reactor: DescriptorReactor,
        onEnd: @escaping @Sendable () -> Void
    ) {
        let ended: SyscallError? = state.withLock { state in
            if case .ended(let error) = state { return error }
            state = .starting(continuation)
            return nil
        }
        if let ended { return continuation.resume(returning: ended) }
        do throws(SyscallError) {
            let watch = try reactor.watch(descriptor) { [weak self] in self?.receive(onEnd) ?? false }
            self.watch.withLock { $0 = watch }
        } catch {
            end(error)
        }
    }

    /// False when nothing more is expected.
    private func receive(_ onEnd: @escaping @Sendable () -> Void) -> Bool {
        let received = try? ControlSocket.receive(from: descriptor)
        for descriptor in received?.descriptors ?? [] { Glibc.close(descriptor) }
        let isReady = received?.bytes == Self.ready
        let starter: CheckedContinuation<SyscallError?, Never>? = state.withLock { state in
            guard isReady, case .starting(let continuation) = state else { return nil }
            state = .waiting(onEnd: onEnd)
            return continuation
        }
        guard let starter else {
            end(SyscallError(call: "blank", errno: EPIPE))
            return false
        }
        starter.resume(returning: nil)
        return true
    }

    private func end(_ error: SyscallError) {
        let before = state.withLock { state in
            let before = state
            switch state {
            case .starting, .waiting: state = .ended(error)
            case .ended, .closed: break
            }
            return before
        }
        switch before {
        case .starting(let continuation): continuation?.resume(returning: error)
        case .waiting(let onEnd): onEnd()
        case .ended, .closed: break
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
    func enter() throws(SyscallError) { try ControlSocket.send(Array("go".utf8), to: descriptor) }

    /// May be called when nothing else is.
    func close() {
        watch.withLock { $0.take() }?.cancel()
        Glibc.close(descriptor)
    }
}
