// SPDX-License-Identifier: Apache-2.0
import CRDKafka
import Foundation
import InvocationCore
import Logging

/// A consumer of librdkafka, with the one thread that calls it; librdkafka has threads of its own, one for each broker and one more.
///
/// The thread waits for brokers, so that none of Swift's does, and decides nothing: it does what the mailbox says, and says what happened.
struct KafkaConsumer: Sendable {
    let mailbox: KafkaMailbox
    /// What the thread says; `closed` is the last of it.
    ///
    /// What is in it is an answer each to a command, a change of the group, or one problem at a time.
    let notices: AsyncStream<KafkaNotice>

    /// nil where the process has no descriptor left.
    init?(_ configuration: KafkaConfiguration, _ share: KafkaShare, account: String, logger: Logger) {
        guard let mailbox = KafkaMailbox(share, account: account) else { return nil }
        let (notices, continuation) = AsyncStream.makeStream(of: KafkaNotice.self)
        self.mailbox = mailbox
        self.notices = notices
        Thread.detachNewThread {
            do throws(KafkaProblem) {
                let session = try KafkaSession(configuration, mailbox, logger) { continuation.yield($0) }
                session.run()
            } catch {
                continuation.yield(.problem(error))
            }
            continuation.yield(.closed)
            continuation.finish()
        }
    }
}
