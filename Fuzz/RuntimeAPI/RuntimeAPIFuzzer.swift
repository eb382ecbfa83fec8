// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import NIOCore
import NIOEmbedded
import NIOHTTP1

@testable import RuntimeAPI

/// First byte 1: what callers put into an event, as headers for the runtime; else what a runtime sends on one connection.
func fuzz(_ bytes: [UInt8]) {
    if bytes.first == 1 { return event(FuzzInput(Array(bytes.dropFirst()))) }
    SerialExecutor.install
    var cuts = FuzzInput(Array(bytes.suffix(24)))
    let whole = Conversation([bytes])
    let pieces = bytes.count <= 160 ? bytes.map { [$0] } : cuts.cut(bytes)
    let cut = Conversation(pieces)
    answers(whole.output)
    answers(cut.output)
    // More than so many requests in one read are refused, those that come one by one are not.
    let requests = String(decoding: bytes, as: UTF8.self).split(separator: "HTTP/", omittingEmptySubsequences: false)
    guard requests.count < RuntimeAPIConnection.pipelinedMax else { return }
    expect(
        whole.requests == cut.requests,
        "it matters how requests are cut: \(whole.requests) \(cut.requests)"
    )
    let go = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
    let (first, second) = (whole.output.replacing(go, with: []), cut.output.replacing(go, with: []))
    let shown = [first, second].map { String(decoding: $0, as: UTF8.self) }
    expect(first == second, "it matters for the answers how requests are cut: \(shown)")
}

/// Each is an answer of HTTP/1.1 with a length, and nothing is between them.
private func answers(_ output: [UInt8]) {
    var rest = output[...]
    while !rest.isEmpty {
        var lines: [String] = []
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = rest[..<end]
            rest = rest[(end + 1)...]
            expect(line.last == UInt8(ascii: "\r"), "a line of a head ends as lines do")
            if line.count == 1 { break }
            lines.append(String(decoding: line.dropLast(), as: UTF8.self))
        }
        expect(lines.first?.hasPrefix("HTTP/1.1 ") == true, "an answer begins with its status: \(lines)")
        guard lines.first != "HTTP/1.1 100 Continue" else { continue }
        let lengths = lines.compactMap { $0.hasPrefix("Content-Length: ") ? Int($0.dropFirst(16)) : nil }
        expect(lengths.count == 1 && lengths[0] <= rest.count, "an answer has one length: \(lines)")
        rest = rest.dropFirst(lengths[0])
    }
}

/// One connection from its beginning to its end.
private final class Conversation {
    private let loop = EmbeddedEventLoop()
    private let channel: EmbeddedChannel
    private let environment = FuzzedEnvironment()
    private let gate = ReadGate()
    /// Up to the call that waited for ever: behind it nothing is read, but what the same read has brought is still looked at.
    var requests: [String] { Array(environment.requests.prefix(environment.requestsUntilWait ?? .max)) }
    private(set) var output: [UInt8] = []

    init(_ pieces: [[UInt8]]) {
        channel = EmbeddedChannel(loop: loop)
        let connections = RuntimeAPIConnections(at: .now(of: loop))
        expect(connections.add(channel, at: .now(of: loop)), "there is room for one")
        let connection = RuntimeAPIConnection(handler: environment, connections: connections, channel: channel)
        let decoder = ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes))
        let bound = NIOLoopBound(connection, eventLoop: loop)
        channel.closeFuture.whenComplete { _ in bound.value.closed() }
        _ = try? channel.pipeline.syncOperations.addHandlers(gate, decoder, connection)
        _ = try? channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1))
        settle()
        for piece in pieces {
            guard channel.isActive, gate.isWanted else { break }
            gate.isWanted = false
            channel.pipeline.fireChannelRead(ByteBuffer(bytes: piece))
            channel.pipeline.fireChannelReadComplete()
            settle()
        }
        expect(!channel.isActive || gate.isWanted || environment.waitsForEvents, "nobody reads, answers or waits")
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        settle()
        expect(!channel.isActive, "a connection whose client has gone stays open")
        expect(connections.channels.isEmpty, "a connection that was closed is kept")
        let mayWriteAll = connections.holdOutbound(RuntimeAPIConnections.outboundBytesMax)
        expect(mayWriteAll, "bytes of a connection that was closed are counted")
        while let buffer = try? channel.readOutbound(as: ByteBuffer.self) { output += buffer.readableBytesView }
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }

    /// Until nothing happens any more.
    private func settle() {
        repeat { loop.run() } while SerialExecutor.run()
    }
}

/// Knows whether the connection wants to read.
private final class ReadGate: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    var isWanted = false

    func read(context: ChannelHandlerContext) { isWanted = true }
}

private func event(_ source: FuzzInput) {
    var input = source
    let event = RuntimeInvocation(
        requestID: input.text(),
        deadlineMilliseconds: input.number(),
        invokedFunctionARN: input.text(),
        traceID: input.flag() ? input.text() : nil,
        clientContextJSON: input.flag() ? input.text() : nil,
        cognitoIdentityJSON: input.flag() ? input.text() : nil,
        payload: input.bytes()
    )
    let buffer = HTTPAnswer(.invocation(event)).serialized(closing: input.flag(), allocator: ByteBufferAllocator())
    let channel = EmbeddedChannel(handler: ByteToMessageHandler(HTTPResponseDecoder()))
    defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
    // The decoder pairs answers with requests.
    _ = try? channel.writeOutbound(HTTPClientRequestPart.head(.init(version: .http1_1, method: .GET, uri: "/")))
    expect((try? channel.writeInbound(buffer)) != nil, "an event's answer is HTTP")
    var body: [UInt8] = []
    var heads: [HTTPResponseHead] = []
    while let part = try? channel.readInbound(as: HTTPClientResponsePart.self) {
        switch part {
        case .head(let head): heads.append(head)
        case .body(let bytes): body += bytes.readableBytesView
        case .end: break
        }
    }
    expect(heads.count == 1 && body == event.payload, "an event's answer is one answer, with its payload")
    for (name, _) in heads[0].headers {
        expect(heads[0].headers[name].count == 1, "a header came twice: \(name)")
        let isOurs =
            ["Content-Type", "Content-Length", "Connection"].contains(name) || name.hasPrefix("Lambda-Runtime-")
        expect(isOurs, "a header of the caller's: \(name)")
    }
}
