// SPDX-License-Identifier: Apache-2.0
import Hummingbird
package import HummingbirdCore
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
            guard let identity else { return http }
            return EncryptedChannel(http: http, identity: identity)
        }
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
