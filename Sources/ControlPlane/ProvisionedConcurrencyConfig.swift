// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore
import LambdaModel
import Logging
import MetadataStore

/// The operations on provisioned concurrency.
extension ControlPlane {
    /// Provisions environments for a version or an alias; it is durable and counted when this returns, and the environments come.
    func putProvisionedConcurrencyConfig(
        _ request: API.PutProvisionedConcurrencyConfigRequest,
        caller: Caller
    ) async throws -> API.PutProvisionedConcurrencyConfigResponse {
        let (key, qualifier) = try Self.provisioned(
            request.functionName,
            request.qualifier,
            caller,
            .putProvisionedConcurrencyConfig,
            refusal: Self.unpublished
        )
        let configuration = ProvisionedConcurrency(
            executions: request.provisionedConcurrentExecutions,
            lastModified: now()
        )
        let accountMax = reservations.accountMax
        let shares = try await withStores {
            try await metadata.change { transaction in
                let alias = try transaction.provisionable(key, qualifier: qualifier)
                guard alias?.additional == nil else {
                    throw LambdaError.invalidParameterValue(
                        message: "Alias with weights can not be used with Provisioned Concurrency"
                    )
                }
                guard alias?.version != FunctionVersionKey.latest else { throw Self.unpublished }
                try Self.checkConcurrency(configuration.executions, key, qualifier, accountMax: accountMax, transaction)
                try transaction.checkProvisioned(once: key, qualifier: qualifier, alias: alias)
                try transaction.put(configuration, of: key, qualifier: qualifier)
                let shares = try transaction.shares(of: configuration, key, qualifier: qualifier)
                guard !shares.contains(where: { $0.record?.configuration.hasSnapStart == true }) else {
                    throw LambdaError.invalidParameterValue(
                        message: "Provisioned Concurrency is not supported for SnapStart enabled functions."
                    )
                }
                return shares
            }
        }
        // As of before: what has been asked for has just begun.
        let status = await status(of: shares)
        try await withStores { try await reservations.refresh() }
        logger.info(
            "concurrency provisioned",
            metadata: ["function": "\(key.arn(qualifier: qualifier))", "executions": "\(configuration.executions)"]
        )
        return .init(
            requestedProvisionedConcurrentExecutions: configuration.executions,
            availableProvisionedConcurrentExecutions: status.available,
            allocatedProvisionedConcurrentExecutions: status.allocated,
            status: ProvisionedStatus.Status.inProgress.rawValue,
            lastModified: Self.text(configuration.lastModified)
        )
    }

    func getProvisionedConcurrencyConfig(
        _ request: API.GetProvisionedConcurrencyConfigRequest,
        caller: Caller
    ) async throws -> API.GetProvisionedConcurrencyConfigResponse {
        let (key, qualifier) = try Self.provisioned(
            request.functionName,
            request.qualifier,
            caller,
            .getProvisionedConcurrencyConfig,
            refusal: Self.notProvisionable
        )
        let (configuration, shares) = try await withStores {
            try await metadata.read { transaction in
                _ = try transaction.provisionable(key, qualifier: qualifier)
                guard
                    let configuration = try transaction.document(
                        ProvisionedConcurrency.self,
                        of: key,
                        qualifier: qualifier
                    )
                else {
                    throw LambdaError.provisionedConcurrencyConfigNotFound(
                        message: "No Provisioned Concurrency Config found for this function"
                    )
                }
                return (configuration, try transaction.shares(of: configuration, key, qualifier: qualifier))
            }
        }
        let status = await status(of: shares)
        return .init(
            requestedProvisionedConcurrentExecutions: configuration.executions,
            availableProvisionedConcurrentExecutions: status.available,
            allocatedProvisionedConcurrentExecutions: status.allocated,
            status: status.status.rawValue,
            statusReason: status.reason,
            lastModified: Self.text(configuration.lastModified)
        )
    }

