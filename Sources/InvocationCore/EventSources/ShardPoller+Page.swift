// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

extension ShardPoller {
    package struct Record: Equatable, Sendable {
        package var number: Int
        package var sequence: String
        /// In the event.
        package var bytes: Int
        /// When it was received from the stream.
        package var age: Duration
        /// When it came to the stream.
        package var arrival: Timestamp
        /// The same for all records of a partition key.
        package var lane: Int

        package init(number: Int, sequence: String, bytes: Int, age: Duration, arrival: Timestamp, lane: Int = 0) {
            self.number = number
            self.sequence = sequence
            self.bytes = bytes
            self.age = age
            self.arrival = arrival
            self.lane = lane
        }
    }

    /// What one read brought.
    package struct Page: Equatable, Sendable {
        /// Those that a filter lets through.
        package var records: [Record]
        /// The sequence number of the last record, whether or not it was let through; nil where there was none.
        package var last: String?
        /// When the last one came to the stream, also where it is older than the mapping; nil where the read brought nothing.
        package var lastArrival: Timestamp?
        /// Whether there is more at once.
        package var hasMore: Bool
        /// Whether the shard is closed and has no more.
        package var isEnd: Bool
        /// When the read began, by the clock that records' arrivals are told by.
        package var began: Timestamp

        package init(
            records: [Record],
            last: String?,
            lastArrival: Timestamp?,
            hasMore: Bool,
            isEnd: Bool,
            began: Timestamp
        ) {
            self.records = records
            self.last = last
            self.lastArrival = lastArrival
            self.hasMore = hasMore
            self.isEnd = isEnd
            self.began = began
        }
    }
}
