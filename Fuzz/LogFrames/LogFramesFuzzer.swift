// SPDX-License-Identifier: Apache-2.0
import LambdaModel

@testable import AWSWire

// The log's readers are compiled with this file: they are internal to a target that needs far more than they do.

private let now = Timestamp(millisecondsSinceEpoch: 1_757_462_400_000)
private let eventBytesMax = 64

/// The first byte says which pipe and filter, the second where to cut; the rest is what a function wrote.
func fuzz(_ bytes: [UInt8]) {
    let mode = bytes.first ?? 0
    let cuts = FuzzInput(Array(bytes.prefix(16)))
    let written = Array(bytes.dropFirst(2))
    let filter = ApplicationLogFilter(levelMin: mode & 2 == 0 ? nil : LogLevel.allCases[Int(mode >> 2) % 6])
    if mode & 1 == 0 { lines(written, cuts, filter) } else { frames(written, cuts, filter) }
}

private func lines(_ bytes: [UInt8], _ cuts: FuzzInput, _ filter: ApplicationLogFilter) {
    func read(_ pieces: [[UInt8]]) -> [[UInt8]] {
        var splitter = LineSplitter(eventBytesMax: eventBytesMax)
        var events: [[UInt8]] = []
        for piece in pieces { splitter.append(piece[...]) { events.append(Array($0)) } }
        splitter.flush { events.append(Array($0)) }
        return events
    }
    var cuts = cuts
    let whole = read([bytes])
    expect(whole == read(cuts.cut(bytes)), "it matters how lines are cut")
    expect(whole.allSatisfy { $0.count <= eventBytesMax }, "an event has its bounds")
    expect(whole.joined().elementsEqual(bytes.filter { $0 != UInt8(ascii: "\n") }), "something is lost or made up")
    for event in whole { check(filter.time(of: event[...], readAt: now)) }
}

private func frames(_ bytes: [UInt8], _ cuts: FuzzInput, _ filter: ApplicationLogFilter) {
    func read(_ pieces: [[UInt8]]) -> [Event] {
        var reader = TelemetryFrames(eventBytesMax: eventBytesMax)
        var events: [Event] = []
        for piece in pieces { reader.append(piece[...]) { events.append(Event(message: Array($0), frame: $1)) } }
        return events
    }
    var cuts = cuts
    let whole = read([bytes])
    expect(whole == read(cuts.cut(bytes)), "it matters how frames are cut")
    expect(whole.allSatisfy { $0.message.count <= eventBytesMax }, "an event has its bounds")
    expect(whole.reduce(0) { $0 + $1.message.count } <= bytes.count, "something is made up")
    for event in whole { check(filter.time(of: event.message[...], frame: event.frame, readAt: now)) }
}

private struct Event: Equatable {
    var message: [UInt8]
    var frame: TelemetryFrames.Frame?
}

private func check(_ time: Timestamp?) {
    guard let time else { return }
    let earliest = now.millisecondsSinceEpoch - ApplicationLogFilter.delayMax
    expect(time.millisecondsSinceEpoch >= earliest && time <= now, "a time that can't be: \(time)")
}
