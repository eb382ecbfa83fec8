// SPDX-License-Identifier: Apache-2.0
import EventLoops
import HTTPTypes
import Hummingbird
package import HummingbirdCore
import Logging
import NIOCore

extension LambdaAPI {
    /// Bytes of one request's headers together, and of each.
    static let headerBytesMax = 65_536
    static let headersMax = 256
    /// A connection on which nothing is asked for that long is closed; an invocation that runs is not idle.
    static let idleTimeout = TimeAmount.seconds(120)

    /// The HTTP server that an `Application` of this API is to be made with; plain HTTP where there is no certificate.
    package static func server(identity: TLSIdentity?) -> HTTPServerBuilder {
        HTTPServerBuilder { responder in
            let http = HTTP1Channel(responder: responder, configuration: connectionConfiguration)
            guard let identity else { return LoopBoundChannel(channel: http) }
            return LoopBoundChannel(channel: EncryptedChannel(http: http, identity: identity))
        }
    }

    /// Longest body of a request that is answered on its connection's event loop.
    private static let briefBodyBytesMax = 16_384

    /// Whether a request asks for an invocation that takes little of the processor's time: that is answered on its connection's event loop, where the
    /// function's Runtime API is served too, and all others elsewhere.
    static func isBrief(_ request: Request) -> Bool {
        guard request.method == .post, let target = request.head.path?.utf8, target.count <= 1_024,
            target.starts(with: "/2015-03-31/functions/".utf8),
            target.prefix(while: { $0 != UInt8(ascii: "?") }).suffix(12).elementsEqual("/invocations".utf8)
        else { return false }
        return request.headers[.contentLength].flatMap { Int($0) } ?? .max <= briefBodyBytesMax
    }

    private static var connectionConfiguration: HTTP1Channel.Configuration {
        HTTP1Channel.Configuration(
            additionalChannelHandlers: [ExpectContinueHandler(), ConnectionEndHandler()],
            idleTimeout: idleTimeout,
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: headerBytesMax,
                maxHeaderListSize: headerBytesMax,
                maxHeaderFieldCount: headersMax
            )
        )
    }
}

/// A connection whose requests are answered by tasks on its own event loop, but for those that say otherwise.
///
/// Its HTTP codec runs there, so what comes and goes wakes no other thread.
private struct LoopBoundChannel<Bound: ServerChildChannel>: ServerChildChannel {
    let channel: Bound

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Bound.Value> {
        self.channel.setup(channel: channel, logger: logger)
    }

    func handle(value: Bound.Value, logger: Logger) async {
        await withTaskExecutorPreference(EventLoopExecutor.of(value.channel.eventLoop)) {
            await channel.handle(value: value, logger: logger)
        }
    }
}
