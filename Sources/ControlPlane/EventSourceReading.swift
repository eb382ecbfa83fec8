// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import InvocationCore
import LambdaModel
package import MetadataStore

/// Who reads the sources of mappings, as far as the operations on them need to know.
package struct EventSourceReading: Sendable {
    /// How long nobody else sees a message of a queue that was received, in seconds.
    ///
    /// Throws `LambdaError.invalidParameterValue` where the queue is not there, or can't be read.
    package typealias VisibilityTimeout = @Sendable (_ arn: String, _ accountID: String) async throws -> Int

    /// Throws `LambdaError.invalidParameterValue` where the stream is not there.
    package typealias FindStream =
        @Sendable (_ source: EventSourcePlan.StreamSource, _ accountID: String) async throws -> Void

    package static let notPolled =
        "This version of Martlet doesn't poll this kind of event source yet: the mapping is stored, and no records are "
        + "read."

    private static let noRegistry =
        "This version of Martlet doesn't know schema registries (SchemaRegistryConfig): the mapping is stored, and no records "
        + "are read."

    /// Why sources can't be read, by their kind; nil where they are.
    package struct Obstacles: Equatable, Sendable {
        package var queues: String?
        package var kinesis: String?
        package var dynamoDB: String?
        /// Of clusters that AWS does not manage.
        package var kafka: String?
        package var brokers: Brokers

        package init(
            queues: String? = nil,
            kinesis: String? = nil,
            dynamoDB: String? = nil,
            kafka: String? = nil,
            brokers: Brokers = .unread(EventSourceReading.notPolled)
        ) {
            self.queues = queues
            self.kinesis = kinesis
            self.dynamoDB = dynamoDB
            self.kafka = kafka
            self.brokers = brokers
        }
    }

    /// Which brokers can be read.
    package enum Brokers: Equatable, Sendable {
        /// None, and why.
        case unread(String)
        /// By the names in their ARNs.
        case named(Set<String>)
        case all

        fileprivate func obstacle(_ arn: String?) -> String? {
            switch self {
            case .unread(let reason): return reason
            case .all: return nil
            case .named(let names):
                let name = arn.flatMap { ARN($0) }.map(\.resourceParts)?.dropFirst().first ?? ""
                guard !names.contains(name) else { return nil }
                return "The queue is not read: this server does not know where the broker \(name) is "
                    + "(--rabbitmq-endpoint of martlet serve). The mapping is stored."
            }
        }
    }

    let board: EventSourceBoard
    private let obstacles: Obstacles
    private let visibilityTimeout: VisibilityTimeout?
    private let findStream: FindStream?

    /// Nobody.
    init() {
        board = EventSourceBoard()
        obstacles = Obstacles(
            queues: Self.notPolled,
            kinesis: Self.notPolled,
            dynamoDB: Self.notPolled,
            kafka: Self.notPolled
        )
        visibilityTimeout = nil
        findStream = nil
    }

    package init(
        board: EventSourceBoard,
        obstacles: Obstacles,
        visibilityTimeout: @escaping VisibilityTimeout,
        findStream: @escaping FindStream
    ) {
        self.board = board
        self.obstacles = obstacles
        self.visibilityTimeout = visibilityTimeout
        self.findStream = findStream
    }

    /// Why a source of that kind is not read; nil where it is.
    func obstacle(_ kind: EventSourceKind, _ settings: API.EventSourceMappingConfiguration) -> String? {
        switch kind {
        case .queue, .fifoQueue: obstacles.queues
        case .kinesis: obstacles.kinesis
        case .dynamoDB: obstacles.dynamoDB
        case .broker: obstacles.brokers.obstacle(settings.eventSourceArn)
        case .selfManagedKafka:
            obstacles.kafka
                ?? settings.selfManagedKafkaEventSourceConfig?.schemaRegistryConfig.map { _ in Self.noRegistry }
        case .managedKafka, .documentDB: Self.notPolled
        }
    }

    /// Looks for the source of a new mapping, where it is a stream that is read.
    func find(
        _ kind: EventSourceKind,
        _ settings: API.EventSourceMappingConfiguration,
        _ caller: Caller
    ) async throws {
        guard kind.isStream, obstacle(kind, settings) == nil, let arn = settings.eventSourceArn else { return }
        try await findStream?(
            settings.stream(kind == .kinesis ? .kinesis : .dynamoDB, arn, role: ""),
            caller.accountID
        )
    }

    /// nil for what is no queue, or isn't read.
    func visibility(
        _ kind: EventSourceKind,
        _ settings: API.EventSourceMappingConfiguration,
        _ caller: Caller
    ) async throws -> Int? {
        guard kind.isQueue, obstacles.queues == nil, let arn = settings.eventSourceArn else { return nil }
        return try await visibilityTimeout?(arn, caller.accountID)
    }
}

