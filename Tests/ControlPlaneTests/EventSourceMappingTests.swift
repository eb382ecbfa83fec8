// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import InvocationCore
import LambdaModel
import Testing

@Suite struct EventSourceMappingTests {
    private let fixture: ControlPlaneFixture
    private let queue = "arn:aws:sqs:us-east-1:000000000000:jobs"
    private let fifo = "arn:aws:sqs:us-east-1:000000000000:jobs.fifo"
    private let stream = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks"
    private let table = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2025-02-17T16:33:01.784"
    private let cluster = "arn:aws:kafka:us-east-1:000000000000:cluster/c/2f5e-1"
    private let broker = "arn:aws:mq:us-east-1:000000000000:broker:b:b-1"
    private let documents = "arn:aws:rds:us-east-1:000000000000:cluster:d"
    private let secret: JSONValue = .object([
        "Type": .string("BASIC_AUTH"), "URI": .string("arn:aws:secretsmanager:us-east-1:000000000000:secret:s"),
    ])
    private let servers: JSONValue = .object([
        "Endpoints": .object(["KAFKA_BOOTSTRAP_SERVERS": .array([.string("k1:9092"), .string("k2:9092")])])
    ])

    init() throws { fixture = try ControlPlaneFixture() }

    private func create(_ members: [String: JSONValue], function: String = "f") async throws -> JSONValue {
        let body = members.merging(["FunctionName": .string(function)]) { given, _ in given }
        return try await fixture.controlPlane.call(.createEventSourceMapping, body: JSONValue.object(body).bytes)
    }

    private func create(_ source: String, _ members: [String: JSONValue] = [:]) async throws -> JSONValue {
        try await create(members.merging(["EventSourceArn": .string(source)]) { given, _ in given })
    }

    private func update(_ uuid: String, _ members: [String: JSONValue]) async throws -> JSONValue {
        try await fixture.controlPlane.call(
            .updateEventSourceMapping,
            ["UUID": uuid],
            body: JSONValue.object(members).bytes
        )
    }

    private func get(_ uuid: String) async throws -> JSONValue {
        try await fixture.controlPlane.call(.getEventSourceMapping, ["UUID": uuid])
    }

    private func list(_ query: String) async throws -> JSONValue {
        try await fixture.controlPlane.call(.listEventSourceMappings, query: query)
    }

    private func message(_ body: () async throws -> JSONValue) async throws -> String? {
        try await refusal(body)?.wire.message
    }

