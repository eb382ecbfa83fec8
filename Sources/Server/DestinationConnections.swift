// SPDX-License-Identifier: Apache-2.0
import AWSClient
import AWSWire
import AsyncHTTPClient
import InvocationCore
import Invoker
import LambdaModel
import Queues
import ServerConfiguration
import ServiceLifecycle

/// The connections to the services that asynchronous events end in; closed when the server ends.
struct DestinationConnections: Service {
    /// To one host at one time; who comes later waits, within the time of a try.
    private static let connectionsMax = 32

    private let http: HTTPClient
    let destinations: Destinations

    /// `queues` are this server's own, where it has any.
    init(_ configuration: ServeConfiguration, queues: QueueService?, now: @escaping @Sendable () -> Timestamp) {
        http = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: ServiceClient.httpConfiguration(connectionsMax: Self.connectionsMax)
        )
        var times = ServiceClient.Times()
        times.total = .seconds(20)
        // Tries are counted, and outlive the process, elsewhere.
        times.triesMax = 1
        var destinations = Destinations(services: [:], unreached: Self.unreached(configuration))
        for way in Self.ways(configuration) {
            guard let endpoint = way.endpoint, let key = way.key else { continue }
            let client = ServiceClient(
                http: http,
                endpoint: ServiceEndpoint(
                    url: endpoint,
                    region: way.region,
                    accessKey: AccessKey(id: key.id, secret: key.secret, sessionToken: key.sessionToken)
                ),
                times: times,
                now: now
            )
            destinations.services[way.service] = RemoteDestination(client: client)
        }
        if Self.hasOwnQueues(configuration), let queues {
            destinations.services[.sqs] = EmbeddedQueueDestination(queues: queues)
        }
        self.destinations = destinations
    }

    func run() async throws {
        try? await gracefulShutdown()
        try await http.shutdown()
    }

    /// The services that nothing can be sent to, and which option would change that.
    static func unreached(_ configuration: ServeConfiguration) -> [DestinationARN.Service: String] {
        var reasons: [DestinationARN.Service: String] = [:]
        for way in ways(configuration) {
            if way.service == .sqs, hasOwnQueues(configuration) {
                continue
            } else if way.endpoint == nil {
                reasons[way.service] =
                    "this server knows no \(way.service.title) endpoint (\(way.option) or --aws-endpoint of martlet serve)"
            } else if way.key == nil {
                reasons[way.service] = "this server has no key for its \(way.service.title) endpoint (\(way.keyOption))"
            }
        }
        return reasons
    }

    /// Whether a queue that is named is one of this server's.
    static func hasOwnQueues(_ configuration: ServeConfiguration) -> Bool {
        configuration.sqs == nil && configuration.queues == .embedded
    }

    private struct Way {
        var service: DestinationARN.Service
        var endpoint: String?
        var key: S3Access.Key?
        var region: String
        var option: String
        var keyOption = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in its environment"
    }

    private static func ways(_ configuration: ServeConfiguration) -> [Way] {
        let (sqs, sns, events, s3) = (configuration.sqs, configuration.sns, configuration.events, configuration.s3)
        func way(_ service: DestinationARN.Service, _ access: ServiceAccess?, _ option: String) -> Way {
            Way(
                service: service,
                endpoint: access?.endpoint,
                key: access?.key,
                region: configuration.region,
                option: option
            )
        }
        return [
            way(.sqs, sqs, "--sqs-endpoint"), way(.sns, sns, "--sns-endpoint"),
            way(.events, events, "--events-endpoint"),
            Way(
                service: .s3,
                endpoint: s3?.endpoint,
                key: s3?.key,
                region: s3?.region ?? configuration.region,
                option: "--s3-endpoint",
                keyOption: "--s3-access-key-id and MARTLET_S3_SECRET_ACCESS_KEY"
            ),
        ]
    }
}
