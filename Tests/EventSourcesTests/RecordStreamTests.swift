// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore
import LambdaModel
import Testing

@testable import EventSources

/// A stream that is asked for its shards only.
private struct ListedStream: RecordStream, RecordStreams {
    let outcome: Result<[ShardSet.Shard], StreamFailure>

    var fetchMax: Int { 1 }
    var endsWhenEmpty: Bool { true }

    func stream(_ source: EventSourcePlan.StreamSource, accountID: String) -> (any RecordStream)? { self }
    func shards() async throws -> [ShardSet.Shard] { try outcome.get() }
    func iterator(_ shard: String, at position: StreamPosition) async throws -> String { "" }
    func records(_ iterator: String, max: Int) async throws -> StreamPage {
        StreamPage(records: [], next: nil, hasMore: false)
    }
}

private struct NoStreams: RecordStreams {
    func stream(_ source: EventSourcePlan.StreamSource, accountID: String) -> (any RecordStream)? { nil }
}

struct RecordStreamTests {
    private static let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s"

    private func refusal(_ streams: some RecordStreams) async throws -> LambdaError? {
        do {
            try await streams.find(
                .init(kind: .kinesis, arn: Self.arn, start: .latest, settings: .init(batchSize: 1), destination: nil),
                accountID: "000000000000"
            )
            return nil
        } catch let error as LambdaError {
            return error
        }
    }

    @Test func `a stream that its service does not have is not found`() async throws {
        let absent = ListedStream(outcome: .failure(.init(code: "ResourceNotFoundException", message: "no s")))
        #expect(
            try await refusal(absent) == .invalidParameterValue(message: "Stream not found: \(Self.arn)")
        )
    }

    @Test func `what is there, and what can't be asked, is let through`() async throws {
        #expect(try await refusal(ListedStream(outcome: .success([]))) == nil)
        let away = StreamFailure(code: "ServiceUnavailable", message: "The stream's server does not answer.")
        #expect(try await refusal(ListedStream(outcome: .failure(away))) == nil)
        #expect(try await refusal(NoStreams()) == nil)
    }
}
