// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import InvocationCore
import LambdaModel
import Testing

@Suite struct KafkaMappingTests {
    private let fixture: ControlPlaneFixture
    private let plane: ControlPlane
    private let network: JSONValue = .object(["Type": .string("VPC_SUBNET"), "URI": .string("subnet:subnet-1")])

    init() throws {
        fixture = try ControlPlaneFixture()
        var plane = fixture.controlPlane
        plane.sources = EventSourceReading(
            board: EventSourceBoard(),
            obstacles: .init(),
            visibilityTimeout: { _, _ in 30 },
            findStream: { _, _ in }
        )
        self.plane = plane
    }

    private func access(_ types: String...) -> JSONValue {
        .array(
            types.map { type in
                .object([
                    "Type": .string(type),
                    "URI": .string("arn:aws:secretsmanager:us-east-1:000000000000:secret:\(type)"),
                ])
            } + [network]
        )
    }

    private func create(_ members: [String: JSONValue] = [:]) async throws -> JSONValue {
        let servers: [JSONValue] = [.string("k1:9092"), .string("k2:9093")]
        let all: [String: JSONValue] = [
            "FunctionName": .string("f"), "Topics": .array([.string("tt")]),
            "SelfManagedEventSource": .object(["Endpoints": .object(["KAFKA_BOOTSTRAP_SERVERS": .array(servers)])]),
            "SourceAccessConfigurations": .array([network]),
        ]
        return try await plane.call(
            .createEventSourceMapping,
            body: JSONValue.object(all.merging(members) { $1 }).bytes
        )
    }

    private func plan(_ created: JSONValue) async throws -> EventSourcePlan.KafkaSource? {
        let id = try #require(created["UUID"]?.string)
        let key = EventSourceKey(accountID: "000000000000", region: "us-east-1", id: id)
        guard case .kafka(let source)? = try await plane.eventSourcePlan(key)?.source else { return nil }
        return source
    }

    @Test func `what is read is what the mapping says, with AWS's defaults`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let created = try await create()
        let plain = try #require(try await plan(created))
        #expect(plain.servers == ["k1:9092", "k2:9093"] && plain.topic == "tt" && plain.start == .trimHorizon)
        #expect(plain.group == created["UUID"]?.string && plain.access.isEmpty && plain.destination == nil)
        #expect(plain.settings == .init(batchSize: 100, window: .milliseconds(500), isPushed: true))
        let told = "arn:aws:sqs:us-east-1:000000000000:failed"
        let full = try await create([
            "Topics": .array([.string("uu")]), "StartingPosition": .string("LATEST"), "BatchSize": .integer(10_000),
            "MaximumBatchingWindowInSeconds": .integer(3), "MaximumRetryAttempts": .integer(2),
            "MaximumRecordAgeInSeconds": .integer(60), "BisectBatchOnFunctionError": .bool(true),
            "FunctionResponseTypes": .array([.string("ReportBatchItemFailures")]),
            "ProvisionedPollerConfig": .object(["MinimumPollers": .integer(1)]),
            "SelfManagedKafkaEventSourceConfig": .object(["ConsumerGroupId": .string("g")]),
            "SourceAccessConfigurations": access("SASL_SCRAM_512_AUTH", "SERVER_ROOT_CA_CERTIFICATE"),
            "DestinationConfig": .object(["OnFailure": .object(["Destination": .string(told)])]),
        ])
        let source = try #require(try await plan(full))
        #expect(source.start == .latest && source.group == "g" && source.destination == told)
        #expect(source.access.map(\.kind) == [.scram512, .authority] && source.reportsItemFailures)
        #expect(
            source.settings
                == .init(
                    batchSize: 10_000,
                    window: .seconds(3),
                    retriesMax: 2,
                    ageMax: .seconds(60),
                    bisects: true,
                    isPushed: true
                )
        )
    }

    @Test func `what a destination waits for is not tried without end`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let told: JSONValue = .string("arn:aws:sns:us-east-1:000000000000:failed")
        let created = try await create(["DestinationConfig": .object(["OnFailure": .object(["Destination": told])])])
        #expect(try await plan(created)?.settings.retriesMax == 10)
    }

    @Test func `without end is without end, also where a destination waits`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let told: JSONValue = .string("arn:aws:sns:us-east-1:000000000000:failed")
        let destination: JSONValue = .object(["OnFailure": .object(["Destination": told])])
        let pollers: JSONValue = .object(["MinimumPollers": .integer(1)])
        let created = try await create([
            "DestinationConfig": destination, "MaximumRetryAttempts": .integer(-1), "ProvisionedPollerConfig": pollers,
        ])
        let source = try #require(try await plan(created))
        #expect(created["MaximumRetryAttempts"] == .integer(-1))
        #expect(source.settings.retriesMax == nil && source.destination == told.string)
        let id = try #require(created["UUID"]?.string)
        let labels = ["UUID": id]
        func change(_ retries: Int) async throws -> Int? {
            _ = try await plane.call(
                .updateEventSourceMapping,
                labels,
                body: JSONValue.object(["MaximumRetryAttempts": .integer(retries)]).bytes
            )
            return try await plan(created)?.settings.retriesMax
        }
        #expect(try await change(3) == 3)
        #expect(try await change(-1) == nil)
    }

    @Test func `a mapping with a schema registry is stored and not read`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let registry: JSONValue = .object([
            "SchemaRegistryURI": .string("https://registry.example.com"), "EventRecordFormat": .string("JSON"),
            "SchemaValidationConfigs": .array([.object(["Attribute": .string("VALUE")])]),
        ])
        let created = try await create([
            "SelfManagedKafkaEventSourceConfig": .object(["SchemaRegistryConfig": registry]),
            "ProvisionedPollerConfig": .object(["MinimumPollers": .integer(1)]),
        ])
        #expect(created["StateTransitionReason"]?.string?.contains("SchemaRegistryConfig") == true)
        #expect(try await plan(created) == nil)
    }

    @Test func `what no cluster has, or two ways to sign in, is refused`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        func refused(_ members: [String: JSONValue]) async throws -> String? {
            try await refusal { try await create(members) }?.wire.message
        }
        for topic in ["^t.*", "t,u", "é", ".."] {
            #expect(try await refused(["Topics": .array([.string(topic)])]) != nil, "\(topic)")
        }
        for port in ["0", "65536"] {
            let servers: JSONValue = .object(["KAFKA_BOOTSTRAP_SERVERS": .array([.string("k:\(port)")])])
            let text = try await refused(["SelfManagedEventSource": .object(["Endpoints": servers])])
            #expect(text == "The bootstrap server k:\(port) is invalid.")
        }
        for types in [
            access("BASIC_AUTH", "SASL_SCRAM_256_AUTH"), access("BASIC_AUTH", "BASIC_AUTH"),
            access("CLIENT_CERTIFICATE_TLS_AUTH", "BASIC_AUTH", "SERVER_ROOT_CA_CERTIFICATE"),
        ] {
            #expect(
                try await refused(["SourceAccessConfigurations": types])
                    == "More than one authentication method was provided in sourceAccessConfigurations."
            )
        }
        let topic: JSONValue = .object(["OnFailure": .object(["Destination": .string("kafka://failed")])])
        #expect(try await refused(["DestinationConfig": topic])?.contains("not available") == true)
    }
}
