// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore
import LambdaModel
import Logging
import MetadataStore

/// How many invocations of a function may be in hand at once, and as many always may be.
struct ReservedConcurrency: FunctionDocument, Equatable {
    static let kind = "reservedConcurrency"

    /// 0 switches the function off.
    var executions: Int
    /// Where it is budgets that have switched it off.
    var stop: BudgetStop?
}

extension ControlPlane {
    /// Of an account's concurrency so much stays for functions without a reservation.
    static let unreservedConcurrencyMin = 100

    /// Reserves concurrency for a function; in force when this returns.
    func putFunctionConcurrency(
        _ request: API.PutFunctionConcurrencyRequest,
        caller: Caller
    ) async throws -> API.Concurrency {
        let key = try Self.function(request.functionName, caller: caller, action: .putFunctionConcurrency)
        let executions = request.reservedConcurrentExecutions
        let accountMax = reservations.accountMax
        try await withStores {
            try await metadata.change { transaction in
                guard try transaction.record(key) != nil else {
                    throw Self.notFound(key, qualifier: FunctionVersionKey.latest)
                }
                let provisioned = try transaction.provisionedConcurrency(of: key)
                guard executions >= provisioned else {
                    throw LambdaError.invalidParameterValue(
                        message: " ReservedConcurrentExecutions  \(executions) should not be lower than function's "
                            + "total provisioned concurrency [\(provisioned)]."
                    )
                }
                let taken = try transaction.concurrency(accountID: key.accountID, region: key.region)
                let before = taken[key, default: 0]
                let others = taken.values.reduce(0, +) - before
                // What takes nothing from the others is always allowed, above all 0.
                guard executions <= before || executions <= accountMax - others - Self.unreservedConcurrencyMin else {
                    throw LambdaError.invalidParameterValue(
                        message: "Specified ReservedConcurrentExecutions for function decreases account's "
                            + "UnreservedConcurrentExecution below its minimum value of "
                            + "[\(Self.unreservedConcurrencyMin)]."
                    )
                }
                try transaction.put(ReservedConcurrency(executions: executions), of: key)
            }
            try await reservations.refresh()
        }
        logger.info("concurrency reserved", metadata: ["function": "\(key.arn)", "executions": "\(executions)"])
        return .init(reservedConcurrentExecutions: executions)
    }

    func getFunctionConcurrency(
        _ request: API.GetFunctionConcurrencyRequest,
        caller: Caller
    ) async throws -> API.GetFunctionConcurrencyResponse {
        let key = try Self.function(request.functionName, caller: caller, action: .getFunctionConcurrency)
        let reserved = try await withStores {
            try await metadata.read { transaction in
                _ = try transaction.latest(key)
                return try transaction.document(ReservedConcurrency.self, of: key)
            }
        }
        return .init(reservedConcurrentExecutions: reserved?.executions)
    }

    /// The function shares the account's concurrency again; one that had no reservation is no error.
    func deleteFunctionConcurrency(
        _ request: API.DeleteFunctionConcurrencyRequest,
        caller: Caller
    ) async throws {
        let key = try Self.function(request.functionName, caller: caller, action: .deleteFunctionConcurrency)
        try await withStores {
            try await metadata.change { transaction in
                _ = try transaction.latest(key)
                try transaction.remove(ReservedConcurrency.self, of: key)
            }
            try await reservations.refresh()
        }
        logger.info("concurrency no longer reserved", metadata: ["function": "\(key.arn)"])
    }
}
