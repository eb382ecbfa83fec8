// SPDX-License-Identifier: Apache-2.0
import AWSWire

@testable import EventPattern

/// An event pattern in the first line, an event or a record's data in what follows.
func fuzz(_ bytes: [UInt8]) {
    let end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
    let data = Array(bytes[end...].dropFirst())
    guard let text = String(validating: bytes[..<end], as: UTF8.self) else { return }
    let pattern: EventPattern
    do {
        pattern = try EventPattern(parsing: text)
    } catch {
        expect(!error.reason.isEmpty, "a refusal has a reason")
        expect(error.description.utf8.count <= 8 * text.utf8.count + 512, "a refusal has its bounds: \(error)")
        return filters(text, data, isPattern: false)
    }
    expect(pattern.root.combinations(max: 2_000) <= EventPattern.combinationsMax, "combinations have their limit")
    filters(text, data, isPattern: true)
    guard let value = try? JSONValue(parsing: Array(text.utf8)) else { return expect(false, "a pattern is JSON") }
    expect((try? EventPattern(parsing: value.text)) == pattern, "a pattern is what it is however it is written")
    guard let event = try? JSONValue(parsing: data) else { return }
    let isMatch = pattern.matches(event)
    expect(pattern.matches(event) == isMatch, "a pattern matches or not")
    guard event.object != nil else { return expect(!isMatch, "what is no object matches nothing") }
    // Also below a name, and in an array of one.
    guard let outer = try? EventPattern(.object(["w": value])) else { return }
    expect(outer.matches(.object(["w": event])) == isMatch, "an object below a name")
    expect(outer.matches(.object(["w": .array([event])])) == isMatch, "an array of one object")
    expect(outer.matches(.object(["w": .array([.array([]), .array([event, .null])])])) == isMatch, "arrays in arrays")
}

private func filters(_ text: String, _ data: [UInt8], isPattern: Bool) {
    let record = JSONValue.object(["id": .string("m"), "kinds": .array([.object(["a": .integer(1)])])])
    var passing: [String: Bool] = [:]
    for source in EventFilter.Source.allCases {
        let filter = try? EventFilter(patterns: [text], source: source)
        expect(isPattern || filter == nil, "only patterns are filters")
        passing["\(source)"] = filter?.matches(record: record, data: data)
    }
    expect((passing["sqs"] != nil) == isPattern, "each pattern is a filter for a queue")
    // Both look at `data`; a stream drops what a broker keeps.
    if passing["kinesis"] == true { expect(passing["messageBroker"] == true, "a broker keeps what a stream does") }
}
