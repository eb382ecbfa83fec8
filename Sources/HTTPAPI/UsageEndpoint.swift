// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import HTTPTypes
import Hummingbird
import LambdaModel
import LogStore

extension LambdaAPI {
    /// `GET /_martlet/usage`: what the functions of an account used in a period, UTC: one JSON object a line.
    ///
    /// `month=YYYY-MM` (this one without), `day=YYYY-MM-DD`, or `from` and `to` in milliseconds since 1970. `by=day` tells days apart, each
    /// `tag=KEY` has the function's tag with the line, `round=MS` and `init=false` count time as a price list does.
    func usage(_ query: QueryParameters, _ caller: Caller) async throws -> Response {
        let request = try Self.usageQuery(query, caller, now: now())
        let keys = query.values("tag")
        guard keys.count <= Self.tagKeysMax else {
            throw LambdaError.invalidParameterValue(message: "tag is given at most \(Self.tagKeysMax) times.")
        }
        let lines: [UsageLine]
        do { lines = try await logs.usage(request) } catch LogStoreError.diskFull {
            throw LambdaError.service(message: "The server's disk is full: what was used last can't be read.")
        }
        let tags = try await keys.isEmpty ? [:] : controlPlane.functionTags(caller)
        var body: [UInt8] = []
        for line in lines {
            var members = Self.members(line)
            if request.isDaily { members["day"] = .string(Self.day(line.key.day)) }
            if !keys.isEmpty {
                let own = (tags[line.function.name] ?? [:]).filter { keys.contains($0.key) }
                members["tags"] = .object(own.mapValues { .string($0) })
            }
            body += JSONValue.object(members).bytes
            body.append(UInt8(ascii: "\n"))
        }
        return Response(
            status: .ok,
            headers: [.contentType: "application/x-ndjson"],
            body: .init(byteBuffer: ByteBuffer(bytes: body))
        )
    }

    private static let tagKeysMax = 10

    private static func usageQuery(
        _ query: QueryParameters,
        _ caller: Caller,
        now: Timestamp
    ) throws(LambdaError) -> UsageQuery {
        var request = UsageQuery(
            accountID: caller.accountID,
            region: caller.region,
            period: try period(query, now: now)
        )
        switch query["by"] {
        case nil: break
        case "day": request.isDaily = true
        case .some: throw .invalidParameterValue(message: "by must be day.")
        }
        if let text = query["round"] {
            guard let rounding = Int(text), (1...60_000).contains(rounding) else {
                throw .invalidParameterValue(message: "round must be from 1 to 60000 milliseconds.")
            }
            request.roundingMilliseconds = rounding
        }
        if let text = query["init"] {
            guard ["true", "false"].contains(text) else {
                throw .invalidParameterValue(message: "init must be true or false.")
            }
            request.billsInitialization = text == "true"
        }
        return request
    }

    private static func period(_ query: QueryParameters, now: Timestamp) throws(LambdaError) -> Range<Timestamp> {
        let given = ["month", "day", "from"].filter { query[$0] != nil }
        guard given.count <= 1, (query["from"] == nil) == (query["to"] == nil) else {
            throw .invalidParameterValue(message: "One of month, day, and from with to is given.")
        }
        if let day = query["day"] { return try self.day(day) }
        guard let from = query["from"], let to = query["to"] else { return try month(query["month"], now: now) }
        // To the end of the year 9999.
        let times = 0...Int64(253_402_300_800_000)
        guard let start = Int64(from), let end = Int64(to), start <= end, times.contains(start), times.contains(end)
        else {
            throw .invalidParameterValue(message: "from and to must be milliseconds since 1970, in ascending order.")
        }
        return Timestamp(millisecondsSinceEpoch: start)..<Timestamp(millisecondsSinceEpoch: end)
    }

    /// From the first moment of a month to the first moment of the next: `YYYY-MM`, or the month that is now.
    static func month(_ text: String?, now: Timestamp) throws(LambdaError) -> Range<Timestamp> {
        let text = text ?? String(now.iso8601().prefix(7))
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == 4, parts[1].utf8.count == 2, let year = Int(parts[0]),
            let month = Int(parts[1]), (1970...9998).contains(year),
            let start = BasicTime.parse("\(parts[0])\(parts[1])01T000000Z")
        else { throw .invalidParameterValue(message: "month must be YYYY-MM, for example 2025-01.") }
        let next = month == 12 ? (year + 1, 1) : (year, month + 1)
        let digits = next.1 < 10 ? "0\(next.1)" : "\(next.1)"
        guard let end = BasicTime.parse("\(next.0)\(digits)01T000000Z") else {
            throw .invalidParameterValue(message: "month must be YYYY-MM, for example 2025-01.")
        }
        return start..<end
    }

    /// The same of a day: `YYYY-MM-DD`.
    static func day(_ text: String) throws(LambdaError) -> Range<Timestamp> {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [4, 2, 2], let start = BasicTime.parse("\(parts.joined())T000000Z"),
            start.iso8601().hasPrefix(text)
        else { throw .invalidParameterValue(message: "day must be YYYY-MM-DD, for example 2025-01-31.") }
        return start..<start.advanced(by: .milliseconds(UsageLine.dayMilliseconds))
    }

    /// `2025-01-31`, from days since 1970.
    static func day(_ number: Int64) -> String {
        String(Timestamp(millisecondsSinceEpoch: number * UsageLine.dayMilliseconds).iso8601().prefix(10))
    }

    private static func members(_ line: UsageLine) -> [String: JSONValue] {
        [
            "function": .string(line.function.name), "functionArn": .string(line.function.arn),
            "version": .string(line.key.version), "memoryMiB": .integer(line.key.memoryMiB),
            "architecture": .string(line.key.architecture.rawValue), "requests": .integer(line.requests),
            "errors": .integer(line.errors), "timeouts": .integer(line.timeouts),
            "billedMilliseconds": .integer(line.billedMilliseconds),
            "provisionedBilledMilliseconds": .integer(line.provisionedBilledMilliseconds),
            "provisionedMilliseconds": .integer(line.provisionedMilliseconds),
            "ephemeralMebibyteMilliseconds": .integer(line.ephemeralMebibyteMilliseconds),
            "initMicroseconds": .integer(line.initMicroseconds), "gbSeconds": .number("\(line.gbSeconds)"),
            "provisionedGBSeconds": .number("\(line.provisionedGBSeconds)"),
            "ephemeralGBSeconds": .number("\(line.ephemeralGBSeconds)"),
            "egressBytes": .integer(line.egressBytes), "ingressBytes": .integer(line.ingressBytes),
            "asynchronousRequests": .integer(line.asynchronous), "records": .integer(line.records),
        ]
    }
}
