// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import Testing

@testable import CommandLineClient

@Suite struct FollowCursorTests {
    private func line(_ id: Int, at milliseconds: Int64) -> LogLine {
        LogLine(id: String(id), timestamp: Timestamp(millisecondsSinceEpoch: milliseconds), message: "")
    }

    private func isNew(_ cursor: inout FollowCursor, _ event: LogLine) -> Bool { cursor.isNew(event) }

    @Test func `late events within the window are printed, and none twice`() {
        var cursor = FollowCursor(start: Timestamp(millisecondsSinceEpoch: 0))
        #expect(isNew(&cursor, line(1, at: 100_000)))
        #expect(isNew(&cursor, line(2, at: 95_000)))
        #expect(!isNew(&cursor, line(1, at: 100_000)))
        #expect(cursor.start.millisecondsSinceEpoch == 90_000)
    }

    @Test func `the ids that are kept stay within the window`() {
        var cursor = FollowCursor(start: Timestamp(millisecondsSinceEpoch: 0))
        for id in 0..<20_000 { #expect(isNew(&cursor, line(id, at: Int64(id) * 100))) }
        #expect(!isNew(&cursor, line(19_999, at: 1_999_900)))
        #expect(cursor.start.millisecondsSinceEpoch == 1_989_900)
    }

    @Test func `what was looked at in vain is not looked at again`() {
        var cursor = FollowCursor(start: Timestamp(millisecondsSinceEpoch: 0))
        cursor.look(endedThatBegan: nil)
        #expect(cursor.start.millisecondsSinceEpoch == 0)
        #expect(isNew(&cursor, line(1, at: 45_000)))
        cursor.look(endedThatBegan: Timestamp(millisecondsSinceEpoch: 100_000))
        #expect(cursor.start.millisecondsSinceEpoch == 40_000)
        #expect(!isNew(&cursor, line(1, at: 45_000)))
        cursor.look(endedThatBegan: Timestamp(millisecondsSinceEpoch: 90_000))
        #expect(cursor.start.millisecondsSinceEpoch == 40_000)
    }

    @Test func `a look that takes long is taken more seldom`() {
        #expect(FollowPace.pause(after: .milliseconds(1)) == .milliseconds(75))
        #expect(FollowPace.pause(after: .milliseconds(100)) == .milliseconds(400))
        #expect(FollowPace.pause(after: .seconds(9)) == .seconds(2))
    }

    @Test func `the server's clock is in its answer`() {
        let answer = Answer(status: 200, headers: ["date": "Fri, 27 Nov 2026 19:10:53 GMT"], body: [])
        #expect(answer.date?.iso8601() == "2026-11-27T19:10:53.000Z")
        #expect(Answer(status: 200, headers: ["date": "x"], body: []).date == nil)
    }

    @Test func `a terminal is not obeyed by a function's log`() {
        #expect(Terminal.harmless("a\u{1B}[2Jb\tc\nd\u{9B}e") == "a\u{FFFD}[2Jb\tc\nd\u{FFFD}e")
    }
}
