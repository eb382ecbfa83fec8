// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import Logging
import MetadataStore

/// The five operations on function URLs.
extension ControlPlane {
    func createFunctionURL(
        _ request: API.CreateFunctionUrlConfigRequest,
        _ context: OperationContext
    ) async throws -> API.CreateFunctionUrlConfigResponse {
        let (key, alias) = try Self.urlOwner(
            request.functionName,
            request.qualifier,
            context.caller,
            .createFunctionUrlConfig
        )
        let time = now()
        let url = FunctionURL(
            id: RandomIdentifier.urlID(),
            authType: FunctionURL.AuthType(rawValue: request.authType) ?? .awsIAM,
            cors: .init(request.cors),
            invokeMode: request.invokeMode.flatMap(FunctionURL.InvokeMode.init) ?? .buffered,
            created: time,
            modified: time
        )
        try await withStores {
            try await metadata.change { transaction in
                try Self.requireURLOwner(key, alias, transaction)
                guard try transaction.document(FunctionURL.self, of: key, qualifier: alias ?? "") == nil else {
                    throw LambdaError.resourceConflict(
                        message: "Failed to create function url config for [functionArn = \(key.arn(qualifier: alias))]"
                            + ". Error message:  FunctionUrlConfig exists for this Lambda function"
                    )
                }
                try transaction.put(url, of: key, qualifier: alias ?? "")
            }
        }
        logger.info("function URL created", metadata: ["function": "\(key.arn(qualifier: alias))"])
        return .init(
            functionUrl: FunctionURL.text(id: url.id, region: key.region, origin: context.origin),
            functionArn: key.arn(qualifier: alias),
            authType: url.authType.rawValue,
            cors: url.cors?.answer,
            creationTime: url.created.iso8601(),
            invokeMode: request.invokeMode
        )
    }

    func getFunctionURL(
        _ request: API.GetFunctionUrlConfigRequest,
        _ context: OperationContext
    ) async throws -> API.GetFunctionUrlConfigResponse {
        let (key, alias) = try Self.urlOwner(
            request.functionName,
            request.qualifier,
            context.caller,
            .getFunctionUrlConfig
        )
        let url = try await withStores {
            try await metadata.read { transaction in
                try transaction.document(FunctionURL.self, of: key, qualifier: alias ?? "")
            }
        }
        guard let url else { throw Self.noSuchResource }
        return .init(
            functionUrl: FunctionURL.text(id: url.id, region: key.region, origin: context.origin),
            functionArn: key.arn(qualifier: alias),
            authType: url.authType.rawValue,
            cors: url.cors?.answer,
            creationTime: url.created.iso8601(),
            lastModifiedTime: url.modified.iso8601(),
            invokeMode: url.invokeMode.rawValue
        )
    }

    /// Changes what the request has and leaves the rest; an empty `Cors` takes it away.
    func updateFunctionURL(
        _ request: API.UpdateFunctionUrlConfigRequest,
        _ context: OperationContext
    ) async throws -> API.UpdateFunctionUrlConfigResponse {
        let (key, alias) = try Self.urlOwner(
            request.functionName,
            request.qualifier,
            context.caller,
            .updateFunctionUrlConfig
        )
        let time = now()
        let url = try await withStores {
            try await metadata.change { transaction in
                try Self.requireURLOwner(key, alias, transaction)
                guard var url = try transaction.document(FunctionURL.self, of: key, qualifier: alias ?? "") else {
                    throw Self.noSuchResource
                }
                url.authType = request.authType.flatMap(FunctionURL.AuthType.init) ?? url.authType
                url.invokeMode = request.invokeMode.flatMap(FunctionURL.InvokeMode.init) ?? url.invokeMode
                if request.cors != nil { url.cors = .init(request.cors) }
                url.modified = time
                try transaction.put(url, of: key, qualifier: alias ?? "")
                return url
            }
        }
        return .init(
            functionUrl: FunctionURL.text(id: url.id, region: key.region, origin: context.origin),
            functionArn: key.arn(qualifier: alias),
            authType: url.authType.rawValue,
            cors: url.cors?.answer,
            creationTime: url.created.iso8601(),
            lastModifiedTime: url.modified.iso8601(),
            invokeMode: request.invokeMode
        )
    }

    func deleteFunctionURL(_ request: API.DeleteFunctionUrlConfigRequest, caller: Caller) async throws {
        let (key, alias) = try Self.urlOwner(request.functionName, request.qualifier, caller, .deleteFunctionUrlConfig)
        let existed = try await withStores {
            try await metadata.change { transaction in
                try transaction.remove(FunctionURL.self, of: key, qualifier: alias ?? "")
            }
        }
        guard existed else { throw Self.noSuchResource }
        logger.info("function URL deleted", metadata: ["function": "\(key.arn(qualifier: alias))"])
    }

    /// One page of a function's URLs: its own first, then those of its aliases by name.
    func listFunctionURLs(
        _ request: API.ListFunctionUrlConfigsRequest,
        _ context: OperationContext
    ) async throws -> API.ListFunctionUrlConfigsResponse {
        let key = try Self.function(request.functionName, caller: context.caller, action: .listFunctionUrlConfigs)
        let urls = try await withStores {
            try await metadata.read { transaction in
                try Self.requireURLOwner(key, nil, transaction)
                return try transaction.documents(FunctionURL.self, of: key)
            }
        }
        // An empty marker would stand for the first page, so that of the function's own URL isn't.
        let (page, next) = try Self.page(
            urls,
            by: { "/\($0.qualifier)" },
            after: request.marker,
            limit: request.maxItems
        )
        return .init(
            functionUrlConfigs: page.map { qualifier, url in
                API.FunctionUrlConfig(
                    functionUrl: FunctionURL.text(id: url.id, region: key.region, origin: context.origin),
                    functionArn: key.arn(qualifier: qualifier.isEmpty ? nil : qualifier),
                    creationTime: url.created.iso8601(),
                    lastModifiedTime: url.modified.iso8601(),
                    cors: url.cors?.answer,
                    authType: url.authType.rawValue,
                    invokeMode: url.invokeMode.rawValue
                )
            },
            nextMarker: next
        )
    }

    /// The function, and the alias where one is named.
    private static func urlOwner(
        _ name: String,
        _ qualifier: String?,
        _ caller: Caller,
        _ action: LambdaOperation
    ) throws(LambdaError) -> (key: FunctionKey, alias: String?) {
        let (key, qualifier) = try target(name, qualifier: qualifier, caller: caller, action: action)
        if let qualifier, !isAliasName(qualifier) {
            // Beside the name the model's pattern refuses it.
            var violations = ConstraintViolations()
            violations.requirePattern(qualifier, at: "qualifier", #"((?!^\d+$)^[0-9a-zA-Z-_]+$)"#, false)
            try violations.throwIfAny()
        }
        return (key, qualifier)
    }

    private static func requireURLOwner(
        _ key: FunctionKey,
        _ alias: String?,
        _ transaction: MetadataTransaction
    ) throws {
        if try transaction.record(key) != nil {
            guard let alias else { return }
            if try transaction.document(Alias.self, of: key, qualifier: alias) != nil { return }
        }
        throw LambdaError.resourceNotFound(message: "Function does not exist")
    }
}
