// SPDX-License-Identifier: Apache-2.0
import QueueCore
import TestSupport
import Testing

struct MessageRulesTests {
    private let standard = QueueSettings(isFIFO: false)
    private let fifo = QueueSettings(isFIFO: true)

    private func refusal(_ content: MessageContent, delay: Int? = nil, _ settings: QueueSettings) -> QueueError.Kind? {
        do {
            try MessageRules.check(content, delay: delay, settings)
            return nil
        } catch {
            return error.kind
        }
    }

    private func content(_ body: String, _ attributes: [String: MessageContent.Attribute] = [:]) -> MessageContent {
        MessageContent(body: body, attributes: attributes, senderID: "000000000000")
    }

    @Test func `bodies by size and characters`() {
        #expect(refusal(content("a\t\n\u{FFFD}\u{1F600}"), standard) == nil)
        #expect(refusal(content(""), standard) == .missingParameter)
        #expect(refusal(content("\u{0}"), standard) == .invalidMessageContents)
        #expect(refusal(content("\u{FFFF}"), standard) == .invalidMessageContents)
        let largest = String(repeating: "a", count: 1_048_576)
        #expect(refusal(content(largest), standard) == nil)
        #expect(refusal(content(largest + "a"), standard) == .invalidParameterValue)
        let beside = ["b": MessageContent.Attribute(type: "String", value: .string("c"))]
        #expect(refusal(content(String(largest.dropLast(8)), beside), standard) == nil)
        #expect(refusal(content(String(largest.dropLast(7)), beside), standard) == .invalidParameterValue)
    }

    @Test(arguments: [
        ("a", "String", "x", true), ("a.b-c_1", "String.json", "x", true), ("n", "Number", "-1.5e3", true),
        ("n", "Number", "1x", false), ("n", "Number", "nan", false), ("n", "Number", "", false),
        ("a", "String", "", false),
        ("a", "", "x", false), ("a", "Text", "x", false), ("a", "Strings", "x", false), ("a", "Binary", "x", false),
        ("", "String", "x", false), (".a", "String", "x", false), ("a..b", "String", "x", false),
        ("AWS.a", "String", "x", false), ("amazon.x", "String", "x", false), ("a b", "String", "x", false),
    ])
    func `attributes`(_ name: String, _ type: String, _ value: String, _ isGood: Bool) {
        let message = content("b", [name: .init(type: type, value: .string(value))])
        #expect(refusal(message, standard) == (isGood ? nil : .invalidParameterValue))
    }

