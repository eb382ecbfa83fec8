// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel

/// CBOR (RFC 8949) as far as Smithy's RPC v2 protocol has it: no tag but that of a time, no key but a text.
enum CBOR {
    /// Lists and maps inside one another.
    private static let depthMax = 32

    /// A whole text; nil for anything else, and for what has no place in a request.
    ///
    /// Times are numbers of seconds, bytes are refused.
    static func decode(_ bytes: [UInt8]) -> JSONValue? {
        var reader = Reader(rest: bytes[...])
        guard let value = reader.value(depth: 0), reader.rest.isEmpty else { return nil }
        return value
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>
        var count = 0

        mutating func value(depth: Int) -> JSONValue? {
            count += 1
            guard depth < depthMax, count <= JSONValue.valuesMax, let head = rest.popFirst() else { return nil }
            let (major, info) = (head >> 5, head & 0x1F)
            switch major {
            case 0: return length(info).map { .integer($0) }
            case 1: return length(info).flatMap { $0 <= Int64.max ? .integer(-1 - Int64($0)) : nil }
            case 3: return text(info).map { .string($0) }
            case 4: return list(info, depth: depth)
            case 5: return map(info, depth: depth)
            case 6:
                guard length(info) == 1, let time = value(depth: depth + 1), case .number = time else { return nil }
                return time
            case 7: return simple(info)
            default: return nil
            }
        }

        private mutating func length(_ info: UInt8) -> UInt64? {
            guard info >= 24 else { return UInt64(info) }
            guard info < 28 else { return nil }
            return bits(1 << Int(info - 24))
        }

        private mutating func bits(_ bytes: Int) -> UInt64? {
            guard rest.count >= bytes else { return nil }
            defer { rest = rest.dropFirst(bytes) }
            return rest.prefix(bytes).reduce(0) { $0 << 8 | UInt64($1) }
        }

        private mutating func text(_ info: UInt8) -> String? {
            guard let length = length(info), length <= UInt64(rest.count) else { return nil }
            defer { rest = rest.dropFirst(Int(length)) }
            return String(validating: rest.prefix(Int(length)), as: UTF8.self)
        }

        /// Whether another item follows; nil where the text is cut off.
        private mutating func hasNext(_ left: inout UInt64?) -> Bool? {
            if let known = left {
                guard known > 0 else { return false }
                left = known - 1
                return true
            }
            guard let next = rest.first else { return nil }
            guard next == 0xFF else { return true }
            rest = rest.dropFirst()
            return false
        }

        private mutating func items(_ info: UInt8) -> UInt64?? {
            info == 31 ? .some(nil) : length(info).map { .some($0) }
        }

        private mutating func list(_ info: UInt8, depth: Int) -> JSONValue? {
            guard var left = items(info) else { return nil }
            var values: [JSONValue] = []
            while true {
                guard let hasNext = hasNext(&left) else { return nil }
                guard hasNext else { return .array(values) }
                guard let value = value(depth: depth + 1) else { return nil }
                values.append(value)
            }
        }

        private mutating func map(_ info: UInt8, depth: Int) -> JSONValue? {
            guard var left = items(info) else { return nil }
            var members: [String: JSONValue] = [:]
            while true {
                guard let hasNext = hasNext(&left) else { return nil }
                guard hasNext else { return .object(members) }
                guard case .string(let name)? = value(depth: depth + 1), let value = value(depth: depth + 1) else {
                    return nil
                }
                members[name] = value
            }
        }

        private mutating func simple(_ info: UInt8) -> JSONValue? {
            switch info {
            case 20: return .bool(false)
            case 21: return .bool(true)
            case 22, 23: return .null
            case 26: return bits(4).flatMap { Self.number(Double(Float(bitPattern: UInt32($0)))) }
            case 27: return bits(8).flatMap { Self.number(Double(bitPattern: $0)) }
            default: return nil
            }
        }

        private static func number(_ value: Double) -> JSONValue? {
            guard value.isFinite else { return nil }
            return .number(Int64(exactly: value).map { String($0) } ?? String(value))
        }
    }

    // MARK: - Writing

    static func encode(_ value: CloudWatchValue) -> [UInt8] {
        var bytes: [UInt8] = []
        write(value, to: &bytes)
        return bytes
    }

    private static func write(_ value: CloudWatchValue, to bytes: inout [UInt8]) {
        switch value {
        case .text(let text): write(text, to: &bytes)
        case .number(let number): write(number, to: &bytes)
        case .time(let time):
            head(6, 1, to: &bytes)
            write(Double(time.millisecondsSinceEpoch) / 1_000, to: &bytes)
        case .list(let values):
            head(4, UInt64(values.count), to: &bytes)
            for value in values { write(value, to: &bytes) }
        case .structure(let members), .map(let members):
            head(5, UInt64(members.count), to: &bytes)
            for member in members {
                write(member.name, to: &bytes)
                write(member.value, to: &bytes)
            }
        }
    }

    private static func write(_ text: String, to bytes: inout [UInt8]) {
        head(3, UInt64(text.utf8.count), to: &bytes)
        bytes += text.utf8
    }

    private static func write(_ number: Double, to bytes: inout [UInt8]) {
        bytes.append(0xFB)
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: number.bitPattern >> UInt64(shift)))
        }
    }

    private static func head(_ major: UInt8, _ length: UInt64, to bytes: inout [UInt8]) {
        switch length {
        case 0..<24: bytes.append(major << 5 | UInt8(length))
        case 24..<0x100: bytes += [major << 5 | 24, UInt8(length)]
        default:
            bytes.append(major << 5 | 27)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: length >> UInt64(shift)))
            }
        }
    }
}
