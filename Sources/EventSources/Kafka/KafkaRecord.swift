// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore
import LambdaModel

/// A record of a topic, as a broker has it: all of it is whatever its producer wrote.
struct KafkaRecord: Equatable, Sendable {
    struct Header: Equatable, Sendable {
        var name: String
        /// nil for a header without a value.
        var value: [UInt8]?
    }

    enum Clock: String, Sendable {
        case create = "CREATE_TIME"
        case append = "LOG_APPEND_TIME"
        case none = "NO_TIMESTAMP_TYPE"
    }

    var offset: Int64
    /// Milliseconds since 1970 by that clock; -1 for none.
    var timestamp: Int64
    var clock: Clock
    var key: [UInt8]?
    /// nil for a tombstone.
    var value: [UInt8]?
    var headers: [Header]

    /// What it takes of memory, about: a header without a name and a value takes some, too.
    var bytes: Int {
        headers.reduce(100 + (key?.count ?? 0) + (value?.count ?? 0)) {
            $0 + 64 + $1.name.utf8.count + ($1.value?.count ?? 0)
        }
    }

    /// What its JSON has at the least, found without making it.
    var jsonBytesMin: Int {
        headers.reduce(((key?.count ?? 0) + (value?.count ?? 0)) / 3 * 4) {
            // `{"NAME":[0,0]}`
            $0 + 6 + $1.name.utf8.count + 2 * ($1.value?.count ?? 0)
        }
    }

    /// Without a time that can be, a record is as old as its reading: it is not to be discarded for its age.
    func arrival(_ now: Timestamp) -> Timestamp {
        let latest = now.millisecondsSinceEpoch + 86_400_000
        return (1...latest).contains(timestamp) ? Timestamp(millisecondsSinceEpoch: timestamp) : now
    }

    /// What a function gets of it.
    ///
    /// https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html has an example. Bytes of headers are numbers, and signed, as Java has
    /// them.
    func json(topic: String, partition: Int) -> JSONValue {
        var members: [String: JSONValue] = [
            "topic": .string(topic), "partition": .integer(partition), "offset": .integer(offset),
            "timestamp": .integer(timestamp), "timestampType": .string(clock.rawValue),
            "headers": .array(
                headers.map { header in
                    let bytes = header.value.map { JSONValue.array($0.map { .integer(Int8(bitPattern: $0)) }) }
                    return .object([header.name: bytes ?? .null])
                }
            ),
        ]
        members["key"] = key.map { .string(Base64.encode($0)) }
        members["value"] = value.map { .string(Base64.encode($0)) }
        return .object(members)
    }
}

/// The event of an invocation with records of one partition.
struct KafkaEvent {
    private let head: [UInt8]

    init(servers: [String], topic: String, partition: Int) {
        var bytes = Array(#"{"eventSource":"SelfManagedKafka","bootstrapServers":"#.utf8)
        bytes += JSONValue.string(servers.joined(separator: ",")).bytes
        bytes += #","records":{"#.utf8
        bytes += JSONValue.string("\(topic)-\(partition)").bytes
        bytes += ":[".utf8
        head = bytes
    }

    private static let tail = Array("]}}".utf8)

    /// What an event has beside its records.
    ///
    /// Partitions' numbers have up to ten digits.
    static func envelopeBytes(servers: [String], topic: String) -> Int {
        KafkaEvent(servers: servers, topic: topic, partition: Int(Int32.max)).head.count + tail.count
    }

    func bytes(_ records: [[UInt8]]) -> [UInt8] {
        var bytes = head
        bytes.reserveCapacity(records.reduce(head.count + Self.tail.count) { $0 + $1.count + 1 })
        for (index, record) in records.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += record
        }
        return bytes + Self.tail
    }
}
