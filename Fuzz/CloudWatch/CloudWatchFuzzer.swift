// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel

@testable import Monitoring

/// A protocol in the first byte, the body of a request to CloudWatch in what follows.
func fuzz(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    let body = Array(bytes.dropFirst())
    let spoken: CloudWatchProtocol = [.json, .cbor, .query][Int(first) % 3]
    do throws(CloudWatchError) {
        let members = try spoken.input(body)
        let value = JSONValue.object(members)
        expect((try? JSONValue(parsing: value.bytes)) == value, "what is read is JSON")
        if spoken == .cbor { writtenAgain(value) }
        if spoken == .query { inAnyOrder(body, value) }
        try read(CloudWatchInput(members))
    } catch {
        expect(error.status == 400, "a refusal is the caller's")
        expect(error.message.utf8.count <= 4 * bytes.count + 512, "a refusal has its bounds")
        for spoken in [CloudWatchProtocol.json, .cbor, .query] {
            expect(!spoken.bytes(of: error, requestID: "r").isEmpty, "a refusal is told by every protocol")
        }
    }
}

/// As the operations read it, all members of any of them.
private func read(_ input: CloudWatchInput) throws(CloudWatchError) {
    for name in ["Namespace", "MetricName", "NextToken", "ScanBy"] {
        if let text = try input.text(name) { expect((1...1_024).contains(text.utf8.count), "a text has its bounds") }
    }
    let dimensions = try input.dimensions("Dimensions")
    expect(dimensions.keys.allSatisfy { !$0.isEmpty }, "a dimension has a name")
    _ = try (input.integer("Period"), input.integer("MaxDatapoints"), input.texts("Statistics"))
    for query in try input.structures("MetricDataQueries") {
        _ = try (query.required("Id"), query.flag("ReturnData"))
        guard let stat = try query.structure("MetricStat") else { continue }
        _ = try (stat.integer("Period"), stat.text("Stat"), stat.structure("Metric")?.dimensions("Dimensions"))
    }
    let time = try input.time("StartTime").millisecondsSinceEpoch
    expect(abs(time) <= 100_000_000_000_000, "a time has its bounds")
}

/// What can be answered is read again as it is written.
private func writtenAgain(_ value: JSONValue) {
    guard let written = answer(value) else { return }
    guard let once = CBOR.decode(CBOR.encode(written)), let again = answer(once) else {
        return expect(false, "what is written is CBOR")
    }
    expect(CBOR.decode(CBOR.encode(again)) == once, "what is read is what was written")
}

/// nil where something in it is none of an answer's.
private func answer(_ value: JSONValue) -> CloudWatchValue? {
    switch value {
    case .string(let text): return .text(text)
    case .number(let digits): return Double(digits).map { .number($0) }
    case .array(let values):
        let answers = values.compactMap(answer)
        return answers.count == values.count ? .list(answers) : nil
    case .object(let members):
        let answers = members.sorted { $0.key < $1.key }.compactMap { name, value in
            answer(value).map { CloudWatchValue.Member(name, $0) }
        }
        return answers.count == members.count ? .structure(answers) : nil
    default: return nil
    }
}

/// The order of parameters means nothing, where none is given twice.
private func inAnyOrder(_ body: [UInt8], _ value: JSONValue) {
    let pairs = body.split(separator: UInt8(ascii: "&"))
    let names = pairs.map { Array($0.prefix { $0 != UInt8(ascii: "=") }) }
    // Names in other letters may be the same.
    guard Set(names).count == names.count, body.allSatisfy({ $0 < 0x80 && !"%+".utf8.contains($0) }) else { return }
    let turned = Array(pairs.reversed().joined(separator: [UInt8(ascii: "&")]))
    let again = try? CloudWatchProtocol.query.input(turned)
    expect(again.map { JSONValue.object($0) } == value, "an order means nothing")
}
