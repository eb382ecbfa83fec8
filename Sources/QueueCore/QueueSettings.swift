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

    package let isFIFO: Bool
    /// Seconds, 0 to 43,200.
    package var visibilityTimeout = 30
    /// Seconds, 0 to 900.
    package var delay = 0
    /// Body and attributes together, 1,024 to 1,048,576.
    package var messageBytesMax = Self.messageBytesLimit
    /// Seconds, 60 to 1,209,600.
    package var retention = 345_600
    /// Seconds that a receive waits which does not say so itself, 0 to 20.
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

    /// Milliseconds.
    var retentionMilliseconds: Int64 { Int64(retention) * 1_000 }
}
