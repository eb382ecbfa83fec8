// SPDX-License-Identifier: Apache-2.0

/// What a message carries: nothing that a queue decides by.
package struct MessageContent: Equatable, Sendable {
    package struct Attribute: Equatable, Sendable {
        package enum Value: Equatable, Sendable {
            case string(String)
            case binary([UInt8])
        }

        /// `String`, `Number` or `Binary`, with or without a label of the sender's: `String.json`.
        package var type: String
        package var value: Value

        package init(type: String, value: Value) {
            self.type = type
            self.value = value
        }

        var byteCount: Int {
            switch value {
            case .string(let text): type.utf8.count + text.utf8.count
            case .binary(let bytes): type.utf8.count + bytes.count
            }
        }
    }

    package var body: String
    package var attributes: [String: Attribute]
    package var senderID: String
    package var groupID: String?
    package var deduplicationID: String?
    package var traceHeader: String?

    package init(
        body: String,
        attributes: [String: Attribute] = [:],
        senderID: String,
        groupID: String? = nil,
        deduplicationID: String? = nil,
        traceHeader: String? = nil
    ) {
        self.body = body
        self.attributes = attributes
        self.senderID = senderID
        self.groupID = groupID
        self.deduplicationID = deduplicationID
        self.traceHeader = traceHeader
    }

    /// Body and attributes with their names and types, which together are a message's size.
    package var byteCount: Int {
        attributes.reduce(body.utf8.count) { $0 + $1.key.utf8.count + $1.value.byteCount }
    }
}

// MARK: - As bytes

extension MessageContent {
    private static let version: UInt8 = 1

    /// Each part with its length before it, in 32 bits, big-endian; what is absent has the length 2^32 - 1.
    package var bytes: [UInt8] {
        var bytes = [Self.version]
        bytes.reserveCapacity(byteCount + 256)
        func number(_ value: UInt32) {
            for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
        }
        func part(_ part: (some Collection<UInt8>)?) {
            guard let part else { return number(.max) }
            number(UInt32(part.count))
            bytes += part
        }
        part(body.utf8)
        part(senderID.utf8)
        for text in [groupID, deduplicationID, traceHeader] { part(text?.utf8) }
        number(UInt32(attributes.count))
        for (name, attribute) in attributes {
            part(name.utf8)
            part(attribute.type.utf8)
            switch attribute.value {
            case .string(let text):
                bytes.append(0)
                part(text.utf8)
            case .binary(let value):
                bytes.append(1)
                part(value)
            }
        }
        return bytes
    }

    /// nil for what `bytes` would not have made.
    package init?(bytes: [UInt8]) {
        var reader = Reader(bytes: bytes)
        guard reader.byte() == Self.version, let body = reader.text(), let sender = reader.text() else { return nil }
        self.init(body: body, senderID: sender)
        for path in [\Self.groupID, \.deduplicationID, \.traceHeader] {
            guard let part = reader.part() else { return nil }
            self[keyPath: path] = part.map { String(decoding: $0, as: UTF8.self) }
        }
        guard let count = reader.number(), count <= UInt32(MessageRules.attributesMax) else { return nil }
        for _ in 0..<count {
            guard let name = reader.text(), let type = reader.text(), let kind = reader.byte(),
                let part = reader.part(), let value = part
            else { return nil }
            attributes[name] = Attribute(
                type: type,
                value: kind == 0 ? .string(String(decoding: value, as: UTF8.self)) : .binary(Array(value))
            )
        }
        guard reader.isAtEnd else { return nil }
    }

    private struct Reader {
        let bytes: [UInt8]
        var offset = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        var isAtEnd: Bool { offset == bytes.count }

        mutating func byte() -> UInt8? {
            guard offset < bytes.count else { return nil }
            defer { offset += 1 }
            return bytes[offset]
        }

        mutating func number() -> UInt32? {
            guard bytes.count - offset >= 4 else { return nil }
            defer { offset += 4 }
            return bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
        }

        /// nil within for an absent part.
        mutating func part() -> ArraySlice<UInt8>?? {
            guard let count = number() else { return nil }
            if count == .max { return .some(nil) }
            guard bytes.count - offset >= Int(count) else { return nil }
            defer { offset += Int(count) }
            return bytes[offset..<offset + Int(count)]
        }

        mutating func text() -> String? {
            guard let part = part(), let bytes = part else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}
