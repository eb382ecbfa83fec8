// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Foundation
import LambdaModel

/// Brings an alias to a new version, step by step, and back where that has errors.
///
/// One that is interrupted leaves the alias at its step; the next begins at the version that it has.
struct AliasRollout: Sendable {
    /// So often errors are looked for.
    private static let lookInterval = Duration.seconds(2)
    /// How far our clock may be from the server's.
    private static let clockErrorMax = Duration.seconds(2 * 3_600)

    var function: String
    var alias: String
    var shift: AliasShift
    var errorsMax: Int64

    /// - Returns: what became of it, for the terminal.
    func run(_ client: LambdaClient, to version: String) async throws -> String {
        let path = LambdaPath.alias(function, alias)
        let present: JSONValue
        do { present = try await client.send(.get, path).json() } catch let error as ClientError
            where error.status == 404
        {
            _ = try await client.send(
                .post,
                LambdaPath.aliases(function),
                ["Name": .string(alias), "FunctionVersion": .string(version)]
            )
            return "Alias \(alias) is new, at version \(version)"
        }
        guard let old = present["FunctionVersion"]?.string else { throw ClientError("The alias has no version.") }
        guard old != version else {
            try await point(client, path, to: old)
            return "Alias \(alias) is at version \(version) already"
        }
        let line = ProgressLine("Shifting \(alias) from version \(old) to \(version)")
        defer { line.end() }
        let clock = ContinuousClock()
        let start = clock.now
        // Our clock may be wrong: what counts is how many errors there are more than before, of many hours.
        let since = Timestamp.now.advanced(by: .zero - Self.clockErrorMax)
        let before = shift.shares.isEmpty ? 0 : try await errors(client, of: version, since: since)
        var progress = AliasShiftProgress(shift, errorsBefore: before, errorsMax: errorsMax)
        while true {
            // A shift at once has nothing to look at.
            let errors = shift.shares.isEmpty ? 0 : try await errors(client, of: version, since: since)
            switch progress.step(errors: errors, at: clock.now - start) {
            case .weigh(let percent):
                try await point(client, path, to: old, and: version, percent: percent)
                Terminal.note("martlet: version \(version) of \(Terminal.harmless(function)) has \(percent) %.")
            case .hold(let time):
                line.show()
                try await Task.sleep(for: min(time, Self.lookInterval))
            case .complete:
                try await point(client, path, to: version)
                return "Alias \(alias) is at version \(version), before at \(old)"
            case .goBack(let errors):
                try await point(client, path, to: old)
                throw ClientError(
                    "Version \(version) had \(errors) error\(errors == 1 ? "" : "s"): alias \(alias) is back at version "
                        + "\(old). 'martlet logs \(function)' shows what went wrong."
                )
            }
        }
    }

    private func point(
        _ client: LambdaClient,
        _ path: String,
        to version: String,
        and other: String? = nil,
        percent: Int = 0
    ) async throws {
        var weights: [String: JSONValue] = [:]
        if let other { weights[other] = .number(String(format: "0.%02d", percent)) }
        _ = try await client.send(
            .put,
            path,
            [
                "FunctionVersion": .string(version),
                "RoutingConfig": .object(["AdditionalVersionWeights": .object(weights)]),
            ]
        )
    }

    /// What the version's invocations came to that began since then.
    private func errors(_ client: LambdaClient, of version: String, since start: Timestamp) async throws -> Int64 {
        let end = Timestamp.now.advanced(by: Self.clockErrorMax)
        let query = "from=\(start.millisecondsSinceEpoch)&to=\(end.millisecondsSinceEpoch)"
        let answer = try await client.send(.get, "/_martlet/usage", query: query)
        let bill = try Bill(answer.body, by: [.function, .version], hasFreeTier: false)
        let name = function.split(separator: ":").last.map(String.init) ?? function
        return bill.lines.first { $0.values == [name, version] }?.quantities.errors ?? 0
    }
}