extension ControlPlane {
    /// The mappings of all accounts.
    package func eventSources() async throws -> [EventSourceKey] {
        try await withStores {
            try await metadata.read { transaction in
                try transaction.locations(of: EventSourceMapping.self).map {
                    EventSourceKey(accountID: $0.accountID, region: $0.region, id: $0.id)
                }
            }
        }
    }

    /// What is to be read for a mapping now; nil for one that is not there, not enabled, or of a kind that is not read.
    package func eventSourcePlan(_ key: EventSourceKey) async throws -> EventSourcePlan? {
        let (found, role) = try await withStores {
            try await metadata.read { transaction in
                let mapping = try transaction.document(
                    EventSourceMapping.self,
                    accountID: key.accountID,
                    region: key.region,
                    id: key.id
                )
                // The function may be gone.
                let role = try? mapping.map { try transaction.target(of: $0).configuration.role }
                return (mapping, role ?? "")
            }
        }
        guard let mapping = found, mapping.isEnabled else { return nil }
        let settings = try mapping.settings()
        let kind = try EventSourceKind(settings.eventSourceArn, settings.selfManagedEventSource)
        guard sources.obstacle(kind, settings) == nil, let source = settings.source(kind, role: role) else {
            return nil
        }
        return EventSourcePlan(
            key: key,
            function: mapping.function,
            qualifier: mapping.qualifier,
            source: source
        )
    }
}

/// How far mappings are in their streams, in the database of the mappings themselves.
package struct StreamPositions: Sendable {
    private let metadata: MetadataStore

    package init(metadata: MetadataStore) { self.metadata = metadata }

    /// By shard; what is not understood is left out, and so begins anew.
    package func positions(of mapping: EventSourceKey) async throws -> [String: StreamPosition] {
        try await metadata.streamPositions(
            accountID: mapping.accountID,
            region: mapping.region,
            mapping: mapping.id
        ).compactMapValues(StreamPosition.init)
    }

    package func save(_ positions: [String: StreamPosition], of mapping: EventSourceKey) async throws {
        try await set(positions.mapValues { .init($0.text) }, mapping)
    }

    /// Nil where there is none, or it isn't understood.
    package func window(of shard: String, of mapping: EventSourceKey) async throws -> StreamWindow? {
        try await metadata.streamWindow(
            accountID: mapping.accountID,
            region: mapping.region,
            mapping: mapping.id,
            shard: shard
        ).flatMap(StreamWindow.init)
    }

    package func save(
        _ position: StreamPosition,
        _ window: StreamWindow?,
        of shard: String,
        of mapping: EventSourceKey
    ) async throws {
        try await set([shard: .init(position.text, window: window?.bytes)], mapping)
    }

    package func forget(_ shards: [String], of mapping: EventSourceKey) async throws {
        try await set(Dictionary(shards.map { ($0, nil) }) { first, _ in first }, mapping)
    }

    private func set(_ positions: [String: MetadataStore.StreamPlace?], _ mapping: EventSourceKey) async throws {
        try await metadata.setStreamPositions(
            positions,
            accountID: mapping.accountID,
            region: mapping.region,
            mapping: mapping.id,
            kind: EventSourceMapping.kind
        )
    }
}

extension API.EventSourceMappingConfiguration {
    /// Invocations at once that AWS counts for one poller of provisioned mode.
    private static let concurrencyOfPoller = 10
    /// By how much provisioned mode grows in a minute.
    private static let provisionedGrowth = 1_000

    private static let kafkaWindow = Duration.milliseconds(500)
    /// Where a destination waits for what fails without end
    /// (https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure-destination.html).
    private static let toldRetriesMax = 10
    /// How long DynamoDB keeps records.
    private static let dynamoDBRetention = Duration.seconds(86_400)

    /// nil for a kind that nobody reads.
    fileprivate func source(_ kind: EventSourceKind, role: String) -> EventSourcePlan.Source? {
        switch (kind, eventSourceArn) {
        case (.queue, let arn?): .queue(queue(isFIFO: false, arn))
        case (.fifoQueue, let arn?): .queue(queue(isFIFO: true, arn))
        case (.kinesis, let arn?): .stream(stream(.kinesis, arn, role: role))
        case (.dynamoDB, let arn?): .stream(stream(.dynamoDB, arn, role: role))
        case (.selfManagedKafka, _): kafka.map { .kafka($0) }
        case (.broker, let arn?): .broker(broker(arn))
        default: nil
        }
    }

    private var reportsItemFailures: Bool { functionResponseTypes?.contains("ReportBatchItemFailures") ?? false }
    private var patterns: [String] { (filterCriteria?.filters ?? []).compactMap(\.pattern) }

    fileprivate func queue(isFIFO: Bool, _ arn: String) -> EventSourcePlan.QueueSource {
        EventSourcePlan.QueueSource(
            arn: arn,
            settings: queuePoller(isFIFO: isFIFO),
            reportsItemFailures: reportsItemFailures,
            filters: patterns
        )
    }

