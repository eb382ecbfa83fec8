// SPDX-License-Identifier: Apache-2.0
import AWSWire
import CRabbitMQ
import Testing

@testable import EventSources

struct RabbitMQTests {
    private static let secret = "arn:aws:secretsmanager:us-east-1:000000000000:secret:s"

    // MARK: Messages

    @Test func `a message is put together from its frames`() throws {
        var assembly = AMQPAssembly(bodyBytesMax: 10)
        #expect(try assembly.take(.deliver(tag: 7, isRedelivered: true)) == nil)
        #expect(try assembly.take(.header(properties: ["type": .string("t")], bodySize: 5)) == nil)
        // Heartbeats may come at any time.
        #expect(try assembly.take(.other) == nil && assembly.take(.counted(1)) == nil)
        #expect(try assembly.take(.body([1, 2])) == nil)
        let record = try #require(try assembly.take(.body([3, 4, 5])))
        #expect(record.tag == 7 && record.body == [1, 2, 3, 4, 5])
        #expect(record.value["redelivered"] == .bool(true) && record.value["data"] == .string("AQIDBAU="))
        #expect(record.value["basicProperties"] == .object(["type": .string("t"), "bodySize": .integer(5)]))
        #expect(record.size == record.bytes.count && record.bytes == record.value.bytes)
        _ = try assembly.take(.deliver(tag: 8, isRedelivered: false))
        let empty = try #require(try assembly.take(.header(properties: ["type": .null], bodySize: 0)))
        #expect(empty.tag == 8 && empty.value["data"] == .string(""))
    }

    @Test func `of a body that is too large nothing is kept, whatever size it claims`() throws {
        var assembly = AMQPAssembly(bodyBytesMax: 10)
        _ = try assembly.take(.deliver(tag: 1, isRedelivered: false))
        _ = try assembly.take(.header(properties: ["type": .null], bodySize: 11))
        #expect(try assembly.take(.body(Array(repeating: 0, count: 10))) == nil)
        let record = try #require(try assembly.take(.body([0])))
        #expect(record.tag == 1 && record.size == 11 && record.bytes.isEmpty && record.body.isEmpty)
        _ = try assembly.take(.deliver(tag: 2, isRedelivered: false))
        #expect(try assembly.take(.header(properties: ["type": .null], bodySize: .max)) == nil)
        #expect(try assembly.take(.body([0])) == nil)
    }

    @Test(arguments: [
        [AMQPFrame.header(properties: ["type": .null], bodySize: 1)], [.body([1])],
        [.deliver(tag: 1, isRedelivered: false), .deliver(tag: 2, isRedelivered: false)],
        [.deliver(tag: 1, isRedelivered: false), .body([1])],
        [
            .deliver(tag: 1, isRedelivered: false), .header(properties: ["type": .null], bodySize: 1),
            .header(properties: ["type": .null], bodySize: 1),
        ],
        [
            .deliver(tag: 1, isRedelivered: false), .header(properties: ["type": .null], bodySize: 1), .body([1, 2]),
        ],
    ])
    func `frames out of order end the connection`(_ frames: [AMQPFrame]) throws {
        var assembly = AMQPAssembly(bodyBytesMax: 10)
        for frame in frames.dropLast() { #expect(try assembly.take(frame) == nil) }
        let last = try #require(frames.last)
        #expect(throws: AMQPFailure.self) { try assembly.take(last) }
    }

    @Test func `an event has its records under queue and virtual host, and as many bytes as were counted`() throws {
        let envelope = RabbitMQRecord.Envelope(arn: "arn:\"x\"", queue: "q\"ü", virtualHost: "/")
        let records = (1...3).map { RabbitMQRecord(tag: $0, isRedelivered: false, properties: [:], body: [UInt8($0)]) }
        let event = envelope.event(records.map(\.bytes))
        #expect(event.count == envelope.count + records.reduce(0) { $0 + $1.size } + 2)
        #expect(
            try JSONValue(parsing: event)
                == .object([
                    "eventSource": .string("aws:rmq"), "eventSourceArn": .string("arn:\"x\""),
                    "rmqMessagesByQueue": .object(["q\"ü::/": .array(records.map(\.value))]),
                ])
        )
    }

    // MARK: Properties

    @Test func `a property that a message doesn't have is null`() {
        let members = AMQPProperties.members(amqp_basic_properties_t())
        #expect(members.count == 14 && members.values.allSatisfy { $0 == .null })
        var properties = amqp_basic_properties_t()
        properties._flags = CRABBITMQ_PRIORITY | CRABBITMQ_HEADERS
        #expect(AMQPProperties.members(properties)["priority"] == .integer(0))
        #expect(AMQPProperties.members(properties)["headers"] == .object([:]))
    }

