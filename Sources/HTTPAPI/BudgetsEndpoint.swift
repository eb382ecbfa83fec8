// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import Hummingbird
import InvocationCore
import LambdaModel

/// `/_martlet/budgets`: what functions may use, and how it stands.
extension LambdaAPI {
    func putBudget(_ name: String, _ call: Call) async throws -> Response {
        try await authorize(call, [.init("martlet:PutBudget")])
        try await budgets.put(name, try RequestMembers(body: call.body), caller: call.caller)
        return Self.response(nil, status: .noContent)
    }

    func listBudgets(_ call: Call) async throws -> Response {
        try await authorize(call, [.init("martlet:ListBudgets")])
        let all = try await budgets.list(caller: call.caller)
        return Self.json(.object(["Budgets": .array(all.map { .object(Self.members($0)) })]))
    }

    func deleteBudget(_ name: String, _ call: Call) async throws -> Response {
        try await authorize(call, [.init("martlet:DeleteBudget")])
        try await budgets.delete(name, caller: call.caller)
        return Self.response(nil, status: .noContent)
    }

    private static func members(_ status: Budgets.Status) -> [String: JSONValue] {
        let entry = status.entry
        let budget = entry.budget
        var members: [String: JSONValue] = [
            "Name": .string(status.name), "Unit": .string(budget.unit.rawValue),
            "Limit": .string(decimal(budget.limit)), "Period": .string(budget.period.rawValue),
            "Action": .string(budget.action.rawValue), "PeriodStart": .string(entry.period.lowerBound.iso8601()),
            "PeriodEnd": .string(entry.period.upperBound.iso8601()), "IsReached": .bool(entry.isReached),
            "Functions": .array(entry.functions.map(\.name).sorted().map(JSONValue.string)),
            "StoppedFunctions": .array(status.stopped.sorted().map(JSONValue.string)),
        ]
        switch budget.scope {
        case .function(let name): members["Function"] = .string(name)
        case .tag(let key, let value):
            members["TagKey"] = .string(key)
            members["TagValue"] = .string(value)
        }
        let used =
            switch budget.unit {
            case .requests: String(entry.used.requests)
            case .gigabyteSeconds: GigabyteSeconds.text(entry.used.duration, decimals: 6)
            case .dollars: entry.used.cost(.current).text(decimals: 6)
            }
        members["Used"] = .string(used)
        return members
    }

    /// Of millionths: `12.5`.
    private static func decimal(_ millionths: Int64) -> String {
        let (whole, rest) = millionths.quotientAndRemainder(dividingBy: 1_000_000)
        guard rest > 0 else { return String(whole) }
        var digits = String(1_000_000 + rest).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(whole).\(digits)"
    }
}