    /// One page of a function's configurations, by qualifier (byte by byte).
    func listProvisionedConcurrencyConfigs(
        _ request: API.ListProvisionedConcurrencyConfigsRequest,
        caller: Caller
    ) async throws -> API.ListProvisionedConcurrencyConfigsResponse {
        let key = try Self.function(request.functionName, caller: caller, action: .listProvisionedConcurrencyConfigs)
        let (page, next) = try await withStores {
            try await metadata.read { transaction in
                _ = try transaction.latest(key)
                let all = try transaction.documents(ProvisionedConcurrency.self, of: key)
                let (page, next) = try Self.page(
                    all,
                    by: \.qualifier,
                    after: request.marker,
                    limit: request.maxItems
                )
                let shown = try page.map {
                    ($0, try transaction.shares(of: $0.document, key, qualifier: $0.qualifier))
                }
                return (shown, next)
            }
        }
        var items: [API.ProvisionedConcurrencyConfigListItem] = []
        for ((qualifier, configuration), shares) in page {
            let status = await status(of: shares)
            items.append(
                .init(
                    functionArn: key.arn(qualifier: qualifier),
                    requestedProvisionedConcurrentExecutions: configuration.executions,
                    availableProvisionedConcurrentExecutions: status.available,
                    allocatedProvisionedConcurrentExecutions: status.allocated,
                    status: status.status.rawValue,
                    statusReason: status.reason,
                    lastModified: Self.text(configuration.lastModified)
                )
            )
        }
        return .init(provisionedConcurrencyConfigs: items, nextMarker: next)
    }

    /// The environments go when this returns, those that run an invocation with its end; where nothing is provisioned, that is no
    /// error.
    func deleteProvisionedConcurrencyConfig(
        _ request: API.DeleteProvisionedConcurrencyConfigRequest,
        caller: Caller
    ) async throws {
        let (key, qualifier) = try Self.provisioned(
            request.functionName,
            request.qualifier,
            caller,
            .deleteProvisionedConcurrencyConfig,
            refusal: Self.notProvisionable
        )
        try await withStores {
            try await metadata.change { transaction in
                _ = try transaction.provisionable(key, qualifier: qualifier)
                try transaction.remove(ProvisionedConcurrency.self, of: key, qualifier: qualifier)
            }
            try await reservations.refresh()
        }
        logger.info("concurrency no longer provisioned", metadata: ["function": "\(key.arn(qualifier: qualifier))"])
    }

    // MARK: -

    static let unpublished = LambdaError.invalidParameterValue(
        message: "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
    )
    private static let notProvisionable = LambdaError.invalidParameterValue(
        message: "The function resource provided must be an alias or a published version."
    )

    /// The function and the qualifier of a request; `refusal` is thrown where that is `$LATEST`.
    private static func provisioned(
        _ name: String,
        _ qualifier: String,
        _ caller: Caller,
        _ action: LambdaOperation,
        refusal: LambdaError
    ) throws(LambdaError) -> (FunctionKey, String) {
        let (key, qualifier) = try target(name, qualifier: qualifier, caller: caller, action: action)
        guard let qualifier, qualifier != FunctionVersionKey.latest else { throw refusal }
        return (key, qualifier)
    }

    /// Throws where the function's reservation, or what the account has left, does not allow so much for the qualifier.
    private static func checkConcurrency(
        _ executions: Int,
        _ key: FunctionKey,
        _ qualifier: String,
        accountMax: Int,
        _ transaction: MetadataTransaction
    ) throws {
        let before =
            try transaction.document(ProvisionedConcurrency.self, of: key, qualifier: qualifier)?.executions ?? 0
        if let reserved = try transaction.document(ReservedConcurrency.self, of: key)?.executions {
            let others = try transaction.provisionedConcurrency(of: key) - before
            guard executions <= reserved - others else {
                throw LambdaError.invalidParameterValue(
                    message: "Requested Provisioned Concurrency should not be greater than the "
                        + "reservedConcurrentExecution for function"
                )
            }
            return
        }
        // What takes nothing from the others is always allowed.
        guard executions > before else { return }
        let taken = try transaction.concurrency(accountID: key.accountID, region: key.region).values.reduce(0, +)
        let unreserved = accountMax - (taken - before)
        guard executions <= unreserved else {
            throw LambdaError.invalidParameterValue(
                message: "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency "
                    + "[\(max(0, unreserved))]."
            )
        }
        guard executions <= unreserved - unreservedConcurrencyMin else {
            throw LambdaError.invalidParameterValue(
                message: "Specified ConcurrentExecutions for function decreases account's "
                    + "UnreservedConcurrentExecution below its minimum value of [\(unreservedConcurrencyMin)]."
            )
        }
    }

    private func status(of shares: [ProvisionedVersion]) async -> ProvisionedStatus {
        let keys = shares.compactMap(\.target).map { EnvironmentKey($0.configuration) }
        return ProvisionedStatus(shares, await reservations.states(keys))
    }

    /// `2019-11-21T19:32:12+0000`: this one time without milliseconds.
    private static func text(_ time: Timestamp) -> String {
        let whole = Timestamp(millisecondsSinceEpoch: time.millisecondsSinceEpoch / 1_000 * 1_000)
        return whole.iso8601(suffix: "+0000").replacing(".000+", with: "+")
    }
}