    @Test(
        arguments: [
            (0, "Jan 1, 1970, 12:00:00 AM"), (2_021, "Jan 1, 1970, 12:33:41 AM"), (45_296, "Jan 1, 1970, 12:34:56 PM"),
            (1_764_028_799, "Nov 24, 2025, 11:59:59 PM"), (253_402_300_799, "Dec 31, 9999, 11:59:59 PM"),
        ] as [(UInt64, String)]
    )
    func `a time is as Java writes it`(_ seconds: UInt64, _ text: String) {
        #expect(AMQPProperties.date(seconds) == .string(text))
    }

    @Test func `what is no time is null`() {
        #expect(AMQPProperties.date(253_402_300_800) == .null)
        #expect(AMQPProperties.date(.max) == .null)
    }

    @Test(
        arguments: [
            (0, 5, "5"), (2, 105, "1.05"), (2, 5, "0.05"), (1, UInt32(bitPattern: -5), "-0.5"),
            (0, UInt32(bitPattern: .min), "-2147483648"), (3, 0, "0.000"),
        ] as [(UInt8, UInt32, String)]
    )
    func `a decimal is a number of JSON`(_ decimals: UInt8, _ value: UInt32, _ text: String) throws {
        #expect(AMQPProperties.decimal(amqp_decimal_t(decimals: decimals, value: value)) == text)
        #expect(try JSONValue(parsing: Array(text.utf8)) == .number(text))
    }

    // MARK: Brokers and secrets

    @Test func `a broker is found by its name, or where all others are`() {
        let (one, other) = (RabbitMQBroker(host: "one", port: 1), RabbitMQBroker(host: "other", port: 2))
        let brokers = RabbitMQBrokers(named: ["one": one], other: other)
        #expect(brokers.broker(arn: "arn:aws:mq:us-east-1:000000000000:broker:one:b-1") == one)
        #expect(brokers.broker(arn: "arn:aws:mq:us-east-1:000000000000:broker:two:b-1") == other)
        #expect(brokers.broker(arn: "arn:aws:mq:us-east-1:000000000000:queue:one:b-1") == nil)
        let few = RabbitMQBrokers(named: ["one": one])
        #expect(few.broker(arn: "arn:aws:mq:us-east-1:000000000000:broker:two:b-1") == nil)
    }

    private static func target(_ queue: String = "q", virtualHost: String = "/") -> AMQPSession.Target {
        AMQPSession.Target(
            broker: RabbitMQBroker(host: "h", port: 1),
            virtualHost: virtualHost,
            queue: queue,
            user: "",
            password: "",
            prefetch: 1
        )
    }

    private static func problem(_ target: AMQPSession.Target, _ value: JSONValue?) -> String? {
        do {
            _ = try RabbitMQPoller.signed(target, by: secret, of: "000000000000") { arn, _ throws(SecretFailure) in
                guard let value, let secret = Secret(value) else { throw SecretFailure("no \(arn)") }
                return secret
            }
            return nil
        } catch {
            return error.problem
        }
    }

    @Test func `a connection is signed by the secret's user and password`() throws {
        let value: JSONValue = .object(["username": .string("u"), "password": .string("p"), "engine": .string("x")])
        let signed = try RabbitMQPoller.signed(Self.target(), by: Self.secret, of: "1") {
            arn,
            account throws(SecretFailure) in
            #expect(arn == Self.secret && account == "1")
            guard let secret = Secret(value) else { throw SecretFailure("") }
            return secret
        }
        #expect(signed.user == "u" && signed.password == "p" && signed.queue == "q")
        #expect(Self.problem(Self.target(), value) == nil)
    }

    @Test func `a secret that is not there or has no user, and names that AMQP has no room for, are said`() {
        let value: JSONValue = .object(["username": .string("u"), "password": .string("p")])
        #expect(Self.problem(Self.target(), nil) == "ESM_CONFIG_NOT_VALID: no \(Self.secret)")
        let others: [JSONValue] = [
            .object(["username": .string("u")]), .string("text"), .object(["password": .string("p")]),
        ]
        for other in others {
            #expect(Self.problem(Self.target(), other)?.contains("no username and password") == true)
        }
        let null: JSONValue = .object(["username": .string("u\0"), "password": .string("p")])
        #expect(Self.problem(Self.target(), null)?.contains("no username and password") == true)
        let long = String(repeating: "q", count: 255)
        #expect(Self.problem(Self.target(long), value) == nil)
        #expect(Self.problem(Self.target(long + "q"), value)?.contains("255 bytes") == true)
        #expect(Self.problem(Self.target(virtualHost: long + "q"), value)?.contains("255 bytes") == true)
        #expect(Self.problem(Self.target("a\0b"), value)?.contains("255 bytes") == true)
    }
}
