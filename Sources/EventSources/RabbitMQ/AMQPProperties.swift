// SPDX-License-Identifier: Apache-2.0
import AWSWire
import CRabbitMQ
import LambdaModel

/// What AMQP says of a message beside its body, as a function gets it: in the form that Lambda's Java makes of it.
///
/// A header's text is `{"bytes": [...]}`, since AMQP says nothing of its encoding; bytes are signed, as Java's are.
enum AMQPProperties {
    /// Of tables and arrays in each other; what is deeper is null.
    static let depthMax = 32

    /// All that there are but `bodySize`; null for what the message doesn't have.
    static func members(_ properties: amqp_basic_properties_t) -> [String: JSONValue] {
        func value(_ flag: amqp_flags_t, _ value: @autoclosure () -> JSONValue) -> JSONValue {
            properties._flags & flag == 0 ? .null : value()
        }
        return [
            "contentType": value(CRABBITMQ_CONTENT_TYPE, text(properties.content_type)),
            "contentEncoding": value(CRABBITMQ_CONTENT_ENCODING, text(properties.content_encoding)),
            "headers": value(CRABBITMQ_HEADERS, table(properties.headers, depth: 1)),
            "deliveryMode": value(CRABBITMQ_DELIVERY_MODE, .integer(properties.delivery_mode)),
            "priority": value(CRABBITMQ_PRIORITY, .integer(properties.priority)),
            "correlationId": value(CRABBITMQ_CORRELATION_ID, text(properties.correlation_id)),
            "replyTo": value(CRABBITMQ_REPLY_TO, text(properties.reply_to)),
            "expiration": value(CRABBITMQ_EXPIRATION, text(properties.expiration)),
            "messageId": value(CRABBITMQ_MESSAGE_ID, text(properties.message_id)),
            "timestamp": value(CRABBITMQ_TIMESTAMP, date(properties.timestamp)),
            "type": value(CRABBITMQ_TYPE, text(properties.type)),
            "userId": value(CRABBITMQ_USER_ID, text(properties.user_id)),
            "appId": value(CRABBITMQ_APP_ID, text(properties.app_id)),
            "clusterId": value(CRABBITMQ_CLUSTER_ID, text(properties.cluster_id)),
        ]
    }

    static func bytes(_ bytes: amqp_bytes_t) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.bytes == nil ? 0 : bytes.len)
    }

    /// What is no UTF-8 is replaced.
    static func string(_ bytes: amqp_bytes_t) -> String { String(decoding: Self.bytes(bytes), as: UTF8.self) }

    private static func text(_ bytes: amqp_bytes_t) -> JSONValue { .string(string(bytes)) }

    private static func signed(_ bytes: amqp_bytes_t) -> JSONValue {
        .array(Self.bytes(bytes).map { .integer(Int8(bitPattern: $0)) })
    }

    private static func table(_ table: amqp_table_t, depth: Int) -> JSONValue {
        guard depth <= depthMax else { return .null }
        var members: [String: JSONValue] = [:]
        for entry in UnsafeBufferPointer(start: table.entries, count: Int(table.num_entries)) {
            members[string(entry.key)] = value(entry.value, depth: depth)
        }
        return .object(members)
    }

    private static func array(_ array: amqp_array_t, depth: Int) -> JSONValue {
        guard depth <= depthMax else { return .null }
        let entries = UnsafeBufferPointer(start: array.entries, count: Int(array.num_entries))
        return .array(entries.map { value($0, depth: depth) })
    }

    private static func value(_ field: amqp_field_value_t, depth: Int) -> JSONValue {
        switch UnicodeScalar(field.kind) {
        case "t": .bool(field.value.boolean != 0)
        case "b": .integer(field.value.i8)
        case "B": .integer(field.value.u8)
        case "s": .integer(field.value.i16)
        case "u": .integer(field.value.u16)
        case "I": .integer(field.value.i32)
        case "i": .integer(field.value.u32)
        case "l": .integer(field.value.i64)
        case "L": .integer(field.value.u64)
        case "f": number(field.value.f32)
        case "d": number(field.value.f64)
        case "D": .number(decimal(field.value.decimal))
        case "S": .object(["bytes": signed(field.value.bytes)])
        case "x": signed(field.value.bytes)
        case "A": array(field.value.array, depth: depth + 1)
        case "F": table(field.value.table, depth: depth + 1)
        case "T": date(field.value.u64)
        default: .null
        }
    }

    /// JSON has none that is not finite.
    private static func number(_ value: some BinaryFloatingPoint & CustomStringConvertible) -> JSONValue {
        value.isFinite ? .number(value.description) : .null
    }

    static func decimal(_ value: amqp_decimal_t) -> String {
        // AMQP has it signed.
        let unscaled = Int32(bitPattern: value.value)
        guard value.decimals > 0 else { return String(unscaled) }
        let digits = String(unscaled.magnitude)
        let padded = String(repeating: "0", count: max(0, Int(value.decimals) + 1 - digits.count)) + digits
        let sign = unscaled < 0 ? "-" : ""
        return "\(sign)\(padded.dropLast(Int(value.decimals))).\(padded.suffix(Int(value.decimals)))"
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    /// The end of the year 9999.
    private static let secondsMax: UInt64 = 253_402_300_799

    /// `Jan 1, 1970, 12:33:41 AM`, in UTC; null for what is no time.
    static func date(_ seconds: UInt64) -> JSONValue {
        guard seconds <= secondsMax else { return .null }
        let (year, month, day) = Timestamp(millisecondsSinceEpoch: Int64(seconds) * 1_000).civilDate
        let time = Int(seconds % 86_400)
        let hour = time / 3_600
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return .string(
            "\(months[month - 1]) \(day), \(year), \((hour + 11) % 12 + 1):\(two(time / 60 % 60)):\(two(time % 60)) "
                + (hour < 12 ? "AM" : "PM")
        )
    }
}
