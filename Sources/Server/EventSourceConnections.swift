// SPDX-License-Identifier: Apache-2.0
import AWSClient
import AWSWire
import AsyncHTTPClient
import EventSources
import InvocationCore
import LambdaModel
import QueueCore
import Queues
import ServerConfiguration
import ServiceLifecycle

/// The queues that mappings read: this server's own, or those behind an endpoint; its connections are closed when the server ends.
struct EventSourceConnections: Service, SQSQueues {
    /// To one host at one time: as many receives may wait.
    private static let connectionsMax = 1_024

    private let http: HTTPClient
    private let queues: QueueService?
    private let client: ServiceClient?
    /// Why queues can't be read; nil where they can.
    let obstacle: String?

    init(_ configuration: ServeConfiguration, queues: QueueService?, now: @escaping @Sendable () -> Timestamp) {
        let http = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: ServiceClient.httpConfiguration(connectionsMax: Self.connectionsMax)
        )
        self.http = http
        self.queues = DestinationConnections.hasOwnQueues(configuration) ? queues : nil
        obstacle = DestinationConnections.unreached(configuration)[.sqs].map {
            "The queue is not read: \($0). The mapping is stored."
        }
        client = configuration.sqs.flatMap { access in
            guard let key = access.key else { return nil }
            var times = ServiceClient.Times()
            times.total = .seconds(40)
            // The poller tries again, and waits between.
            times.triesMax = 1
            let endpoint = ServiceEndpoint(
                url: access.endpoint,
                region: configuration.region,
                accessKey: AccessKey(id: key.id, secret: key.secret, sessionToken: key.sessionToken)
            )
            return ServiceClient(http: http, endpoint: endpoint, times: times, now: now)
        }
    }

    func run() async throws {
        try? await gracefulShutdown()
        try await http.shutdown()
    }

    func queue(arn: String, accountID: String) -> (any SQSQueue)? {
        guard let key = QueueKey(arn: arn) else { return nil }
        if let queues { return EmbeddedSQSQueue(queues: queues, key: key, accountID: accountID) }
        return client.map { client in
            RemoteSQSQueue(
                client: client,
                queue: ServiceResource(arn: arn, region: key.region, accountID: key.accountID, name: key.name)
            )
        }
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

    func delete(_ handles: [String]) async throws {
        let errors = try await asking { try await queues.delete(handles, from: key) }
        if let error = errors.lazy.compactMap(\.self).first { throw SQSFailure(error) }
    }

    func release(_ handles: [String]) async throws {
        let errors = try await asking {
            try await queues.changeVisibility(handles, timeouts: handles.map { _ in 0 }, of: key)
        }
        if let error = errors.lazy.compactMap(\.self).first { throw SQSFailure(error) }
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
