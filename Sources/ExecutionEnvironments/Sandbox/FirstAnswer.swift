// SPDX-License-Identifier: Apache-2.0
import LinuxSandbox
import Synchronization

/// What a sandbox's init says first, or why it says nothing; whichever comes first is given to the one who waits.
final class FirstAnswer: Sendable {
    typealias Answer = Result<(InitReply, [CInt]), SyscallError>

    private enum State {
        case open
        case awaited(CheckedContinuation<Answer, Never>)
        case given(Answer)
        case taken
    }

    private let state = Mutex(State.open)

    /// - Returns: false where there is an answer already.
    @discardableResult func give(_ answer: Answer) -> Bool {
        let (isFirst, waiter): (Bool, CheckedContinuation<Answer, Never>?) = state.withLock { state in
            switch state {
            case .open:
                state = .given(answer)
                return (true, nil)
            case .awaited(let waiter):
                state = .taken
                return (true, waiter)
            case .given, .taken: return (false, nil)
            }
        }
        waiter?.resume(returning: answer)
        return isFirst
    }

    /// To be called once.
    func wait() async -> Answer {
        await withCheckedContinuation { continuation in
            let given: Answer? = state.withLock { state in
                guard case .given(let answer) = state else {
                    state = .awaited(continuation)
                    return nil
                }
                state = .taken
                return answer
            }
            if let given { continuation.resume(returning: given) }
        }
    }
}
