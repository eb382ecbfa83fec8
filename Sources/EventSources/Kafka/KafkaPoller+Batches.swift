// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore
import Invoker
import LambdaModel
import Logging

extension KafkaPoller {
    private static let failure = "Function call failed"

    func invoke(_ seat: GroupMember.Seat, _ numbers: [Int]) async {
        let records = numbers.compactMap { inHand[seat]?[$0] }
        let outcome = await outcome(seat, records, numbers)
        member.ended(seat, outcome, at: tools.now())
        ring()
    }

    private func outcome(
        _ seat: GroupMember.Seat,
        _ records: [Kept],
        _ numbers: [Int]
    ) async -> ShardPoller.Outcome {
        let event = event(seat, records)
        guard event.count <= LimitsProfile.synchronousPayloadBytesMax, !records.contains(where: \.isCut) else {
            // One record: a batch of several fits.
            attempts[seat] = nil
            note(seat, problem: "A record's event has more bytes than a function may be sent.")
            tools.logger.warning(
                "a record is discarded: its event has more bytes than a function may be sent",
                metadata: ["partition": "\(place(seat))", "offset": "\(records.first?.offset ?? -1)"]
            )
            return .unfit
        }
        let request = InvocationRequest(
            requestID: RandomIdentifier.uuid(),
            function: plan.function,
            qualifier: plan.qualifier,
            payload: event,
            origin: .eventSource(records: records.count)
        )
        let reports = source.reportsItemFailures
        do {
            let response = try await tools.invoke(request)
            attempts[seat] = DiscardedBatch.Attempt(
                requestID: request.requestID,
                executedVersion: response.executedVersion,
                isFunctionError: true
            )
            guard case .success(let payload) = response.outcome else {
                note(seat, problem: Self.failure)
                return .failed(from: nil)
            }
            switch reports ? failures(in: payload, seat, records) : .none {
            case .none:
                note(seat, problem: nil)
                return .succeeded
            case .all:
                attempts[seat]?.isFunctionError = false
                note(seat, problem: Self.failure)
                return .failed(from: nil)
            case .some(let failed):
                attempts[seat]?.isFunctionError = false
                note(seat, problem: Self.failure)
                let first = records.firstIndex { failed.contains(String($0.offset)) }
                return .failed(from: first.map { numbers[$0] })
            }
        } catch let error as LambdaError {
            note(seat, problem: error.wire.message)
            return .throttled
        } catch {
            tools.logger.error(
                "a batch's invocation failed",
                metadata: ["partition": "\(seat.partition)", "cause": "\(error)"]
            )
            return .throttled
        }
    }

    /// The function names an object: the topic's partition, as the event has it, and the offset.
    private func failures(in payload: [UInt8], _ seat: GroupMember.Seat, _ records: [Kept]) -> ItemFailures {
        let place = place(seat)
        return ItemFailures(parsing: payload, identifiers: Set(records.map { String($0.offset) })) { identifier in
            guard identifier["partition"]?.string == place, case .number(let offset) = identifier["offset"] else {
                return nil
            }
            return offset
        }
    }

    private func event(_ seat: GroupMember.Seat, _ records: [Kept]) -> [UInt8] {
        KafkaEvent(servers: source.servers, topic: source.topic, partition: seat.partition)
            .bytes(records.map(\.bytes))
    }

    private func place(_ seat: GroupMember.Seat) -> String { "\(source.topic)-\(seat.partition)" }

    // MARK: Discarding

    func discard(
        _ seat: GroupMember.Seat,
        _ numbers: [Int],
        _ reason: ShardPoller.Reason,
        _ invocations: Int
    ) async {
        let records = numbers.compactMap { inHand[seat]?[$0] }
        let event = event(seat, records)
        let batch = DiscardedBatch(
            plan: plan,
            destination: source.destination,
            place: place(seat),
            info: info(seat, records, eventBytes: event.count),
            reason: reason,
            invocations: invocations,
            attempt: invocations > 0 ? attempts[seat] : nil,
            event: event,
            time: tools.time()
        )
        if await isTold(batch.message(), seat) {
            member.discarded(seat, at: tools.now())
        } else {
            member.undone(seat)
        }
        ring()
    }

    /// https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure.html has an example.
    private func info(_ seat: GroupMember.Seat, _ records: [Kept], eventBytes: Int) -> DiscardedBatch.Info {
        var range: [String: JSONValue] = [:]
        if let first = records.first, let last = records.last {
            range = [
                "firstRecordOffset": .string(String(first.offset)), "lastRecordOffset": .string(String(last.offset)),
                "firstRecordTimestamp": .string(first.arrival.iso8601()),
                "lastRecordTimestamp": .string(last.arrival.iso8601()),
            ]
        }
        return DiscardedBatch.Info(
            name: "KafkaBatchInfo",
            value: .object([
                "batchSize": .integer(records.count),
                "bootstrapServers": .string(source.servers.joined(separator: ",")),
                "payloadSize": .integer(eventBytes), "recordsInfo": .object([place(seat): .object(range)]),
            ])
        )
    }

    private func isTold(_ message: DestinationMessage?, _ seat: GroupMember.Seat) async -> Bool {
        guard let message else { return true }
        guard !member.isStopping else { return false }
        let delivery = Task { [tools, place = ("partition", place(seat))] in
            await tools.delivery.deliver(message, from: place)
        }
        discards[seat] = delivery
        defer { discards[seat] = nil }
        return await withTaskCancellationHandler {
            await delivery.value
        } onCancel: {
            delivery.cancel()
        }
    }
}
