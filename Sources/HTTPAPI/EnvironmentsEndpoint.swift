// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import Hummingbird
package import InvocationCore
import LambdaModel
import LogStore

/// `GET /_martlet/environments`: which execution environments there are now, and what functions have done lately.
extension LambdaAPI {
    package typealias Environments = @Sendable (_ accountID: String, _ region: String) async -> EnvironmentsStatus

    private static let windows = 1...300

    /// Of the caller's account and region; `window=SECONDS` (10) says how far back what has ended counts.
    func environments(_ call: Call) async throws -> Response {
        try await authorize(call, [.init("martlet:ListEnvironments")])
        let caller = call.caller
        guard let window = Int(call.query["window"] ?? "10"), Self.windows.contains(window) else {
            throw LambdaError.invalidParameterValue(
                message: "window must be from \(Self.windows.lowerBound) to \(Self.windows.upperBound) seconds."
            )
        }
        let time = now()
        let start = time.advanced(by: .seconds(-window))
        let recent = try await recentInvocations(since: start, caller)
        let status = await environmentsStatus(caller.accountID, caller.region)
        // Where only the newest are looked at, the time in which they ended is shorter.
        let milliseconds = max(1, time.millisecondsSinceEpoch - (recent?.since ?? start).millisecondsSinceEpoch)
        let ended = recent?.functions ?? [:]
        let names = Set(status.counts.keys.map(\.name)).union(ended.keys).sorted()
        let functions = names.map { name -> JSONValue in
            let key = FunctionKey(accountID: caller.accountID, region: caller.region, name: name)
            var members = recent == nil ? [:] : Self.members(ended[name], milliseconds)
            members["FunctionName"] = .string(name)
            members["ConcurrentExecutions"] = .integer(status.invocations[key] ?? 0)
            let counts = status.counts[key] ?? [:]
            members["Environments"] = .object(
                Dictionary(uniqueKeysWithValues: counts.map { ($0.key.rawValue, JSONValue.integer($0.value)) })
            )
            return .object(members)
        }
        var members: [String: JSONValue] = [
            "Functions": .array(functions),
            "Environments": .array(status.environments.map { .object(Self.members($0)) }),
            "IsTruncated": .bool(status.isTruncated), "WindowMilliseconds": .integer(milliseconds),
        ]
        // All accounts' together: what the others do is nobody else's business.
        if caller.isAdministrator {
            members["MemoryInUseMiB"] = .integer(status.memoryInUseMiB)
            members["MemoryMaxMiB"] = .integer(status.memoryMaxMiB)
        }
        return Self.json(.object(members))
    }

    /// nil where what came last can't be read, on a full disk above all: what runs is shown none the less.
    private func recentInvocations(
        since start: Timestamp,
        _ caller: Caller
    ) async throws -> (functions: [String: RecentInvocations], since: Timestamp)? {
        do {
            return try await logs.recentInvocations(since: start, accountID: caller.accountID, region: caller.region)
        } catch is LogStoreError { return nil }
    }

    private static func members(_ recent: RecentInvocations?, _ milliseconds: Int64) -> [String: JSONValue] {
        guard let recent else { return ["Invocations": .integer(0), "Errors": .integer(0)] }
        let rate = Int64(recent.count) * 100_000 / milliseconds
        return [
            "Invocations": .integer(recent.count), "Errors": .integer(recent.errors),
            "InvocationsPerSecond": .number(decimal(rate, per: 100)),
            "DurationMedianMs": .number(decimal(recent.median, per: 1_000)),
            "Duration95thPercentileMs": .number(decimal(recent.percentile95, per: 1_000)),
        ]
    }

    private static func members(_ environment: EnvironmentStatus) -> [String: JSONValue] {
        [
            "EnvironmentId": .integer(environment.id.number), "FunctionName": .string(environment.function.name),
            "Version": .string(environment.version), "State": .string(environment.state.rawValue),
            "IsProvisioned": .bool(environment.isProvisioned), "MemoryMiB": .integer(environment.memoryMiB),
            "ReckonedMemoryMiB": .integer(environment.reckonedMiB), "LogGroupName": .string(environment.logGroup),
            "LogStreamName": .string(environment.logStream),
        ]
    }

    /// `12.05` of 1,205 hundredths.
    private static func decimal(_ value: Int64, per scale: Int64) -> String {
        let rest = String(scale + value % scale).dropFirst()
        return "\(value / scale).\(rest)"
    }
}
