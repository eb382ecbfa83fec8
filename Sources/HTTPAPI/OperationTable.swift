// SPDX-License-Identifier: Apache-2.0

/// The operations of Lambda's API (version 2015-03-31 and what was added since) that this version doesn't have.
///
/// They are named in the answer, so that a tool which needs one of them says which.
enum OperationTable {
    private struct Entry {
        var method: Substring
        /// `*` stands for any one segment.
        var segments: [Substring]
        var operation: Substring
    }

    /// The operation at that method and path; nil when Lambda has none there.
    ///
    /// Of two that differ in the query only, the first.
    static func operation(method: String, segments: [String]) -> String? {
        let entry = entries.first { entry in
            entry.method == method && entry.segments.count == segments.count
                && zip(entry.segments, segments).allSatisfy { $0 == "*" || $0 == $1 }
        }
        return entry.map { String($0.operation) }
    }

    private static let entries: [Entry] = text.split(separator: "\n").map { line in
        let words = line.split(separator: " ")
        return Entry(method: words[0], segments: words[1].split(separator: "/"), operation: words[2])
    }

    private static let text = """
        POST /2018-10-31/layers/*/versions/*/policy AddLayerVersionPermission
        POST /2015-03-31/functions/*/policy AddPermission
        POST /2025-12-01/durable-executions/*/checkpoint CheckpointDurableExecution
        POST /2015-03-31/functions/*/aliases CreateAlias
        POST /2025-11-30/capacity-providers CreateCapacityProvider
        POST /2020-04-22/code-signing-configs CreateCodeSigningConfig
        POST /2015-03-31/event-source-mappings CreateEventSourceMapping
        POST /2021-10-31/functions/*/url CreateFunctionUrlConfig
        DELETE /2015-03-31/functions/*/aliases/* DeleteAlias
        DELETE /2025-11-30/capacity-providers/* DeleteCapacityProvider
        DELETE /2020-04-22/code-signing-configs/* DeleteCodeSigningConfig
        DELETE /2015-03-31/event-source-mappings/* DeleteEventSourceMapping
        DELETE /2020-06-30/functions/*/code-signing-config DeleteFunctionCodeSigningConfig
        DELETE /2017-10-31/functions/*/concurrency DeleteFunctionConcurrency
        DELETE /2019-09-25/functions/*/event-invoke-config DeleteFunctionEventInvokeConfig
        DELETE /2021-10-31/functions/*/url DeleteFunctionUrlConfig
        DELETE /2018-10-31/layers/*/versions/* DeleteLayerVersion
        DELETE /2019-09-30/functions/*/provisioned-concurrency DeleteProvisionedConcurrencyConfig
        GET /2016-08-19/account-settings GetAccountSettings
        GET /2015-03-31/functions/*/aliases/* GetAlias
        GET /2025-11-30/capacity-providers/* GetCapacityProvider
        GET /2020-04-22/code-signing-configs/* GetCodeSigningConfig
        GET /2025-12-01/durable-executions/* GetDurableExecution
        GET /2025-12-01/durable-executions/*/history GetDurableExecutionHistory
        GET /2025-12-01/durable-executions/*/state GetDurableExecutionState
        GET /2015-03-31/event-source-mappings/* GetEventSourceMapping
        GET /2020-06-30/functions/*/code-signing-config GetFunctionCodeSigningConfig
        GET /2019-09-30/functions/*/concurrency GetFunctionConcurrency
        GET /2019-09-25/functions/*/event-invoke-config GetFunctionEventInvokeConfig
        GET /2024-08-31/functions/*/recursion-config GetFunctionRecursionConfig
        GET /2025-11-30/functions/*/function-scaling-config GetFunctionScalingConfig
        GET /2021-10-31/functions/*/url GetFunctionUrlConfig
        GET /2018-10-31/layers/*/versions/* GetLayerVersion
        GET /2018-10-31/layers/*/versions/*/policy GetLayerVersionPolicy
        GET /2015-03-31/functions/*/policy GetPolicy
        GET /2019-09-30/functions/*/provisioned-concurrency GetProvisionedConcurrencyConfig
        GET /2021-07-20/functions/*/runtime-management-config GetRuntimeManagementConfig
        POST /2014-11-13/functions/*/invoke-async InvokeAsync
        GET /2015-03-31/functions/*/aliases ListAliases
        GET /2025-11-30/capacity-providers ListCapacityProviders
        GET /2020-04-22/code-signing-configs ListCodeSigningConfigs
        GET /2025-12-01/functions/*/durable-executions ListDurableExecutionsByFunction
        GET /2015-03-31/event-source-mappings ListEventSourceMappings
        GET /2019-09-25/functions/*/event-invoke-config/list ListFunctionEventInvokeConfigs
        GET /2021-10-31/functions/*/urls ListFunctionUrlConfigs
        GET /2025-11-30/capacity-providers/*/function-versions ListFunctionVersionsByCapacityProvider
        GET /2020-04-22/code-signing-configs/*/functions ListFunctionsByCodeSigningConfig
        GET /2018-10-31/layers/*/versions ListLayerVersions
        GET /2018-10-31/layers ListLayers
        GET /2019-09-30/functions/*/provisioned-concurrency ListProvisionedConcurrencyConfigs
        GET /2017-03-31/tags/* ListTags
        GET /2015-03-31/functions/*/versions ListVersionsByFunction
        POST /2018-10-31/layers/*/versions PublishLayerVersion
        POST /2015-03-31/functions/*/versions PublishVersion
        PUT /2020-06-30/functions/*/code-signing-config PutFunctionCodeSigningConfig
        PUT /2017-10-31/functions/*/concurrency PutFunctionConcurrency
        PUT /2019-09-25/functions/*/event-invoke-config PutFunctionEventInvokeConfig
        PUT /2024-08-31/functions/*/recursion-config PutFunctionRecursionConfig
        PUT /2025-11-30/functions/*/function-scaling-config PutFunctionScalingConfig
        PUT /2019-09-30/functions/*/provisioned-concurrency PutProvisionedConcurrencyConfig
        PUT /2021-07-20/functions/*/runtime-management-config PutRuntimeManagementConfig
        DELETE /2018-10-31/layers/*/versions/*/policy/* RemoveLayerVersionPermission
        DELETE /2015-03-31/functions/*/policy/* RemovePermission
        POST /2025-12-01/durable-execution-callbacks/*/fail SendDurableExecutionCallbackFailure
        POST /2025-12-01/durable-execution-callbacks/*/heartbeat SendDurableExecutionCallbackHeartbeat
        POST /2025-12-01/durable-execution-callbacks/*/succeed SendDurableExecutionCallbackSuccess
        POST /2025-12-01/durable-executions/*/stop StopDurableExecution
        POST /2017-03-31/tags/* TagResource
        DELETE /2017-03-31/tags/* UntagResource
        PUT /2015-03-31/functions/*/aliases/* UpdateAlias
        PUT /2025-11-30/capacity-providers/* UpdateCapacityProvider
        PUT /2020-04-22/code-signing-configs/* UpdateCodeSigningConfig
        PUT /2015-03-31/event-source-mappings/* UpdateEventSourceMapping
        POST /2019-09-25/functions/*/event-invoke-config UpdateFunctionEventInvokeConfig
        PUT /2021-10-31/functions/*/url UpdateFunctionUrlConfig
        """
}
