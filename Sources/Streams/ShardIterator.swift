// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Crypto
import LambdaModel
import StreamCore

/// A place in a shard, or in a listing of shards, as a caller holds it: a text that tells nothing, and that nobody else can make.
struct SealedToken {
    private static let version: UInt8 = 1
    /// A stream's ARN has 200 at most.
    private static let textBytesMax = 512

    /// AES-256-GCM under a key for this use alone.
    static func seal(_ plain: [UInt8], _ key: SymmetricKey) throws -> String {
        let box = try AES.GCM.seal(plain, using: key, authenticating: [version])
        return Base64.encode([version] + Array(box.nonce) + box.ciphertext + box.tag)
    }

    /// nil for what `seal` did not make with that key.
    static func open(_ text: String, _ key: SymmetricKey) -> [UInt8]? {
        guard text.utf8.count <= textBytesMax, let bytes = Base64.decode(text), bytes.first == version,
            let box = try? AES.GCM.SealedBox(combined: bytes.dropFirst()),
            let plain = try? AES.GCM.open(box, using: key, authenticating: [version])
        else { return nil }
        return Array(plain)
    }
}

/// Numbers of 64 bits, big-endian, and a text after them.
private struct TokenFields {
    var numbers: [Int64]
    var text: String

    var bytes: [UInt8] {
        numbers.flatMap { number in (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) } } + text.utf8
    }

    init(_ numbers: [Int64], _ text: String) {
        self.numbers = numbers
        self.text = text
    }

    init?(_ bytes: [UInt8], count: Int) {
        guard bytes.count >= 8 * count, let text = String(validating: bytes[(8 * count)...], as: UTF8.self) else {
            return nil
        }
        numbers = (0..<count).map { index in bytes[8 * index..<8 * index + 8].reduce(0) { $0 << 8 | Int64($1) } }
        self.text = text
    }
}

/// From where on a shard is read, for five minutes.
struct ShardIterator: Equatable {
    var stream: StreamKey
    /// The shard's number in the store: that of another stream under the same name is another one.
    var shard: Int64
    var position: ShardPosition
    var issued: Timestamp

    private var fields: TokenFields {
        let (kind, value): (Int64, Int64) =
            switch position {
            case .after(let id): (0, id)
            case .since(let time): (1, time.millisecondsSinceEpoch)
            }
        return TokenFields([kind, value, shard, issued.millisecondsSinceEpoch], stream.arn)
    }

    func text(_ key: SymmetricKey) throws -> String { try SealedToken.seal(fields.bytes, key) }
}

extension ShardIterator {
    /// nil for what `text` did not make.
    init?(_ text: String, _ key: SymmetricKey) {
        guard let plain = SealedToken.open(text, key), let fields = TokenFields(plain, count: 4),
            let stream = StreamKey(arn: fields.text)
        else { return nil }
        let position: ShardPosition
        switch fields.numbers[0] {
        case 0: position = .after(fields.numbers[1])
        case 1: position = .since(Timestamp(millisecondsSinceEpoch: fields.numbers[1]))
        default: return nil
        }
        self.init(
            stream: stream,
            shard: fields.numbers[2],
            position: position,
            issued: Timestamp(millisecondsSinceEpoch: fields.numbers[3])
        )
    }
}

/// Where a listing of shards goes on, for five minutes.
struct ShardListToken: Equatable {
    var stream: StreamKey
    /// When the stream was made, so that one that was made anew is told apart.
    var created: Timestamp
    var after: Int
    var filter: ShardMap.Filter
    var issued: Timestamp

    private var fields: TokenFields {
        let (kind, value): (Int64, Int64) =
            switch filter {
            case .all: (0, 0)
            case .after(let number): (1, Int64(number))
            case .latest: (2, 0)
            case .at(let time): (3, time.millisecondsSinceEpoch)
            case .from(let time): (4, time.millisecondsSinceEpoch)
            case .atTrimHorizon: (5, 0)
            }
        return TokenFields(
            [kind, value, Int64(after), created.millisecondsSinceEpoch, issued.millisecondsSinceEpoch],
            stream.arn
        )
    }

    func text(_ key: SymmetricKey) throws -> String { try SealedToken.seal(fields.bytes, key) }
}

extension ShardListToken {
    /// nil for what `text` did not make.
    init?(_ text: String, _ key: SymmetricKey) {
        guard let plain = SealedToken.open(text, key), let fields = TokenFields(plain, count: 5),
            let stream = StreamKey(arn: fields.text), let after = Int(exactly: fields.numbers[2])
        else { return nil }
        let value = fields.numbers[1]
        let filter: ShardMap.Filter
        switch fields.numbers[0] {
        case 0: filter = .all
        case 1: filter = .after(Int(value))
        case 2: filter = .latest
        case 3: filter = .at(Timestamp(millisecondsSinceEpoch: value))
        case 4: filter = .from(Timestamp(millisecondsSinceEpoch: value))
        case 5: filter = .atTrimHorizon
        default: return nil
        }
        self.init(
            stream: stream,
            created: Timestamp(millisecondsSinceEpoch: fields.numbers[3]),
            after: after,
            filter: filter,
            issued: Timestamp(millisecondsSinceEpoch: fields.numbers[4])
        )
    }
}