    fileprivate func broker(_ arn: String) -> EventSourcePlan.BrokerSource {
        func access(_ type: String) -> String? { sourceAccessConfigurations?.first { $0.type == type }?.uri }
        return EventSourcePlan.BrokerSource(
            arn: arn,
            virtualHost: access("VIRTUAL_HOST") ?? "/",
            queue: queues?.first ?? "",
            secret: access("BASIC_AUTH") ?? "",
            settings: RabbitMQConsumer.Settings(
                batchSize: batchSize ?? 100,
                window: maximumBatchingWindowInSeconds.map { .seconds($0) } ?? RabbitMQConsumer.Settings.windowDefault
            ),
            filters: patterns
        )
    }

    fileprivate func stream(
        _ kind: EventSourcePlan.StreamSource.Kind,
        _ arn: String,
        role: String
    ) -> EventSourcePlan.StreamSource {
        // -1 is for as long as the stream has them.
        let tumbling = tumblingWindowInSeconds ?? 0
        let age = maximumRecordAgeInSeconds.flatMap { $0 < 0 ? nil : Duration.seconds($0) }
        return EventSourcePlan.StreamSource(
            kind: kind,
            arn: arn,
            start: start,
            settings: ShardPoller.Settings(
                batchSize: batchSize ?? 100,
                window: .seconds(maximumBatchingWindowInSeconds ?? 0),
                retriesMax: maximumRetryAttempts.flatMap { $0 < 0 ? nil : $0 },
                ageMax: kind == .dynamoDB ? min(age ?? Self.dynamoDBRetention, Self.dynamoDBRetention) : age,
                bisects: bisectBatchOnFunctionError ?? false,
                // A window has one state in its shard, which is right at one position of it only.
                lanes: tumbling > 0 ? 1 : max(1, parallelizationFactor ?? 1),
                tumblingSeconds: tumbling
            ),
            reportsItemFailures: reportsItemFailures,
            filters: patterns,
            destination: destinationConfig?.onFailure?.destination,
            role: role
        )
    }

    private var start: ShardSet.Start {
        switch startingPosition {
        case "LATEST": .latest
        case "AT_TIMESTAMP": startingPositionTimestamp.map { .at($0) } ?? .trimHorizon
        default: .trimHorizon
        }
    }

    /// nil for settings that lack what was checked when they were stored.
    private var kafka: EventSourcePlan.KafkaSource? {
        guard let servers = selfManagedEventSource?.endpoints?["KAFKA_BOOTSTRAP_SERVERS"], !servers.isEmpty,
            let topic = topics?.first, let group = selfManagedKafkaEventSourceConfig?.consumerGroupId
        else { return nil }
        let destination = destinationConfig?.onFailure?.destination
        // -1 is for any number, also where a destination waits.
        let retries = maximumRetryAttempts ?? (destination == nil ? -1 : Self.toldRetriesMax)
        return EventSourcePlan.KafkaSource(
            servers: servers,
            topic: topic,
            group: group,
            start: start,
            // What says where the brokers' network is has no meaning here.
            access: (sourceAccessConfigurations ?? []).compactMap { item in
                guard let kind = item.type.flatMap(EventSourcePlan.KafkaSource.Access.Kind.init), let secret = item.uri
                else { return nil }
                return .init(kind, secret: secret)
            },
            settings: ShardPoller.Settings(
                batchSize: batchSize ?? 100,
                window: maximumBatchingWindowInSeconds.map { .seconds($0) } ?? Self.kafkaWindow,
                retriesMax: retries < 0 ? nil : retries,
                ageMax: maximumRecordAgeInSeconds.flatMap { $0 < 0 ? nil : .seconds($0) },
                bisects: bisectBatchOnFunctionError ?? false,
                isPushed: true
            ),
            reportsItemFailures: reportsItemFailures,
            filters: patterns,
            destination: destination
        )
    }

    private func queuePoller(isFIFO: Bool) -> QueuePoller.Settings {
        let (batch, window) = (batchSize ?? 10, Duration.seconds(maximumBatchingWindowInSeconds ?? 0))
        if let pollers = provisionedPollerConfig {
            let least = pollers.minimumPollers ?? 2
            return QueuePoller.Settings(
                batchSize: batch,
                window: window,
                isFIFO: isFIFO,
                concurrencyStart: least * Self.concurrencyOfPoller,
                concurrencyMax: (pollers.maximumPollers ?? max(200, least)) * Self.concurrencyOfPoller,
                growthPerMinute: Self.provisionedGrowth
            )
        }
        var settings = QueuePoller.Settings(batchSize: batch, window: window, isFIFO: isFIFO)
        if let most = scalingConfig?.maximumConcurrency { settings.limit(to: most) }
        return settings
    }
}
