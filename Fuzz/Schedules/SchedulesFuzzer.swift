// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel

@testable import ScheduleCore
@testable import Schedules

/// A schedule expression in the first line, a time zone in the second, a template or a path in the third, an event in what follows.
func fuzz(_ bytes: [UInt8]) {
    let lines = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 3, omittingEmptySubsequences: false)
    let texts = lines.map { String(decoding: $0, as: UTF8.self) }
    func line(_ index: Int) -> String { index < texts.count ? texts[index] : "" }
    expression(line(0), line(1))
    template(line(2), line(3))
}

private func expression(_ text: String, _ zone: String) {
    let parsed = ScheduleExpression(text, .scheduler)
    if let rule = ScheduleExpression(text, .rules) {
        expect(rule == parsed, "what a rule may have a schedule may have")
    }
    guard let parsed else { return }
    expect(text.utf8.count <= ScheduleExpression.bytesMax, "an expression has its bounds")
    var after = Timestamp(millisecondsSinceEpoch: 1_790_000_000_000)
    var timing = ScheduleTiming(expression: parsed, zone: ZoneRules(zone) ?? .utc, anchor: after)
    timing.windowMinutes = text.utf8.count
    for _ in 0..<8 {
        guard let next = timing.next(after: after) else { break }
        expect(next > after, "an occurrence comes later")
        expect(timing.next(after: next.advanced(by: .milliseconds(-1))) == next, "an occurrence is what it is")
        let run = timing.run(of: next)
        expect(run >= next, "none runs before its time")
        if let following = timing.next(after: next) { expect(run < following, "none runs after the next one") }
        after = next
    }
    var progress = ScheduleProgress(after: Timestamp(millisecondsSinceEpoch: 1_789_000_000_000))
    let now = Timestamp(millisecondsSinceEpoch: 1_790_000_000_000)
    switch progress.turn(timing, now: now, ageMax: .seconds(86_400)) {
    case .run(let time): expect(timing.run(of: time) <= now && progress.after == time, "what runs is over")
    case .wait(let until): expect(until > now, "who waits waits")
    case .missed, .completed: break
    }
}

private func template(_ text: String, _ event: String) {
    guard let event = try? JSONValue(parsing: Array(event.utf8)) else { return }
    let key = ScheduleKey(.rule, accountID: "000000000000", region: "us-east-1", name: "r")
    if let path = JSONPath(text), path.value(in: event) == nil { expect(text != "$", "all of it is there") }
    var target = ScheduleTarget(arn: "arn")
    target.transformer = .init(paths: ["a": "$.a", "b": "$.b[0]"], template: text)
    let filled = TargetInput.payload(of: event, for: target, rule: key, received: Timestamp(millisecondsSinceEpoch: 0))
    // Values that stand for themselves leave a template JSON that was JSON with texts in their places.
    if !text.contains("<") { expect(filled == text, "what has no placeholder is as it was") }
    if JSONSyntax.failure(in: Array(text.utf8)) == nil, filled.utf8.count <= ScheduleLimits.inputBytesMax {
        expect(JSONSyntax.failure(in: Array(filled.utf8)) == nil, "within strings placeholders leave JSON what it is")
    }
}