    private func uuid(_ answer: JSONValue) throws -> String { try #require(answer["UUID"]?.string) }

    private func ids(_ answer: JSONValue) -> [String] {
        answer["EventSourceMappings"]?.array?.compactMap { $0["UUID"]?.string } ?? []
    }

    @Test func `a queue's mapping has AWS's members and defaults, and is never Enabled`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let created = try await create(queue)
        let id = try uuid(created)
        var expected: [String: JSONValue] = [
            "UUID": .string(id), "BatchSize": .integer(10), "MaximumBatchingWindowInSeconds": .integer(0),
            "EventSourceArn": .string(queue), "FunctionResponseTypes": .array([]),
            "FunctionArn": .string("arn:aws:lambda:us-east-1:000000000000:function:f"),
            "EventSourceMappingArn": .string("arn:aws:lambda:us-east-1:000000000000:event-source-mapping:\(id)"),
            "LastModified": .number("1764025947.0"), "State": .string("Creating"),
            "StateTransitionReason": .string(
                "This version of Martlet doesn't poll this kind of event source yet: the mapping is stored, and no records are read."
            ),
        ]
        #expect(created == .object(expected))
        expected["State"] = .string("Disabled")
        #expect(try await get(id) == .object(expected))
        expected["State"] = .string("Deleting")
        expected["StateTransitionReason"] = .string("USER_INITIATED")
        #expect(
            try await fixture.controlPlane.call(.deleteEventSourceMapping, ["UUID": id]) == .object(expected)
        )
        let gone = LambdaError.resourceNotFound(message: "The resource you requested does not exist.")
        #expect(try await refusal { try await get(id) } == gone)
        #expect(try await refusal { try await update(id, [:]) } == gone)
        #expect(
            try await refusal { try await fixture.controlPlane.call(.deleteEventSourceMapping, ["UUID": id]) } == gone
        )
    }

    @Test func `a stream's mapping has AWS's members and defaults`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let created = try await create(
            stream,
            ["StartingPosition": .string("TRIM_HORIZON"), "Enabled": .bool(false)]
        )
        let id = try uuid(created)
        #expect(
            created
                == .object([
                    "UUID": .string(id), "BatchSize": .integer(100), "MaximumBatchingWindowInSeconds": .integer(0),
                    "EventSourceArn": .string(stream), "FunctionResponseTypes": .array([]),
                    "FunctionArn": .string("arn:aws:lambda:us-east-1:000000000000:function:f"),
                    "EventSourceMappingArn": .string(
                        "arn:aws:lambda:us-east-1:000000000000:event-source-mapping:\(id)"
                    ),
                    "LastModified": .number("1764025947.0"), "State": .string("Creating"),
                    "StateTransitionReason": .string("User action"), "BisectBatchOnFunctionError": .bool(false),
                    "DestinationConfig": .object(["OnFailure": .object([:])]),
                    "LastProcessingResult": .string("No records processed"),
                    "MaximumRecordAgeInSeconds": .integer(-1), "MaximumRetryAttempts": .integer(-1),
                    "ParallelizationFactor": .integer(1), "StartingPosition": .string("TRIM_HORIZON"),
                    "TumblingWindowInSeconds": .integer(0),
                ])
        )
        let shown = try await get(id)
        #expect(shown["State"] == .string("Disabled"))
        #expect(shown["StateTransitionReason"] == .string("User action"))
    }

    @Test func `the source is looked at before the function, and both must be there`() async throws {
        defer { try? fixture.remove() }
        #expect(try await message { try await create([:]) } == "Unrecognized event source.")
        for arn in [
            "arn:aws:s3:::bucket", "arn:aws:dynamodb:us-east-1:000000000000:table/t",
            "arn:aws:kinesis:us-east-1:000000000000:clicks", "arn:aws:sqs:us-east-1:000000000000:",
            "arn:aws:rds:us-east-1:000000000000:db:d", "arn:aws:sqs:::jobs",
        ] {
            #expect(try await message { try await create(arn) } == "Unrecognized event source.", "\(arn)")
        }
        #expect(try await message { try await create(queue) } == "Function does not exist")
        try await fixture.create("f")
        for name in ["f:live", "f:7", "other"] {
            #expect(
                try await message { try await create(["EventSourceArn": .string(queue)], function: name) }
                    == "Function does not exist"
            )
        }
        let answer = try await create(["EventSourceArn": .string(queue)], function: "f:$LATEST")
        #expect(answer["FunctionArn"]?.string == "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST")
    }

    @Test func `a stream that is not there is refused, and only streams that are read are looked for`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        var plane = fixture.controlPlane
        plane.sources = EventSourceReading(
            board: EventSourceBoard(),
            obstacles: .init(dynamoDB: "no endpoint"),
            visibilityTimeout: { _, _ in 30 },
            findStream: { source, _ in
                throw LambdaError.invalidParameterValue(message: "Stream not found: \(source.arn)")
            }
        )
        func create(_ source: String, _ members: [String: JSONValue]) async throws -> String? {
            let body = members.merging(["FunctionName": .string("f"), "EventSourceArn": .string(source)]) { $1 }
            return try await message {
                try await plane.call(.createEventSourceMapping, body: JSONValue.object(body).bytes)
            }
        }
        let latest: [String: JSONValue] = ["StartingPosition": .string("LATEST")]
        #expect(try await create(stream, latest) == "Stream not found: \(stream)")
        #expect(try await ids(list("")) == [])
        #expect(try await create(table, latest) == nil)
        #expect(try await create(queue, [:]) == nil)
    }

    @Test func `a broker that is not known is named, and others are read as the mapping says`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        var plane = fixture.controlPlane
        plane.sources = EventSourceReading(
            board: EventSourceBoard(),
            obstacles: .init(brokers: .named(["b"])),
            visibilityTimeout: { _, _ in 30 },
            findStream: { _, _ in }
        )
        func create(_ broker: String, _ members: [String: JSONValue] = [:]) async throws -> JSONValue {
            let given: [String: JSONValue] = [
                "FunctionName": .string("f"), "EventSourceArn": .string(broker), "Queues": .array([.string("q")]),
                "SourceAccessConfigurations": .array([
                    secret, .object(["Type": .string("VIRTUAL_HOST"), "URI": .string("v")]),
                ]),
            ]
            let body = JSONValue.object(given.merging(members) { $1 })
            return try await plane.call(.createEventSourceMapping, body: body.bytes)
        }
        func plan(_ answer: JSONValue) async throws -> EventSourcePlan? {
            try await plane.eventSourcePlan(
                EventSourceKey(accountID: "000000000000", region: "us-east-1", id: uuid(answer))
            )
        }
        let unknown = try await create("arn:aws:mq:us-east-1:000000000000:broker:c:b-1")
        #expect(unknown["StateTransitionReason"]?.string?.contains("the broker c is (--rabbitmq-endpoint") == true)
        #expect(try await plan(unknown) == nil)
        let known = try await create(broker)
        #expect(known["StateTransitionReason"] == .string("USER_INITIATED"))
        #expect(known["LastProcessingResult"] == .string("No records processed"))
        let source = EventSourcePlan.BrokerSource(
            arn: broker,
            virtualHost: "v",
            queue: "q",
            secret: "arn:aws:secretsmanager:us-east-1:000000000000:secret:s",
            settings: .init(batchSize: 100, window: .milliseconds(500))
        )
        #expect(try await plan(known)?.source == .broker(source))
        let other = try await create(
            broker,
            [
                "Queues": .array([.string("r")]), "SourceAccessConfigurations": .array([secret]),
                "BatchSize": .integer(7), "MaximumBatchingWindowInSeconds": .integer(0),
            ]
        )
        var expected = source
        (expected.virtualHost, expected.queue, expected.settings) = ("/", "r", .init(batchSize: 7, window: .zero))
        #expect(try await plan(other)?.source == .broker(expected))
    }

    @Test func `queues have their limits for batches and windows`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let text = "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        #expect(try await message { try await create(queue, ["BatchSize": .integer(11)]) } == text)
        #expect(try await message { try await create(fifo, ["BatchSize": .integer(11)]) } == text)
        let window: [String: JSONValue] = ["MaximumBatchingWindowInSeconds": .integer(1)]
        #expect(
            try await message { try await create(fifo, window) } == "Batching window is not supported for FIFO queues"
        )
        let large = try await create(
            queue,
            ["BatchSize": .integer(10_000), "MaximumBatchingWindowInSeconds": .integer(300)]
        )
        #expect(large["BatchSize"] == .integer(10_000))
        #expect(
            try await message { try await update(uuid(large), ["MaximumBatchingWindowInSeconds": .integer(0)]) } == text
        )
        for member in ["BatchSize": 10_001, "MaximumBatchingWindowInSeconds": 301] {
            let refused = try await refusal { try await create(queue, [member.key: .integer(member.value)]) }
            #expect(refused?.wire.name == "ValidationException")
        }
    }

    @Test func `a starting position is refused, required or checked, by the kind of source`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let missing =
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not "
            + "be null."
        #expect(try await message { try await create(stream) } == missing)
        #expect(try await message { try await create(table) } == missing)
        let latest: JSONValue = .string("LATEST")
        let atTimestamp: [String: JSONValue] = [
            "StartingPosition": .string("AT_TIMESTAMP"), "StartingPositionTimestamp": .integer(1_700_000_000),
        ]
        #expect(
            try await message { try await create(queue, ["StartingPosition": latest]) }
                == "StartingPosition is not valid for SQS event sources."
        )
        for source in [stream, table] {
            #expect(
                try await message {
                    try await create(
                        source,
                        ["StartingPosition": latest, "StartingPositionTimestamp": .integer(1_700_000_000)]
                    )
                } == "Timestamp only valid with StartingPosition AT_TIMESTAMP"
            )
        }
        #expect(
            try await message { try await create(table, atTimestamp) }
                == "Unsupported starting position for arn type: \(table)"
        )
        #expect(
            try await message {
                try await create(stream, atTimestamp.merging(["StartingPositionTimestamp": .integer(-1)]) { $1 })
            }
                == "Received Exception while reading from provided stream. class java.lang.Long can not be converted to a "
                + "Timestamp"
        )
        #expect(
            try await message {
                try await create(
                    stream,
                    atTimestamp.merging(["StartingPositionTimestamp": .integer(1_900_000_000)]) { $1 }
                )
            } == "StartingPositionTimestamp cannot be in the future."
        )
        #expect(
            try await message { try await create(stream, ["StartingPosition": .string("AT_TIMESTAMP")]) }
                == "Required 'startingPositionTimestamp' parameter is missing."
        )
        let created = try await create(stream, atTimestamp)
        #expect(created["StartingPositionTimestamp"] == .number("1700000000.0"))
    }

    @Test func `what a kind of source doesn't know is refused by name`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let failures: JSONValue = .object(["OnFailure": .object(["Destination": .string(queue)])])
        let position: [String: JSONValue] = ["StartingPosition": .string("LATEST")]
        let cases: [(String, [String: JSONValue], String)] = [
            (queue, ["DestinationConfig": failures], "DestinationConfig"),
            (queue, ["ParallelizationFactor": .integer(2)], "ParallelizationFactor"),
            (queue, ["Topics": .array([.string("tt")])], "Topics"),
            (stream, position.merging(["ScalingConfig": .object([:])]) { $1 }, "ScalingConfig"),
            (
                stream,
                position.merging(["DestinationConfig": .object(["OnSuccess": .object([:])])]) { $1 },
                "DestinationConfig"
            ),
            (cluster, ["Queues": .array([.string("q")])], "Queues"),
            (broker, ["TumblingWindowInSeconds": .integer(0)], "TumblingWindowInSeconds"),
            (documents, ["FilterCriteria": .object([:])], "FilterCriteria"),
        ]
        for (source, members, name) in cases {
            #expect(
                try await message { try await create(source, members) }
                    == "Unsupported \(name) parameter for given event source mapping type."
            )
        }
        let invalid = "The destination ARN \(fifo) is invalid."
        let destination = position.merging([
            "DestinationConfig": .object(["OnFailure": .object(["Destination": .string(fifo)])])
        ]) { $1 }
        #expect(try await message { try await create(stream, destination) } == invalid)
        let age = position.merging(["MaximumRecordAgeInSeconds": .integer(59)]) { $1 }
        #expect(
            try await message { try await create(stream, age) }
                == "MaximumRecordAgeInSeconds must be -1, or from 60 to 604800."
        )
        #expect(
            try await message {
                try await create(queue, ["KMSKeyArn": .string("arn:aws:kms:us-east-1:000000000000:key/1")])
            } == "An event source mapping's KMSKeyArn is not available in this version of Martlet."
        )
    }

    @Test func `brokers and clusters must say what they read and with which secret`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        func missing(_ name: String) -> String { "Required '\(name)' parameter is missing." }
        let access = ["SourceAccessConfigurations": JSONValue.array([secret])]
        let topics = ["Topics": JSONValue.array([.string("tt")])]
        let managed = ["SelfManagedEventSource": servers]
        #expect(try await message { try await create(managed) } == missing("sourceAccessConfigurations"))
        #expect(try await message { try await create(managed.merging(access) { $1 }) } == missing("topics"))
        #expect(try await message { try await create(cluster) } == missing("topics"))
        #expect(try await message { try await create(broker, access) } == missing("queues"))
        #expect(
            try await message { try await create(broker, ["Queues": .array([.string("q")])]) }
                == missing("sourceAccessConfigurations")
        )
        #expect(
            try await message { try await create(documents, access) }
                == missing("documentDBEventSourceConfig.databaseName")
        )
        #expect(
            try await message {
                try await create(managed.merging(access) { $1 }.merging(["EventSourceArn": .string(cluster)]) { $1 })
            }
                == "Unrecognized event source."
        )

        let kafka = try await create(managed.merging(access) { $1 }.merging(topics) { $1 })
        #expect(kafka["SelfManagedKafkaEventSourceConfig"] == .object(["ConsumerGroupId": .string(try uuid(kafka))]))
        #expect(kafka["StartingPosition"] == .string("TRIM_HORIZON"))
        #expect(kafka["BatchSize"] == .integer(100))
        #expect(kafka["MaximumBatchingWindowInSeconds"] == nil)
        #expect(kafka["SelfManagedEventSource"] == servers)
        let mq = try await create(broker, access.merging(["Queues": .array([.string("q")])]) { $1 })
        #expect(mq["Queues"] == .array([.string("q")]))
        #expect(mq["SourceAccessConfigurations"] == .array([secret]))
        let database: JSONValue = .object(["DatabaseName": .string("d"), "FullDocument": .string("UpdateLookup")])
        let document = try await create(documents, access.merging(["DocumentDBEventSourceConfig": database]) { $1 })
        #expect(document["DocumentDBEventSourceConfig"] == database)
        #expect(document["StartingPosition"] == .string("LATEST"))
        #expect(
            try await message {
                try await update(
                    uuid(kafka),
                    ["SelfManagedKafkaEventSourceConfig": .object(["ConsumerGroupId": .string("g")])]
                )
            }
                == "Unsupported 'selfManagedKafkaEventSourceConfig.consumerGroupId' parameter for given event source mapping type."
        )
        #expect(
            try await message { try await update(uuid(kafka), ["MaximumRetryAttempts": .integer(3)]) }
                == "MaximumRetryAttempts is only available for Provisioned Mode. Enable Provisioned Mode by specifying "
                + "MinimumPollers in ProvisionedPollerConfig."
        )
        let pollers: JSONValue = .object(["MinimumPollers": .integer(2)])
        let provisioned = try await update(
            uuid(kafka),
            ["MaximumRetryAttempts": .integer(3), "ProvisionedPollerConfig": pollers]
        )
        #expect(provisioned["ProvisionedPollerConfig"] == pollers)
    }

    @Test func `a second mapping of the same source and function is a conflict, in the kind's words`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let position: [String: JSONValue] = ["StartingPosition": .string("LATEST")]
        let first = try await uuid(create(queue))
        let second = try await uuid(create(stream, position))
        func rest(_ id: String) -> String {
            "already exists. Please update or delete the existing mapping with UUID \(id)"
        }
        #expect(
            try await refusal { try await create(queue) }
                == .resourceConflict(
                    message:
                        "An event source mapping with SQS arn (\" \(queue) \") and function (\" f \") \(rest(first))"
                )
        )
        #expect(
            try await message { try await create(stream, position) }
                == "The event source arn (\" \(stream) \") and function (\" f \") provided mapping \(rest(second))"
        )
        let kafka: [String: JSONValue] = [
            "SelfManagedEventSource": servers, "SourceAccessConfigurations": .array([secret]),
            "Topics": .array([.string("tt")]),
        ]
        let third = try await uuid(create(kafka))
        #expect(
            try await message { try await create(kafka) }
                == "An event source mapping with event source (\"k1:9092,k2:9092\"), function "
                + "(\"arn:aws:lambda:us-east-1:000000000000:function:f\"), topics (\"tt\") \(rest(third))"
        )
        _ = try await create(kafka.merging(["Topics": .array([.string("uu")])]) { $1 })
        // Another qualifier is another function here.
        _ = try await create(["EventSourceArn": .string(queue)], function: "f:$LATEST")
        #expect(
            try await refusal { try await create(["EventSourceArn": .string(queue)], function: "f:$LATEST") }?.wire.name
                == "ResourceConflictException"
        )
    }

    @Test func `filters must be patterns`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        func criteria(_ patterns: [String]) -> [String: JSONValue] {
            ["FilterCriteria": .object(["Filters": .array(patterns.map { .object(["Pattern": .string($0)]) })])]
        }
        for pattern in [
            "", "simple string", "\"s\"", "[]", "{}", #"{"a":"b"}"#, #"{"a":[]}"#, #"{"a":[["b"]]}"#, #"{"a":{}}"#,
            #"{"a":[{"prefix":1}]}"#, #"{"a":[{"prefix":"x","suffix":"y"}]}"#, #"{"a":[{"numeric":["<"]}]}"#,
            #"{"a":[{"numeric":[">",5,"<",1]}]}"#, #"{"a":[{"exists":"yes"}]}"#, #"{"a":[{"other":"x"}]}"#,
            #"{"a":[{"anything-but":[]}]}"#, #"{"a":["b"]"#,
        ] {
            #expect(
                try await message { try await create(queue, criteria([pattern])) }
                    == "Invalid filter pattern definition.",
                "\(pattern)"
            )
        }
        #expect(
            try await message { try await create(queue, criteria(Array(repeating: #"{"a":["b"]}"#, count: 6))) }
                == "FilterCriteria has 6 filters, the limit is 5."
        )
        let good = [
            #"{"body":{"a":["b",1,null,true,{"prefix":"x"},{"exists":false}]}}"#,
            #"{"$or":[{"a":[1]},{"b":[{"anything-but":["x","y"]}]}]}"#,
            #"{"a":[{"numeric":[">=",0,"<",10.5]},{"equals-ignore-case":"Q"},{"anything-but":{"prefix":"p"}}]}"#,
        ]
        let created = try await create(queue, criteria(good))
        #expect(created["FilterCriteria"] == criteria(good)["FilterCriteria"])
        let cleared = try await update(uuid(created), ["FilterCriteria": .object([:])])
        #expect(cleared["FilterCriteria"] == nil)
    }

    @Test func `an update changes what it names, and its state is never Enabled`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        try await fixture.create("g")
        let id = try await uuid(create(queue, ["Enabled": .bool(false), "BatchSize": .integer(5)]))
        fixture.advance(by: .seconds(1))
        let enabled = try await update(id, ["Enabled": .bool(true)])
        #expect(enabled["State"] == .string("Enabling"))
        #expect(enabled["LastModified"] == .number("1764025948.0"))
        #expect(try await get(id)["State"] == .string("Disabled"))
        #expect(try await get(id)["StateTransitionReason"]?.string?.contains("doesn't poll") == true)
        let moved = try await update(
            id,
            ["FunctionName": .string("g"), "ScalingConfig": .object(["MaximumConcurrency": .integer(2)])]
        )
        #expect(moved["State"] == .string("Updating"))
        #expect(moved["FunctionArn"]?.string == "arn:aws:lambda:us-east-1:000000000000:function:g")
        #expect(moved["BatchSize"] == .integer(5))
        #expect(moved["ScalingConfig"] == .object(["MaximumConcurrency": .integer(2)]))
        #expect(try await update(id, ["ScalingConfig": .object([:])])["ScalingConfig"] == nil)
        #expect(try await update(id, ["Enabled": .bool(false)])["State"] == .string("Disabling"))
        #expect(try await get(id)["StateTransitionReason"] == .string("USER_INITIATED"))
        #expect(
            try await message { try await update(id, ["FunctionName": .string("gone")]) } == "Function does not exist"
        )
        _ = try await create(queue)
        #expect(
            try await refusal { try await update(id, ["FunctionName": .string("f")]) }?.wire.name
                == "ResourceConflictException"
        )
    }

    @Test func `mappings are listed by function and by source, in pages, and stay when the function goes`() async throws
    {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        try await fixture.create("g")
        var mine: [String] = []
        for number in 0..<7 { mine.append(try await uuid(create(queue + "-\(number)"))) }
        let other = try await uuid(create(["EventSourceArn": .string(queue + "-0")], function: "g"))
        mine.sort()
        #expect(ids(try await list("")) == (mine + [other]).sorted())
        #expect(ids(try await list("FunctionName=g")) == [other])
        #expect(ids(try await list("EventSourceArn=\(queue)-0")).count == 2)
        #expect(ids(try await list("EventSourceArn=\(queue)-0&FunctionName=f")).count == 1)
        #expect(ids(try await list("EventSourceArn=\(queue)-9")).isEmpty)
        var found: [String] = []
        var marker: String?
        repeat {
            let page = try await list("FunctionName=f&MaxItems=2" + (marker.map { "&Marker=\($0)" } ?? ""))
            #expect(ids(page).count <= 2)
            found += ids(page)
            marker = page["NextMarker"]?.string
        } while marker != nil
        #expect(found == mine)
        #expect(try await message { try await list("Marker=%21") } == "Invalid Marker.")
        try await fixture.controlPlane.deleteFunction("f", qualifier: nil, caller: ControlPlaneFixture.caller)
        #expect(ids(try await list("FunctionName=f")) == mine)
        #expect(try await update(mine[0], ["BatchSize": .integer(1)])["BatchSize"] == .integer(1))
        let elsewhere = Caller(accountID: "111111111111", region: "us-east-1")
        #expect(
            try await refusal {
                try await fixture.controlPlane.call(.getEventSourceMapping, ["UUID": other], caller: elsewhere)
            }?.wire.status == 404
        )
    }
}
