// SPDX-License-Identifier: Apache-2.0
import AWSClient
import AWSWire
import AsyncHTTPClient
import ControlPlane
import EventSources
import InvocationCore
import LambdaModel
import Logging
import MetricCore
import QueueCore
import Queues
import ServerConfiguration
import ServiceLifecycle
import StreamCore
import Streams

/// The queues and streams that mappings read: this server's own, and what is behind endpoints; its connections are closed
/// when the server ends.
struct EventSourceConnections: Service, SQSQueues, RecordStreams {
    /// To one host at one time.
    private static let receivesMax = 1_024
    private static let othersMax = 64

    /// For receives, which wait, and for the rest.
    private let clients: (receiving: HTTPClient, other: HTTPClient)
    private let queues: QueueService?
    private let streams: StreamService?
    private let endpoint: ServiceEndpoint?
    private let kinesis: ServiceEndpoint?
    private let dynamoDBStreams: ServiceEndpoint?
    private let now: @Sendable () -> Timestamp
    private let logger: Logger
    /// Why sources can't be read; nil where they can.
    let obstacles: EventSourceReading.Obstacles

    init(
        _ configuration: ServeConfiguration,
        queues: QueueService?,
        streams: StreamService?,
        now: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        func http(_ connectionsMax: Int) -> HTTPClient {
            HTTPClient(
                eventLoopGroupProvider: .singleton,
                configuration: ServiceClient.httpConfiguration(connectionsMax: connectionsMax)
            )
        }
        func endpoint(_ access: ServiceAccess?) -> ServiceEndpoint? {
            guard let access, let key = access.key else { return nil }
            return ServiceEndpoint(
                url: access.endpoint,
                region: configuration.region,
                accessKey: AccessKey(id: key.id, secret: key.secret, sessionToken: key.sessionToken)
            )
        }
        clients = (http(Self.receivesMax), http(Self.othersMax))
        self.now = now
        self.logger = logger
        self.queues = DestinationConnections.hasOwnQueues(configuration) ? queues : nil
        self.streams = configuration.kinesis == nil ? streams : nil
        self.endpoint = endpoint(configuration.sqs)
        kinesis = endpoint(configuration.kinesis)
        dynamoDBStreams = endpoint(configuration.dynamoDBStreams)
        obstacles = EventSourceReading.Obstacles(
            queues: DestinationConnections.unreached(configuration)[.sqs].map {
                "The queue is not read: \($0). The mapping is stored."
            },
            kinesis: self.streams == nil
                ? Self.obstacle(configuration.kinesis, "Kinesis", "--kinesis-endpoint") : nil,
            dynamoDB: Self.obstacle(
                configuration.dynamoDBStreams,
                "DynamoDB Streams",
                "--dynamodb-streams-endpoint"
            ),
            brokers: Self.readable(configuration.rabbitMQ)
        )
    }

    private static func readable(_ access: RabbitMQAccess) -> EventSourceReading.Brokers {
        if access.other != nil { return .all }
        guard access.named.isEmpty else { return .named(Set(access.named.keys)) }
        return .unread(
            "The queue is not read: this server knows no RabbitMQ broker (--rabbitmq-endpoint of martlet serve). The "
                + "mapping is stored."
        )
    }

    /// Where the brokers are whose queues mappings read.
    static func brokers(_ configuration: ServeConfiguration) -> RabbitMQBrokers {
        let access = configuration.rabbitMQ
        func broker(_ endpoint: RabbitMQAccess.Endpoint) -> RabbitMQBroker {
            RabbitMQBroker(
                host: endpoint.host,
                port: endpoint.port,
                authorities: endpoint.hasTLS ? access.authorities : nil
            )
        }
        return RabbitMQBrokers(named: access.named.mapValues(broker), other: access.other.map(broker))
    }

