// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOEmbedded

@testable import Egress

/// First byte 0: a query as a function sends it, 1: its bytes as a stream of messages, else: a resolver's answer to a query.
func fuzz(_ bytes: [UInt8]) {
    let rest = Array(bytes.dropFirst())
    switch bytes.first {
    case 1: stream(rest)
    case 2: answer(rest)
    default: query(rest)
    }
}

private let loop = EmbeddedEventLoop()
private let share = EgressBudget(descriptors: 16_384).share()
private let policies: [EgressPolicy] = ["none", "allow=host.martlet.internal:80", "deny=10.0.0.0/8"].map {
    (try? EgressPolicy(parsing: [$0])) ?? EgressPolicy()
}

private func query(_ bytes: [UInt8]) {
    if let query = try? DNSQuery(bytes) { check(query, bytes) }
    for policy in policies {
        let resolver = DNSResolver(loop: loop, policy: policy, resolvers: { ResolverConfiguration() }, share: share)
        var found: (answer: [UInt8], query: DNSQuery?)?
        var isDone = false
        resolver.answer(bytes).assumeIsolated().whenSuccess {
            found = $0
            isDone = true
        }
        loop.run()
        expect(isDone, "without a resolver the answer is there at once")
        guard let found else { continue }
        expect(found.answer.count >= 12 && found.answer.count <= 4_096 + 64, "an answer has its bounds")
        expect(found.answer.prefix(2).elementsEqual(bytes.prefix(2)), "an answer has the question's id")
        expect(found.answer[2] & 0x80 != 0, "an answer is none that would be answered again")
    }
}

private func check(_ query: DNSQuery, _ bytes: [UInt8]) {
    expect(query.labels.allSatisfy { (1...63).contains($0.count) }, "a label has its bounds")
    expect(query.labels.reduce(1) { $0 + $1.count + 1 } <= 255, "a name has its bounds")
    expect(bytes.dropFirst(12).starts(with: query.question), "the question is the client's")
    expect(query.question.count == query.labels.reduce(5) { $0 + $1.count + 1 }, "the question is name, type and class")
    expect(DNSQuery.datagramBytes.contains(query.datagramBytesMax), "a datagram has its bounds")
    let addresses = DNSAnswer.addresses([.v4(1), .v6(1, 2)], to: query)
    expect(addresses.count <= 12 + query.question.count + 28, "an address is one record")
    let answers = [DNSAnswer.of(.refused, to: query), addresses, DNSAnswer.truncated(addresses, to: query)]
    expect(answers.allSatisfy { DNSExchange.answers($0, query, query.id) }, "our own answers are answers")
    expect(answers.allSatisfy { (try? DNSQuery($0)) == nil }, "an answer is no query")
}

/// A query of the function's, in two bytes of length, and what the name server that was asked sent.
private func answer(_ bytes: [UInt8]) {
    guard bytes.count >= 2 else { return }
    let length = Int(bytes[0]) << 8 | Int(bytes[1])
    guard let query = try? DNSQuery(Array(bytes.dropFirst(2).prefix(length))) else { return }
    let answer = Array(bytes.dropFirst(2 + length))
    guard DNSExchange.answers(answer, query, query.id) else { return }
    expect(answer.prefix(2).elementsEqual(bytes[2..<4]), "an answer has the id asked with")
    expect(answer[2] & 0x80 != 0, "a query is no answer")
    let cut = DNSAnswer.truncated(answer, to: query)
    expect(cut.count == 12 + query.question.count && cut[2] & 0x02 != 0, "a cut answer is the question alone")
    expect(DNSExchange.answers(cut, query, query.id), "a cut answer is an answer")
}

private func stream(_ bytes: [UInt8]) {
    var cuts = FuzzInput(Array(bytes.prefix(16)))
    let whole = read([bytes])
    expect(whole == read(cuts.cut(bytes)), "it matters how messages are cut")
    let written = whole.flatMap { Array(DNSFrameDecoder.frame($0).readableBytesView) }
    expect(bytes.starts(with: written), "a message is read as it stands")
}

private func read(_ pieces: [[UInt8]]) -> [[UInt8]] {
    let channel = EmbeddedChannel(handler: ByteToMessageHandler(DNSFrameDecoder()))
    defer { _ = try? channel.finish() }
    for piece in pieces { _ = try? channel.writeInbound(ByteBuffer(bytes: piece)) }
    var messages: [[UInt8]] = []
    while let message = try? channel.readInbound(as: [UInt8].self) { messages.append(message) }
    return messages
}
