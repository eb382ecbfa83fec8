// SPDX-License-Identifier: Apache-2.0
import LinuxSandbox
import Testing

@testable import ExecutionEnvironments

/// Init's answer and the end of the time for it, in every order.
struct FirstAnswerTests {
    private let late = SyscallError(call: "init", errno: 110)

    @Test func `what came before the wait is given to it`() async {
        let answer = FirstAnswer()
        #expect(answer.give(.success((.allKilled, []))))
        #expect(!answer.give(.failure(late)))
        guard case .success((.allKilled, _)) = await answer.wait() else {
            Issue.record("another answer")
            return
        }
        #expect(!answer.give(.failure(late)))
    }

    @Test func `a wait ends with what comes first`() async {
        let answer = FirstAnswer()
        async let waited = answer.wait()
        #expect(answer.give(.failure(late)))
        #expect(!answer.give(.success((.allKilled, []))))
        guard case .failure(late) = await waited else {
            Issue.record("another answer")
            return
        }
    }
}
