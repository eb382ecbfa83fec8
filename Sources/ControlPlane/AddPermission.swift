// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore
import LambdaModel
import Logging
import MetadataStore

extension ControlPlane {
    /// Adds a statement to the policy of a function, a version or an alias.
    func addPermission(
        _ request: API.AddPermissionRequest,
        caller: Caller
    ) async throws -> API.AddPermissionResponse {
        let (key, qualifier) = try Self.target(
            request.functionName,
            qualifier: request.qualifier,
            caller: caller,
            action: .addPermission
        )
        guard qualifier?.hasPrefix(FunctionVersionKey.latest) != true else {
            throw LambdaError.invalidParameterValue(
                message: "We currently do not support adding policies for $LATEST."
            )
        }
        try Self.checkConditions(request)
        let statement = try await withStores {
            try await metadata.change { transaction in
                let owner = try FunctionPolicyOwner(key, qualifier, transaction)
                try Self.check(request.revisionId, isCurrent: owner.revisionID, operation: "GetPolicy")
                var policy =
                    try transaction.document(FunctionPolicy.self, of: key, qualifier: qualifier ?? "")
                    ?? FunctionPolicy(statements: [])
                let statement = try Self.statement(request, resource: key.arn(qualifier: qualifier))
                try Self.add(statement, to: &policy.statements)
                try transaction.put(policy, of: key, qualifier: qualifier ?? "")
                try owner.touch(key, transaction)
                return statement
            }
        }
        logger.info("permission added", metadata: ["function": "\(key.arn(qualifier: qualifier))"])
        return .init(statement: PolicyText.statement(statement))
    }

    /// - Throws: `LambdaError.resourceConflict` for an id that is there, `.policyLengthExceeded` for one too many.
    static func add(
        _ statement: ResourcePolicyStatement,
        to statements: inout [ResourcePolicyStatement]
    ) throws(LambdaError) {
        guard !statements.contains(where: { $0.sid == statement.sid }) else {
            throw .resourceConflict(
                message: "The statement id (\(statement.sid)) provided already exists. Please provide a new statement "
                    + "id, or remove the existing statement."
            )
        }
        statements.append(statement)
        let bytes = PolicyText.policy(statements).utf8.count
        guard bytes <= PolicyText.bytesMax else {
            throw .policyLengthExceeded(
                message: "The final policy size (\(bytes)) is bigger than the limit (\(PolicyText.bytesMax))."
            )
        }
    }

    /// Some conditions only ever hold for one of the two actions.
    private static func checkConditions(_ request: API.AddPermissionRequest) throws(LambdaError) {
        if request.functionUrlAuthType != nil, request.action != "lambda:InvokeFunctionUrl" {
            throw .invalidParameterValue(
                message: "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action"
            )
        }
        if request.invokedViaFunctionUrl != nil, request.action != "lambda:InvokeFunction" {
            throw .invalidParameterValue(
                message: "InvokedViaFunctionUrl is only supported for lambda:InvokeFunction action"
            )
        }
    }

    private static func statement(
        _ request: API.AddPermissionRequest,
        resource: String
    ) throws(LambdaError) -> ResourcePolicyStatement {
        guard let principal = ResourcePolicyPrincipal(request.principal) else { throw invalidPrincipal }
        let equal: [(key: String, value: String?)] = [
            ("lambda:FunctionUrlAuthType", request.functionUrlAuthType),
            ("aws:PrincipalOrgID", request.principalOrgID),
            ("AWS:SourceAccount", request.sourceAccount),
            ("lambda:EventSourceToken", request.eventSourceToken),
        ]
        var conditions: [PolicyCondition] = equal.compactMap { key, value in
            value.map { PolicyCondition(.stringEquals, key: key, values: [$0]) }
        }
        if let arn = request.sourceArn {
            conditions.append(PolicyCondition(.arnLike, key: "AWS:SourceArn", values: [arn]))
        }
        if let viaURL = request.invokedViaFunctionUrl {
            conditions.append(PolicyCondition(.bool, key: "lambda:InvokedViaFunctionUrl", values: ["\(viaURL)"]))
        }
        return ResourcePolicyStatement(
            sid: request.statementId,
            principal: principal,
            action: request.action,
            resource: resource,
            conditions: conditions
        )
    }

    static let invalidPrincipal = LambdaError.invalidParameterValue(
        message: "The provided principal was invalid. Please check the principal and try again."
    )
}
