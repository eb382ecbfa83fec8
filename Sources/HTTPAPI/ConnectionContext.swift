// SPDX-License-Identifier: Apache-2.0
package import Hummingbird
import NIOCore

/// What is known of a request beside itself: the address of who sent it.
package struct ConnectionContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// Without the port; nil for what came over no network.
    let remoteAddress: String?
    let channel: any Channel

    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
        remoteAddress = source.channel.remoteAddress?.ipAddress
    }
}
