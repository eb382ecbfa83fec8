// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import MetadataStore

/// How asynchronous invocations of one qualifier are tried again, and who is told what became of them.
///
/// Its qualifier is `$LATEST`, a version's number or an alias's name; it goes with what it is for.
struct EventInvokeConfiguration: FunctionDocument, Equatable {
    static let kind = "eventInvoke"

    /// 0 to 2; nil for Lambda's own, 2.
    var maximumRetryAttempts: Int?
    /// 60 to 21,600; nil for Lambda's own, 21,600.
    var maximumEventAgeSeconds: Int?
    /// ARNs; nil for nobody.
    var onSuccess: String?
    var onFailure: String?
    var lastModified: Timestamp

    func answer(_ key: FunctionKey, qualifier: String) -> API.FunctionEventInvokeConfig {
        .init(
            lastModified: lastModified,
            functionArn: key.arn(qualifier: qualifier),
            maximumRetryAttempts: maximumRetryAttempts,
            maximumEventAgeInSeconds: maximumEventAgeSeconds,
            destinationConfig: .init(
                onSuccess: .init(destination: onSuccess),
                onFailure: .init(destination: onFailure)
            )
        )
    }
}

/// What Put and Update have in common; nil where a request had nothing.
private struct EventInvokeChange: Sendable {
    var maximumRetryAttempts: Int?
    var maximumEventAgeSeconds: Int?
    var destinations: API.DestinationConfig?

    init(_ request: API.PutFunctionEventInvokeConfigRequest) {
        maximumRetryAttempts = request.maximumRetryAttempts
        maximumEventAgeSeconds = request.maximumEventAgeInSeconds
        destinations = request.destinationConfig
    }

    init(_ request: API.UpdateFunctionEventInvokeConfigRequest) {
        maximumRetryAttempts = request.maximumRetryAttempts
        maximumEventAgeSeconds = request.maximumEventAgeInSeconds
        destinations = request.destinationConfig
    }

    func check() throws(LambdaError) {
        guard maximumRetryAttempts != nil || maximumEventAgeSeconds != nil || destinations != nil else {
            throw .invalidParameterValue(
                message: "You must specify at least one of error handling or destination setting."
            )
        }
    }

    func apply(to configuration: inout EventInvokeConfiguration) {
        configuration.maximumRetryAttempts = maximumRetryAttempts ?? configuration.maximumRetryAttempts
        configuration.maximumEventAgeSeconds = maximumEventAgeSeconds ?? configuration.maximumEventAgeSeconds
        if let onSuccess = destinations?.onSuccess { configuration.onSuccess = Self.arn(onSuccess.destination) }
        if let onFailure = destinations?.onFailure { configuration.onFailure = Self.arn(onFailure.destination) }
    }

    /// An empty one stands for none.
    private static func arn(_ text: String?) -> String? { text?.isEmpty == false ? text : nil }
}

extension ControlPlane {
    /// Replaces a qualifier's configuration: what the request has not is Lambda's own again.
    func putFunctionEventInvokeConfig(
        _ request: API.PutFunctionEventInvokeConfigRequest,
        caller: Caller
    ) async throws -> API.FunctionEventInvokeConfig {
        let (key, qualifier) = try Self.eventInvokeTarget(
            request.functionName,
            request.qualifier,
            caller,
            .putFunctionEventInvokeConfig
        )
        return try await store(EventInvokeChange(request), key, qualifier, replacing: true)
    }

    /// Changes what the request has and leaves the rest.
    func updateFunctionEventInvokeConfig(
        _ request: API.UpdateFunctionEventInvokeConfigRequest,
        caller: Caller
    ) async throws -> API.FunctionEventInvokeConfig {
        let (key, qualifier) = try Self.eventInvokeTarget(
            request.functionName,
            request.qualifier,
            caller,
            .updateFunctionEventInvokeConfig
        )
        return try await store(EventInvokeChange(request), key, qualifier, replacing: false)
    }

    func getFunctionEventInvokeConfig(
        _ request: API.GetFunctionEventInvokeConfigRequest,
        caller: Caller
    ) async throws -> API.FunctionEventInvokeConfig {
        let (key, qualifier) = try Self.eventInvokeTarget(
            request.functionName,
            request.qualifier,
            caller,
            .getFunctionEventInvokeConfig
        )
        let configuration = try await withStores {
            try await metadata.read { transaction in
                try transaction.document(EventInvokeConfiguration.self, of: key, qualifier: qualifier)
            }
        }
        guard let configuration else { throw Self.noEventInvokeConfig(key, qualifier) }
        return configuration.answer(key, qualifier: qualifier)
    }

    func deleteFunctionEventInvokeConfig(
        _ request: API.DeleteFunctionEventInvokeConfigRequest,
        caller: Caller
    ) async throws {
        let (key, qualifier) = try Self.eventInvokeTarget(
            request.functionName,
            request.qualifier,
            caller,
            .deleteFunctionEventInvokeConfig
        )
        let wasThere = try await withStores {
            try await metadata.change { transaction in
                try transaction.remove(EventInvokeConfiguration.self, of: key, qualifier: qualifier)
            }
        }
        guard wasThere else { throw Self.noEventInvokeConfig(key, qualifier) }
    }

