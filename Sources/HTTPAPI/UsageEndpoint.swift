// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import HTTPTypes
import Hummingbird
import LambdaModel
import LogStore

extension LambdaAPI {
    /// What the functions of an account used in one month, UTC: one JSON object a line.
    func usage(_ query: QueryParameters, _ caller: Caller) async throws -> Response {
        let month = try Self.month(query["month"], now: now())
        let lines = try await logs.usage(
            from: month.lowerBound,
            to: month.upperBound,
            accountID: caller.accountID,
            region: caller.region
        )
        var body: [UInt8] = []
        for line in lines {
            body += Self.json(line).bytes
            body.append(UInt8(ascii: "\n"))
        }
        return Response(
            status: .ok,
            headers: [.contentType: "application/x-ndjson"],
            body: .init(byteBuffer: ByteBuffer(bytes: body))
        )
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
}

extension LambdaAPI {
    private static func json(_ line: UsageLine) -> JSONValue {
        .object([
            "function": .string(line.function.name), "functionArn": .string(line.function.arn),
            "version": .string(line.version), "memoryMiB": .integer(line.memoryMiB),
            "architecture": .string(line.architecture.rawValue), "requests": .integer(line.requests),
            "errors": .integer(line.errors), "timeouts": .integer(line.timeouts),
            "billedMilliseconds": .integer(line.billedMilliseconds),
            "initMilliseconds": .integer(line.initMilliseconds), "gbSeconds": .number("\(line.gbSeconds)"),
            "ephemeralGBSeconds": .number("\(line.ephemeralGBSeconds)"),
            "egressBytes": .integer(line.egressBytes), "ingressBytes": .integer(line.ingressBytes),
        ])
    }
}
