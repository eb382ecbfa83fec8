// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Crypto
import QueueCore

/// What a consumer speaks of a message by: one receive of it, from one queue, in a form that nobody else can make.
struct ReceiptHandle: Equatable {
    var id: Int64
    var receives: Int

    private static let numberBytes = 12
    private static let tagBytes = 16

    init(id: Int64, receives: Int) {
        self.id = id
        self.receives = receives
    }

    private var numbers: [UInt8] {
        let low = UInt32(clamping: receives)
        return (0..<8).map { UInt8(truncatingIfNeeded: id >> (56 - 8 * $0)) }
            + (0..<4).map { UInt8(truncatingIfNeeded: low >> (24 - 8 * $0)) }
    }

    private static func tag(_ numbers: some Sequence<UInt8>, _ queue: QueueKey, _ key: SymmetricKey) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array(queue.arn.utf8) + [0] + numbers, using: key).prefix(tagBytes))
    }

    func text(of queue: QueueKey, key: SymmetricKey) -> String {
        Base64.encode(numbers + Self.tag(numbers, queue, key))
    }

    /// nil for what `text` did not make for this queue.
    init?(_ text: String, of queue: QueueKey, key: SymmetricKey) {
        guard text.utf8.count <= 64, let bytes = Base64.decode(text),
            bytes.count == Self.numberBytes + Self.tagBytes
        else { return nil }
        let numbers = bytes[..<Self.numberBytes]
        // Compared in constant time: a handle must not be found byte by byte.
        let differing = zip(bytes[Self.numberBytes...], Self.tag(numbers, queue, key)).reduce(UInt8(0)) {
            $0 | ($1.0 ^ $1.1)
        }
        guard differing == 0 else { return nil }
        id = numbers[..<8].reduce(0) { $0 << 8 | Int64($1) }
        receives = numbers[8...].reduce(0) { $0 << 8 | Int($1) }
    }
}
