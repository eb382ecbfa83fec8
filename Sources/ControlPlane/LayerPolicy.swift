// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import InvocationCore
package import LambdaModel
import Logging
import MetadataStore

/// Who else may use a layer version; it goes with the version.
struct LayerPolicy: AccountDocument, Equatable {
    static let kind = "layerPolicy"

    var revisionID: String
    /// In the order in which they were added; never empty.
    var statements: [ResourcePolicyStatement]

    static func read(_ key: LayerKey, _ number: Int, _ transaction: MetadataTransaction) throws -> LayerPolicy? {
        try transaction.document(Self.self, accountID: key.accountID, region: key.region, id: id(key, number))
    }

    func write(_ key: LayerKey, _ number: Int, _ transaction: MetadataTransaction) throws {
        try transaction.put(self, accountID: key.accountID, region: key.region, id: Self.id(key, number))
    }

    static func remove(of key: LayerKey, _ number: Int, _ transaction: MetadataTransaction) throws {
        try transaction.remove(Self.self, accountID: key.accountID, region: key.region, id: id(key, number))
    }

    private static func id(_ key: LayerKey, _ number: Int) -> String { "\(key.name):\(number)" }
}

extension ControlPlane {
    /// The only action that a layer version's policy speaks of.
    static let layerAction = "lambda:GetLayerVersion"

    func addLayerVersionPermission(
        _ request: API.AddLayerVersionPermissionRequest,
        caller: Caller
    ) async throws -> API.AddLayerVersionPermissionResponse {
        let number = request.versionNumber
        try Self.checkLayerNumber(number)
        let key = try Self.layer(
            request.layerName,
            version: number,
            caller: caller,
            action: .addLayerVersionPermission
        )
        guard let principal = ResourcePolicyPrincipal(request.principal) else { throw Self.invalidPrincipal }
        if request.organizationId != nil, principal != .everybody {
            throw LambdaError.invalidParameterValue(
                message: "OrganizationId is only supported with * as the principal."
            )
        }
        let statement = ResourcePolicyStatement(
            sid: request.statementId,
            principal: principal,
            action: Self.layerAction,
            resource: key.arn(version: number),
            conditions: request.organizationId.map {
                [PolicyCondition(.stringEquals, key: "aws:PrincipalOrgID", values: [$0])]
            } ?? []
        )
        let revisionID = RandomIdentifier.uuid()
        try await withStores {
            try await metadata.change { transaction in
                try Self.requireLayer(key, number, transaction)
                let policy = try LayerPolicy.read(key, number, transaction)
                // A policy that isn't there yet has no revision that could be meant.
                try Self.check(request.revisionId, isCurrent: policy?.revisionID ?? "", operation: "GetLayerPolicy")
                var changed = LayerPolicy(revisionID: revisionID, statements: policy?.statements ?? [])
                try Self.add(statement, to: &changed.statements)
                try changed.write(key, number, transaction)
            }
        }
        logger.info("layer permission added", metadata: ["layer": "\(key.arn(version: number))"])
        return .init(statement: PolicyText.statement(statement), revisionId: revisionID)
    }

    func getLayerVersionPolicy(
        _ request: API.GetLayerVersionPolicyRequest,
        caller: Caller
    ) async throws -> API.GetLayerVersionPolicyResponse {
        let number = request.versionNumber
        try Self.checkLayerNumber(number)
        let key = try Self.layer(
            request.layerName,
            version: number,
            caller: caller,
            action: .getLayerVersionPolicy
        )
        return try await withStores {
            try await metadata.read { transaction in
                try Self.requireLayer(key, number, transaction)
                guard let policy = try LayerPolicy.read(key, number, transaction) else { throw Self.noPolicy }
                return .init(policy: PolicyText.policy(policy.statements), revisionId: policy.revisionID)
            }
        }
    }

    func removeLayerVersionPermission(
        _ request: API.RemoveLayerVersionPermissionRequest,
        caller: Caller
    ) async throws {
        let number = request.versionNumber
        try Self.checkLayerNumber(number)
        let key = try Self.layer(
            request.layerName,
            version: number,
            caller: caller,
            action: .removeLayerVersionPermission
        )
        let revisionID = RandomIdentifier.uuid()
        try await withStores {
            try await metadata.change { transaction in
                try Self.requireLayer(key, number, transaction)
                let policy = try LayerPolicy.read(key, number, transaction)
                let statements = try Self.statements(policy?.statements, without: request.statementId)
                try Self.check(request.revisionId, isCurrent: policy?.revisionID ?? "", operation: "GetLayerPolicy")
                if statements.isEmpty {
                    try LayerPolicy.remove(of: key, number, transaction)
                } else {
                    try LayerPolicy(revisionID: revisionID, statements: statements).write(key, number, transaction)
                }
            }
        }
        logger.info("layer permission removed", metadata: ["layer": "\(key.arn(version: number))"])
    }

    /// The policy of a layer version; one without statements where there is none.
    package func resourcePolicy(of key: LayerKey, number: Int) async throws -> AccessPolicy {
        let policy = try await withStores {
            try await metadata.read { transaction in try LayerPolicy.read(key, number, transaction) }
        }
        return AccessPolicy(statements: policy?.statements.map(\.access) ?? [])
    }

    private static func requireLayer(_ key: LayerKey, _ number: Int, _ transaction: MetadataTransaction) throws {
        guard try transaction.layerVersion(key, number: number) != nil else {
            throw LambdaError.resourceNotFound(
                message: "Layer version \(key.arn(version: number)) does not exist."
            )
        }
    }
}
