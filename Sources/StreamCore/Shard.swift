// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// A shard of a stream: which hash keys it takes, when, and of what it was made.
package struct Shard: Equatable, Sendable {
    /// Its number in the store; zero for one that is not there yet.
    package var row: Int64
    /// In its stream, from 0.
    package var number: Int
    package var range: HashKeyRange
    /// What was split, or the two that were merged, the one that was named first at first.
    package var parents: [Int]
    /// Seconds since 1970, later than those of its parents: what its sequence numbers begin with.
    package var created: Int64
    package var opened: Timestamp
    /// Nil while it takes records.
    package var closed: Timestamp?

    package init(
        row: Int64 = 0,
        number: Int,
        range: HashKeyRange,
        parents: [Int] = [],
        created: Int64,
        opened: Timestamp,
        closed: Timestamp? = nil
    ) {
        self.row = row
        self.number = number
        self.range = range
        self.parents = parents
        self.created = created
        self.opened = opened
        self.closed = closed
    }

    package var isOpen: Bool { closed == nil }
    package var id: String { Self.id(number) }

    package static func id(_ number: Int) -> String {
        let digits = String(number)
        return "shardId-" + String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    }

    /// The number in an id, with or without what is before its digits; nil for what is none.
    package static func number(_ id: String) -> Int? {
        let digits = id.firstIndex(of: "-").map { id[id.index(after: $0)...] } ?? id[...]
        guard (1...12).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }),
            let number = Int(digits), number <= Int32.max
        else { return nil }
        return number
    }

    /// Of the record with that number in the store, which came at `time`.
    package func sequenceNumber(_ record: Int64, _ time: Timestamp) -> SequenceNumber {
        SequenceNumber(
            shardCreated: created,
            shard: number,
            record: record,
            time: time.millisecondsSinceEpoch / 1_000
        )
    }

    /// Smaller than those of all its records.
    package var firstSequenceNumber: SequenceNumber {
        SequenceNumber(shardCreated: created, shard: number, record: 0, time: created)
    }

    /// Larger than those of all its records; nil while there may be more.
    package var lastSequenceNumber: SequenceNumber? {
        closed.map { sequenceNumber(SequenceNumber.lastRecord, $0) }
    }
}
