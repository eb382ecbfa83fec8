// SPDX-License-Identifier: Apache-2.0
package import InvocationCore
import LambdaModel

/// A stream that records are read from: of Kinesis, or of a table of DynamoDB.
///
/// Its calls throw `StreamFailure`, and `CancellationError` where their task is cancelled.
package protocol RecordStream: Sendable {
    /// Most records of one read.
    var fetchMax: Int { get }

    /// Whether a closed shard of which a read brings nothing has been read to its end.
    ///
    /// Otherwise only the service's own word counts: its reads bring nothing now and then though there is more.
    var endsWhenEmpty: Bool { get }

    /// Between the beginnings of two reads of a shard while there is more.
    var busyPause: Duration { get }

    func shards() async throws -> [ShardSet.Shard]

    /// What reads from that position on.
    func iterator(_ shard: String, at position: StreamPosition) async throws -> String

    func records(_ iterator: String, max: Int) async throws -> StreamPage

    /// Waits while it is known that there is nothing to read, for less than a second or so: windows end between two reads.
    func wait(_ iterator: String) async throws
}

extension RecordStream {
    package var busyPause: Duration { ShardPoller.busyPause }

    /// Nothing is known: the service is asked.
    package func wait(_ iterator: String) async throws {}
}

/// What one read brought.
package struct StreamPage: Sendable {
    package var records: [StreamRecord]
    /// What reads on; nil at a closed shard's end.
    package var next: String?
    package var hasMore: Bool

    package init(records: [StreamRecord], next: String?, hasMore: Bool) {
        self.records = records
        self.next = next
        self.hasMore = hasMore
    }
}

/// Why a stream did not do what it was asked.
package struct StreamFailure: Error, Equatable, Sendable {
    /// As the service names it: `ResourceNotFoundException`, for example.
    package var code: String
    package var message: String
    /// For the server's log only.
    package var cause: String?

    package init(code: String, message: String, cause: String? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The service's own word for a stream that it does not have.
    static let notFound = "ResourceNotFoundException"
    /// An answer that is more than this server takes.
    static let tooLarge = "AnswerTooLarge"

    /// In words like those that Lambda has for queues.
    var problem: String { "Error occurred while reading the stream. Error Code: \(code). Error Message: \(message)" }
}

/// Where streams are found.
package protocol RecordStreams: Sendable {
    /// The stream of a mapping of that account; nil where it can't be read from here.
    func stream(_ source: EventSourcePlan.StreamSource, accountID: String) -> (any RecordStream)?
}

extension RecordStreams {
    /// Looks whether a stream is there; one that can't be asked for now says later, in its mapping, what is wrong.
    ///
    /// - Throws: `LambdaError.invalidParameterValue`, in AWS's words, where it is not.
    package func find(_ source: EventSourcePlan.StreamSource, accountID: String) async throws {
        do { _ = try await stream(source, accountID: accountID)?.shards() } catch let failure as StreamFailure {
            guard failure.code == StreamFailure.notFound else { return }
            throw LambdaError.invalidParameterValue(message: "Stream not found: \(source.arn)")
        }
    }
}

/// Where mappings keep how far they are in each shard.
package protocol StreamCheckpoints: Sendable {
    /// By shard; none for a mapping that is new.
    func positions(of mapping: EventSourceKey) async throws -> [String: StreamPosition]

    /// The window that was open at a shard's position; nil for none.
    func window(of shard: String, of mapping: EventSourceKey) async throws -> StreamWindow?

    /// A position and the window that is open there, both or neither; durable when this returns.
    ///
    /// Nothing where the mapping is gone.
    func save(
        _ position: StreamPosition,
        _ window: StreamWindow?,
        of shard: String,
        of mapping: EventSourceKey
    ) async throws

    /// Of shards that are not read yet, without windows; durable when this returns.
    ///
    /// Nothing where the mapping is gone.
    func save(_ positions: [String: StreamPosition], of mapping: EventSourceKey) async throws

    func forget(_ shards: [String], of mapping: EventSourceKey) async throws
}
