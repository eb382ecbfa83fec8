// SPDX-License-Identifier: Apache-2.0

/// What a queue is set to do: the attributes that may be set, with AWS's defaults.
package struct QueueSettings: Equatable, Sendable, Codable {
    package enum DeduplicationScope: String, Sendable, Codable {
        case queue, messageGroup
    }

    package enum ThroughputLimit: String, Sendable, Codable {
        case perQueue, perMessageGroupId
    }

    /// Where messages go that were received too often.
    package struct Redrive: Equatable, Sendable, Codable {
        package var target: QueueKey
        /// Receives that a message gets before it is moved, 1 to 1,000.
        package var receivesMax: Int

        package init(target: QueueKey, receivesMax: Int) {
            self.target = target
            self.receivesMax = receivesMax
        }
    }

    /// Who may name this queue as where its messages go.
    package enum RedriveAllowance: Equatable, Sendable, Codable {
        case all, none
        /// By their ARNs, one to ten.
        case queues([String])
    }

    package static let visibilityTimeouts = 0...43_200
    package static let delays = 0...900
    package static let retentions = 60...1_209_600
    package static let receiveWaits = 0...20

    package let isFIFO: Bool
    /// Seconds, as the times below.
    package var visibilityTimeout = 30
    package var delay = 0
    /// Body and attributes together, 1,024 to 1,048,576.
    package var messageBytesMax = Self.messageBytesLimit
    package var retention = 345_600
    /// How long a receive waits that does not say so itself.
    package var receiveWait = 0
    package var redrive: Redrive?
    package var redriveAllowance: RedriveAllowance?
    package var deduplicatesByContent = false
    package var deduplicationScope = DeduplicationScope.queue
    package var throughputLimit = ThroughputLimit.perQueue
    /// A resource policy: kept and shown, and not evaluated.
    package var policy: String?
    /// Kept and shown: everything is encrypted under the server's master key.
    package var keyID: String?
    package var keyReuse: Int?
    package var isManagedEncryptionOn = true

    /// Bytes of one message, and of all messages of a batch together.
    package static let messageBytesLimit = 1_048_576

    package init(isFIFO: Bool) { self.isFIFO = isFIFO }

    /// Whether it is what may be set.
    package var isSound: Bool {
        Self.visibilityTimeouts.contains(visibilityTimeout) && Self.delays.contains(delay)
            && Self.retentions.contains(retention) && Self.receiveWaits.contains(receiveWait)
    }

    /// Milliseconds.
    var retentionMilliseconds: Int64 { Int64(retention) * 1_000 }
}