    private static func obstacle(_ access: ServiceAccess?, _ service: String, _ option: String) -> String? {
        guard let access else {
            return "The stream is not read: this server knows no \(service) endpoint (\(option) or --aws-endpoint of "
                + "martlet serve). The mapping is stored."
        }
        guard access.key == nil else { return nil }
        return "The stream is not read: this server has no key for its \(service) endpoint (AWS_ACCESS_KEY_ID and "
            + "AWS_SECRET_ACCESS_KEY in its environment). The mapping is stored."
    }

    func stream(_ source: EventSourcePlan.StreamSource, accountID: String) -> (any RecordStream)? {
        if source.kind == .kinesis, let streams {
            return StreamKey(arn: source.arn).map {
                EmbeddedRecordStream(streams: streams, key: $0, accountID: accountID)
            }
        }
        guard let region = ARN(source.arn)?.region else { return nil }
        return (source.kind == .kinesis ? kinesis : dynamoDBStreams).map { endpoint in
            RemoteStream(
                client: client(endpoint, clients.receiving, total: .seconds(40)),
                kind: source.kind,
                arn: source.arn,
                region: region
            )
        }
    }

    func run() async throws {
        try? await gracefulShutdown()
        try await clients.receiving.shutdown()
        try await clients.other.shutdown()
    }

    func queue(arn: String, accountID: String) -> (any SQSQueue)? {
        guard let key = QueueKey(arn: arn) else { return nil }
        if let queues { return EmbeddedSQSQueue(queues: queues, key: key, accountID: accountID) }
        return endpoint.map { endpoint in
            RemoteSQSQueue(
                receiver: client(endpoint, clients.receiving, total: .seconds(40)),
                client: client(endpoint, clients.other, total: .seconds(10)),
                queue: ServiceResource(arn: arn, region: key.region, accountID: key.accountID, name: key.name),
                logger: logger
            )
        }
    }

    private func client(_ endpoint: ServiceEndpoint, _ http: HTTPClient, total: Duration) -> ServiceClient {
        var times = ServiceClient.Times()
        times.total = total
        // The poller tries again, and waits between.
        times.triesMax = 1
        return ServiceClient(http: http, endpoint: endpoint, times: times, now: now)
    }
}

/// A queue of this server, for mappings of its own account.
private struct EmbeddedSQSQueue: SQSQueue {
    let queues: QueueService
    let key: QueueKey
    let accountID: String

    var givesBackWhenCancelled: Bool { true }

    func visibilityTimeout() async throws -> Int {
        try await asking { try await queues.visibilityTimeout(of: key) }
    }

    func receive(max: Int) async throws -> [JSONValue] {
        try await asking { try await queues.receiveMessages(from: key, max: max) }
    }

    func delete(_ handles: [String]) async throws -> Bool {
        try await asking { try await queues.delete(handles, from: key) }.allSatisfy { $0 == nil }
    }

    func release(_ handles: [String]) async throws {
        _ = try await asking {
            try await queues.changeVisibility(handles, timeouts: handles.map { _ in 0 }, of: key)
        }
    }

    private func asking<T>(_ body: () async throws -> T) async throws -> T {
        // There are no policies of queues, so nobody may read another account's.
        guard key.accountID == accountID else { throw SQSFailure(QueueError.noQueue) }
        do { return try await body() } catch let error as QueueError { throw SQSFailure(error) }
    }
}

extension SQSFailure {
    fileprivate init(_ error: QueueError) { self.init(code: error.wire.queryCode, message: error.message) }
}

/// How far mappings are in their streams.
extension StreamPositions: StreamCheckpoints {}

extension MetricRegistry {
    /// What waits in the source of a mapping, where that is counted; nil where it is not known any more.
    func setLag(of plan: EventSourcePlan, to value: Int?) {
        let metric: FunctionMetric
        switch plan.source {
        case .kafka: metric = .offsetLag
        case .broker: metric = .messagesWaiting
        case .queue, .stream: return
        }
        setLag(metric, of: plan.key.id, plan.function, qualifier: plan.qualifier, to: value)
    }
}
