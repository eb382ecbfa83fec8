// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// Which mapping of which account; its id is a UUID.
package struct EventSourceKey: Hashable, Sendable {
    package var accountID: String
    package var region: String
    package var id: String

    package init(accountID: String, region: String, id: String) {
        self.accountID = accountID
        self.region = region
        self.id = id
    }
}

/// What a mapping's poller needs to know: the source, the function, and how the one is read for the other.
package struct EventSourcePlan: Equatable, Sendable {
    package var key: EventSourceKey
    package var function: FunctionKey
    /// As the caller named the function: a version, an alias, `$LATEST`, or nil for none.
    package var qualifier: String?
    package var source: Source

    package enum Source: Equatable, Sendable {
        case queue(QueueSource)
        case stream(StreamSource)
        case kafka(KafkaSource)
        case broker(BrokerSource)

        /// Whether what reads the one can go on with the other.
        package func isLike(_ other: Source) -> Bool {
            switch (self, other) {
            case (.queue(let queue), .queue(let next)): queue.arn == next.arn
            case (.stream(let stream), .stream(let next)):
                stream.arn == next.arn && stream.settings.lanes == next.settings.lanes
            case (.kafka(let topic), .kafka(let next)): topic.isLike(next)
            case (.broker(let broker), .broker(let next)): broker.isLike(next)
            default: false
            }
        }
    }

    /// A queue of SQS as a source.
    package struct QueueSource: Equatable, Sendable {
        package var arn: String
        package var settings: QueuePoller.Settings
        /// Whether the function says which messages failed (`ReportBatchItemFailures`).
        package var reportsItemFailures: Bool
        /// Patterns of EventBridge, one of which a message has to match; none lets all pass.
        package var filters: [String]

        package init(
            arn: String,
            settings: QueuePoller.Settings,
            reportsItemFailures: Bool = false,
            filters: [String] = []
        ) {
            self.arn = arn
            self.settings = settings
            self.reportsItemFailures = reportsItemFailures
            self.filters = filters
        }
    }

    /// A stream of Kinesis, or of a table of DynamoDB, as a source.
    package struct StreamSource: Equatable, Sendable {
        package enum Kind: Sendable {
            case kinesis, dynamoDB
        }

        package var kind: Kind
        package var arn: String
        package var start: ShardSet.Start
        package var settings: ShardPoller.Settings
        /// Whether the function says from which record on it failed (`ReportBatchItemFailures`).
        package var reportsItemFailures: Bool
        /// Patterns of EventBridge, one of which a record has to match; none lets all pass.
        package var filters: [String]
        /// ARN of what is told of records that are discarded.
        package var destination: String?
        /// The function's, which records of Kinesis name; empty where the function is gone.
        package var role: String

        package init(
            kind: Kind,
            arn: String,
            start: ShardSet.Start,
            settings: ShardPoller.Settings,
            reportsItemFailures: Bool = false,
            filters: [String] = [],
            destination: String? = nil,
            role: String = ""
        ) {
            self.kind = kind
            self.arn = arn
            self.start = start
            self.settings = settings
            self.reportsItemFailures = reportsItemFailures
            self.filters = filters
            self.destination = destination
            self.role = role
        }
    }

    /// A queue of a RabbitMQ broker as a source.
    package struct BrokerSource: Equatable, Sendable {
        package var arn: String
        package var virtualHost: String
        package var queue: String
        /// ARN of the secret that has the user and the password.
        package var secret: String
        package var settings: RabbitMQConsumer.Settings
        /// Patterns of EventBridge, one of which a message has to match; none lets all pass.
        package var filters: [String]

        package init(
            arn: String,
            virtualHost: String,
            queue: String,
            secret: String,
            settings: RabbitMQConsumer.Settings,
            filters: [String] = []
        ) {
            self.arn = arn
            self.virtualHost = virtualHost
            self.queue = queue
            self.secret = secret
            self.settings = settings
            self.filters = filters
        }

        /// Whether a connection of the one is one of the other.
        fileprivate func isLike(_ other: BrokerSource) -> Bool {
            arn == other.arn && virtualHost == other.virtualHost && queue == other.queue && secret == other.secret
                && settings.batchSize == other.settings.batchSize
        }
    }

    package init(key: EventSourceKey, function: FunctionKey, qualifier: String?, source: Source) {
        self.key = key
        self.function = function
        self.qualifier = qualifier
        self.source = source
    }
}

/// How far the reading of a source is.
package struct EventSourceStatus: Equatable, Sendable {
    package enum Phase: Sendable {
        case reading
        /// Reads no more; what was read is being brought to its end.
        case ending
    }

    package var phase: Phase
    /// Why nothing is read, or nothing invoked, at the moment; nil where all is well.
    package var problem: String?
    /// Whether the last records that were there have been processed.
    package var hasProcessed: Bool

    package init(_ phase: Phase, problem: String? = nil, hasProcessed: Bool = false) {
        self.phase = phase
        self.problem = problem
        self.hasProcessed = hasProcessed
    }
}
