// SPDX-License-Identifier: Apache-2.0
import AWSWire
import EventPattern
import LambdaModel
import ScheduleCore
import ScheduleStore

/// Events on the default bus, for the rules that have a pattern.
extension ScheduleService {
    private static let entriesMax = 10
    /// Of all entries of a request together, EventBridge's limit.
    private static let bytesMax = 262_144
    /// Of all that follows from a request.
    private static let deliveredBytesMax = 32 << 20

    /// Takes events: what follows from all of them is durable when this returns, and nothing follows where it throws.
    func putEvents(_ input: ScheduleInput, _ caller: ScheduleCaller) async throws -> JSONValue? {
        let entries = try input.objects("Entries") ?? []
        guard (1...Self.entriesMax).contains(entries.count) else {
            throw ScheduleError(
                .validation,
                "1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length "
                    + "between 1 and \(Self.entriesMax)"
            )
        }
        let now = now()
        let events = try entries.map { try Self.event($0, caller, now) }
        let bytes = events.reduce(0) { sum, event in
            if case .success(let event) = event { sum + event.bytes.count } else { sum }
        }
        guard bytes <= Self.bytesMax else {
            throw ScheduleError(.validation, "Total size of the entries in the request is over the limit.")
        }
        try await deliver(events, caller, now)
        let answers = events.map { event -> JSONValue in
            switch event {
            case .success(let event): .object(["EventId": event["id"] ?? .null])
            case .failure(let refusal):
                .object(["ErrorCode": .string(refusal.code), "ErrorMessage": .string(refusal.message)])
            }
        }
        let failures = events.count { if case .failure = $0 { true } else { false } }
        return .object(["FailedEntryCount": .integer(failures), "Entries": .array(answers)])
    }

    private func deliver(
        _ events: [Result<JSONValue, EntryRefusal>],
        _ caller: ScheduleCaller,
        _ now: Timestamp
    ) async throws {
        let rules = try await store.rulesWithPattern(
            accountID: caller.accountID,
            region: caller.region,
            unreadable: unreadable
        ).compactMap { record in
            record.definition.eventPattern.flatMap { try? EventPattern(parsing: $0) }.map { (record, $0) }
        }
        var deliveries: [ScheduleDelivery] = []
        var bytes = 0
        for case .success(let event) in events {
            for (record, pattern) in rules where pattern.matches(event) {
                for target in record.definition.targets {
                    let payload = TargetInput.payload(of: event, for: target, rule: record.key, received: now)
                    bytes += payload.utf8.count
                    guard bytes <= Self.deliveredBytesMax else {
                        throw ScheduleError(.validation, "More than \(Self.deliveredBytesMax) bytes would follow.")
                    }
                    deliveries.append(
                        ScheduleDelivery(
                            id: RandomIdentifier.uuid(),
                            source: record.key,
                            target: target,
                            payload: payload,
                            occurred: now,
                            due: now
                        )
                    )
                }
            }
        }
        guard !deliveries.isEmpty else { return }
        try await store.add(deliveries, now: now)
        bell.ring()
    }

    private struct EntryRefusal: Error {
        var code: String
        var message: String
    }

    /// 1 to 9999, as an event writes them.
    private static let years =
        Timestamp(millisecondsSinceEpoch: -62_135_596_800_000)..<Timestamp(millisecondsSinceEpoch: 253_402_300_800_000)

    private static func event(
        _ entry: ScheduleInput,
        _ caller: ScheduleCaller,
        _ now: Timestamp
    ) throws -> Result<JSONValue, EntryRefusal> {
        try checkBus(entry, caller)
        func missing(_ name: String) -> Result<JSONValue, EntryRefusal> {
            .failure(
                .init(
                    code: "InvalidArgument",
                    message: "Parameter \(name) is not valid. Reason: \(name) is a required argument."
                )
            )
        }
        guard let source = try entry.string("Source"), !source.isEmpty else { return missing("Source") }
        guard let type = try entry.string("DetailType"), !type.isEmpty else { return missing("DetailType") }
        guard let text = try entry.string("Detail"), !text.isEmpty else { return missing("Detail") }
        guard let detail = try? JSONValue(parsing: Array(text.utf8)), detail.object != nil else {
            return .failure(.init(code: "MalformedDetail", message: "Detail is malformed."))
        }
        guard !source.hasPrefix("aws.") else {
            return .failure(
                .init(
                    code: "NotAuthorizedForSourceException",
                    message: "Not authorized for the source."
                )
            )
        }
        let time = try entry.time("Time") ?? now
        guard years.contains(time) else {
            return .failure(.init(code: "InvalidArgument", message: "Parameter Time is not valid."))
        }
        let resources = try entry.strings("Resources") ?? []
        return .success(
            .object([
                "version": .string("0"), "id": .string(RandomIdentifier.uuid()), "detail-type": .string(type),
                "source": .string(source), "account": .string(caller.accountID),
                "time": .string(time.seconds), "region": .string(caller.region),
                "resources": .array(resources.map(JSONValue.string)), "detail": detail,
            ])
        )
    }

    func testEventPattern(_ input: ScheduleInput) throws -> JSONValue {
        let pattern = try Self.compiled(input.string("EventPattern") ?? "")
        guard let event = try? JSONValue(parsing: Array((try input.string("Event") ?? "").utf8)), event.object != nil
        else { throw ScheduleError(.validation, "Parameter Event is not valid.") }
        return .object(["Result": .bool(pattern.matches(event))])
    }
}