    @Test func `ten attributes are the most, and a binary one has bytes`() {
        let eleven = Dictionary(
            uniqueKeysWithValues: (0..<11).map {
                ("a\($0)", MessageContent.Attribute(type: "Number", value: .string("1")))
            }
        )
        #expect(refusal(content("b", eleven), standard) == .invalidParameterValue)
        #expect(refusal(content("b", ["x": .init(type: "Binary.png", value: .binary([0, 255]))]), standard) == nil)
        #expect(
            refusal(content("b", ["x": .init(type: "Binary", value: .binary([]))]), standard) == .invalidParameterValue
        )
    }

    @Test func `what FIFO queues need, and what only they take`() {
        var message = content("b")
        #expect(refusal(message, fifo) == .missingParameter)
        message.groupID = "g"
        #expect(refusal(message, standard) == nil)
        #expect(refusal(message, fifo) == .invalidParameterValue)
        var byContent = fifo
        byContent.deduplicatesByContent = true
        #expect(refusal(message, byContent) == nil)
        message.deduplicationID = "d"
        #expect(refusal(message, fifo) == nil)
        #expect(refusal(message, standard) == .invalidParameterValue)
        #expect(refusal(message, delay: 1, fifo) == .invalidParameterValue)
        message.groupID = "a b"
        #expect(refusal(message, fifo) == .invalidParameterValue)
        #expect(refusal(content("b"), delay: 900, standard) == nil)
        #expect(refusal(content("b"), delay: 901, standard) == .invalidParameterValue)
    }

    @Test func `batches as a whole`() {
        func refusal(_ ids: [String]) -> QueueError.Kind? {
            do {
                try MessageRules.checkBatch(ids, entryType: "E")
                return nil
            } catch {
                return error.kind
            }
        }
        #expect(refusal(["a", "B-1_"]) == nil)
        #expect(refusal([]) == .emptyBatchRequest)
        #expect(refusal((0..<11).map(String.init)) == .tooManyEntriesInBatchRequest)
        #expect(refusal(["a", "a"]) == .batchEntryIdsNotDistinct)
        #expect(refusal(["a b"]) == .invalidBatchEntryId)
        #expect(refusal([String(repeating: "a", count: 81)]) == .invalidBatchEntryId)
    }

    @Test func `content comes back from its bytes, and from nothing else`() {
        var whole = content(
            "ü",
            ["s": .init(type: "String", value: .string("x")), "b": .init(type: "Binary", value: .binary([1, 0]))]
        )
        whole.groupID = ""
        whole.traceHeader = "Root=1"
        let bytes = whole.bytes
        #expect(MessageContent(bytes: bytes) == whole)
        for length in 0..<bytes.count { #expect(MessageContent(bytes: Array(bytes[..<length])) == nil) }
        #expect(MessageContent(bytes: bytes + [0]) == nil)
        #expect(MessageContent(bytes: [2] + bytes.dropFirst()) == nil)
    }

    @Test func `a queue by its ARN and by its URL`() {
        let key = QueueKey(accountID: "000000000000", region: "us-east-1", name: "q.fifo")
        #expect(QueueKey(arn: key.arn) == key)
        #expect(QueueKey(url: "http://localhost:4566/000000000000/q.fifo", region: "us-east-1") == key)
        #expect(QueueKey(url: "/000000000000/q.fifo", region: "us-east-1") == key)
        for url in [
            "", "q.fifo", "http://h/q.fifo", "http://h/1/q.fifo", "http://h/000000000000/q/x", "http://h/000000000000/",
        ] {
            #expect(QueueKey(url: url, region: "us-east-1") == nil)
        }
        #expect(QueueKey(arn: "arn:aws-cn:sqs:us-east-1:000000000000:q.fifo") == key)
        for arn in [
            "arn:aws:sns:us-east-1:000000000000:q", "arn:aws:sqs::000000000000:q", "arn:aws:sqs:us-east-1:0:q",
            "arn:aws:sqs:us-east-1:000000000000:", "arn:aws:sqs:us-east-1:000000000000:a:b",
            "arn::sqs:us-east-1:000000000000:q", "arn:aws:sqs:us east 1:000000000000:q", "q",
        ] {
            #expect(QueueKey(arn: arn) == nil, "\(arn)")
        }
        for name in ["", ".fifo", "a.b", "ä", String(repeating: "a", count: 81)] { #expect(!QueueKey.isName(name)) }
    }
}

struct QueueCoreTests {
    private func core(
        _ table: QueueTableInMemory,
        at now: Int64,
        _ change: (inout QueueSettings) -> Void = { _ in }
    ) -> QueueCore<QueueTableInMemory> {
        var settings = QueueSettings(isFIFO: false)
        change(&settings)
        return QueueCore(table, .init(id: 1, arn: "arn:aws:sqs:us-east-1:000000000000:q", settings: settings), now: now)
    }

    @Test func `no visibility reaches beyond twelve hours from the receive`() throws {
        var first = core(QueueTableInMemory(), at: 0)
        let sent = try first.send(messageID: "m")
        _ = try first.receive(max: 1, timeout: 43_200)
        var later = core(first.table, at: 1_000)
        #expect(throws: QueueError.self) { try later.changeVisibility(sent.id, receives: 1, timeout: 43_200) }
        _ = try later.changeVisibility(sent.id, receives: 1, timeout: 43_199)
    }

    @Test func `a message that nobody may see yet is not in flight`() throws {
        var queue = core(QueueTableInMemory(), at: 0)
        let sent = try queue.send(messageID: "m", delay: 5)
        #expect(throws: QueueError.self) { try queue.changeVisibility(sent.id, receives: 0, timeout: 1) }
        #expect(try queue.receive(max: 10).messages.isEmpty)
    }

    @Test func `a timeout of nothing gives a message out once in an answer`() throws {
        var queue = core(QueueTableInMemory(), at: 0)
        _ = try queue.send(messageID: "m")
        #expect(try queue.receive(max: 10, timeout: 0).messages.map(\.receives) == [1])
        #expect(try queue.receive(max: 10, timeout: 0).messages.map(\.receives) == [2])
    }

    @Test func `an older receive's handle deletes nothing, and says nothing`() throws {
        var queue = core(QueueTableInMemory(), at: 0)
        let sent = try queue.send(messageID: "m")
        _ = try queue.receive(max: 1, timeout: 0)
        _ = try queue.receive(max: 1, timeout: 0)
        _ = try queue.delete(sent.id, receives: 1)
        #expect(try queue.receive(max: 1).messages.count == 1)
        _ = try queue.delete(sent.id, receives: 3)
        _ = try queue.delete(sent.id, receives: 3)
        #expect(try queue.receive(max: 1).messages.isEmpty)
    }
}
