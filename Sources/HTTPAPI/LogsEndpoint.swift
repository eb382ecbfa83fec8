// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import HTTPTypes
import Hummingbird
import LambdaModel
import LogStore

extension LambdaAPI {
    /// Events of one answer, at most; also what is sent when no limit is asked for.
    static let logEventsMax = 10_000
    /// An answer ends after the event that takes its messages to this many bytes.
    static let logBytesMax = 1_048_576
    /// Read from the store at one time.
    private static let logPage = 100

    /// CloudWatch Logs' FilterLogEvents, without patterns.
    func filterLogEvents(_ call: Call, _ caller: Caller) async throws -> Response {
        let request = try RequestMembers(body: call.body)
        let name = try Self.groupName(request, caller)
        let arn = ARN(
            service: "logs",
            region: caller.region,
            accountID: caller.accountID,
            resource: "log-group:\(name):log-stream:"
        )
        try await authorize(call, [.init("logs:FilterLogEvents", arn.description)])
        if let pattern = try request.string("filterPattern"), !pattern.isEmpty {
            throw LambdaError.invalidParameterValue(
                message: "filterPattern is not available in this version of Martlet: leave it out or empty."
            )
        }
        if let prefix = try request.string("logStreamNamePrefix"), !prefix.isEmpty {
            throw LambdaError.invalidParameterValue(
                message: "logStreamNamePrefix is not available in this version of Martlet."
            )
        }
        let streams = try request.strings("logStreamNames") ?? []
        guard streams.count <= 1 else {
            throw LambdaError.invalidParameterValue(
                message: "More than one of logStreamNames is not available in this version of Martlet."
            )
        }
        let limit = try request.integer("limit") ?? Self.logEventsMax
        guard (1...Self.logEventsMax).contains(limit) else {
            throw LambdaError.invalidParameterValue(message: "limit must be a number from 1 to \(Self.logEventsMax)")
        }
        let group = LogGroupKey(accountID: caller.accountID, region: caller.region, name: name)
        let start = try Self.time(request, "startTime")
        let end = try Self.time(request, "endTime")
        var cursor = try request.string("nextToken")
        var items: [JSONValue] = []
        var bytes = 0
        repeat {
            let page: (events: [StoredLogEvent], cursor: String?)
            do {
                page = try await logs.events(
                    group,
                    stream: streams.first,
                    startTime: start,
                    endTime: end,
                    after: cursor,
                    limit: min(Self.logPage, limit - items.count)
                )
            } catch LogStoreError.invalidCursor {
                throw LambdaError.invalidParameterValue(message: "The specified nextToken is invalid.")
            }
            for event in page.events {
                bytes += event.message.utf8.count
                items.append(Self.json(event))
            }
            cursor = page.cursor
        } while cursor != nil && items.count < limit && bytes < Self.logBytesMax
        var members: [String: JSONValue] = ["events": .array(items), "searchedLogStreams": .array([])]
        members["nextToken"] = cursor.map(JSONValue.string)
        return Response(
            status: .ok,
            headers: [.contentType: "application/x-amz-json-1.1"],
            body: .init(byteBuffer: ByteBuffer(bytes: JSONValue.object(members).bytes))
        )
    }

    /// From `logGroupName`, or from `logGroupIdentifier`: a name or an ARN, of the caller's own in its region.
    private static func groupName(_ request: RequestMembers, _ caller: Caller) throws(LambdaError) -> String {
        if let name = try request.string("logGroupName"), !name.isEmpty { return name }
        guard let identifier = try request.string("logGroupIdentifier"), !identifier.isEmpty else {
            throw .invalidParameterValue(message: "logGroupName must be given.")
        }
        guard let arn = ARN(identifier), arn.service == "logs" else { return identifier }
        let parts = arn.resourceParts
        guard parts.count >= 2, parts[0] == "log-group", arn.accountID == caller.accountID, arn.region == caller.region
        else { throw .resourceNotFound(message: "The specified log group does not exist.") }
        return parts[1]
    }

    private static func time(_ request: RequestMembers, _ name: String) throws(LambdaError) -> Timestamp? {
        guard let milliseconds = try request.integer(name) else { return nil }
        guard milliseconds >= 0 else { throw .invalidParameterValue(message: "\(name) must not be negative.") }
        return Timestamp(millisecondsSinceEpoch: Int64(milliseconds))
    }

    private static func json(_ event: StoredLogEvent) -> JSONValue {
        .object([
            "eventId": .string("\(event.id)"), "logStreamName": .string(event.stream),
            "message": .string(event.message), "timestamp": .integer(event.timestamp.millisecondsSinceEpoch),
            "ingestionTime": .integer(event.ingestionTime.millisecondsSinceEpoch),
        ])
    }
}