    /// One page of all of a function's, by qualifier.
    func listFunctionEventInvokeConfigs(
        _ request: API.ListFunctionEventInvokeConfigsRequest,
        caller: Caller
    ) async throws -> API.ListFunctionEventInvokeConfigsResponse {
        let key = try Self.function(request.functionName, caller: caller, action: .listFunctionEventInvokeConfigs)
        let all = try await withStores {
            try await metadata.read { transaction in
                guard try transaction.record(key) != nil else { throw Self.noFunction }
                return try transaction.documents(EventInvokeConfiguration.self, of: key)
            }
        }
        let (page, next) = try Self.page(all, by: \.qualifier, after: request.marker, limit: request.maxItems)
        return .init(
            functionEventInvokeConfigs: page.map { $0.document.answer(key, qualifier: $0.qualifier) },
            nextMarker: next
        )
    }

    private static let noFunction = LambdaError.resourceNotFound(message: "The function doesn't exist.")

    private static func noEventInvokeConfig(_ key: FunctionKey, _ qualifier: String) -> LambdaError {
        .resourceNotFound(
            message: "The function \(key.arn(qualifier: qualifier)) doesn't have an EventInvokeConfig"
        )
    }

    private static func eventInvokeTarget(
        _ name: String,
        _ qualifier: String?,
        _ caller: Caller,
        _ action: LambdaOperation
    ) throws(LambdaError) -> (key: FunctionKey, qualifier: String) {
        let (key, qualifier) = try target(name, qualifier: qualifier, caller: caller, action: action)
        return (key, qualifier ?? FunctionVersionKey.latest)
    }

    private func store(
        _ change: EventInvokeChange,
        _ key: FunctionKey,
        _ qualifier: String,
        replacing: Bool
    ) async throws -> API.FunctionEventInvokeConfig {
        try change.check()
        let modified = now()
        let (configuration, before, function) = try await withStores {
            try await metadata.change { transaction in
                guard try transaction.has(key, qualifier: qualifier) else { throw Self.noFunction }
                let stored = try transaction.document(EventInvokeConfiguration.self, of: key, qualifier: qualifier)
                if !replacing, stored == nil { throw Self.noEventInvokeConfig(key, qualifier) }
                try Self.check(change.destinations, of: key, transaction)
                var configuration = EventInvokeConfiguration(lastModified: modified)
                if !replacing, let stored { configuration = stored }
                configuration.lastModified = modified
                change.apply(to: &configuration)
                try transaction.put(configuration, of: key, qualifier: qualifier)
                return (configuration, stored, try transaction.record(key)?.configuration)
            }
        }
        if let function {
            let targets = [
                (configuration.onSuccess, before?.onSuccess), (configuration.onFailure, before?.onFailure),
            ]
            let notes = targets.compactMap { target, before in
                target == before
                    ? nil
                    : target.flatMap { target in
                        IneffectiveParameters.note(on: "DestinationConfig", target, unreached: activator.unreached)
                    }
            }
            await activator.write(notes, function, topic: "configuration")
        }
        return configuration.answer(key, qualifier: qualifier)
    }

    /// Throws where a destination is none: a function that isn't there, the function itself, or another service.
    private static func check(
        _ destinations: API.DestinationConfig?,
        of key: FunctionKey,
        _ transaction: MetadataTransaction
    ) throws {
        let (onSuccess, onFailure) = (destinations?.onSuccess?.destination, destinations?.onFailure?.destination)
        for (arn, services) in [
            (onSuccess, ["lambda", "sqs", "sns", "events"]), (onFailure, ["lambda", "sqs", "sns", "events", "s3"]),
        ] {
            guard let arn, !arn.isEmpty else { continue }
            guard let named = ARN(arn), services.contains(named.service) else {
                let success = destinations?.onSuccess.map { "OnSuccess(destination=\($0.destination ?? "null"))" }
                let failure = destinations?.onFailure.map { "OnFailure(destination=\($0.destination ?? "null"))" }
                throw LambdaError.invalidParameterValue(
                    message: "The provided destination config DestinationConfig(onSuccess=\(success ?? "null"), "
                        + "onFailure=\(failure ?? "null")) is invalid."
                )
            }
            guard named.service == "lambda" else { continue }
            let invalid = LambdaError.invalidParameterValue(message: "The destination ARN \(arn) is invalid.")
            guard let (other, qualifier) = named.function else { throw invalid }
            guard other != key else {
                throw LambdaError.invalidParameterValue(
                    message: "You can't specify the function as a destination for itself."
                )
            }
            // Nobody else's function is run, or known to be there.
            guard other.accountID == key.accountID, other.region == key.region,
                try transaction.has(other, qualifier: qualifier)
            else { throw invalid }
        }
    }
}
