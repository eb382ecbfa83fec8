// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import Logging
import MetadataStore

/// Who may have signed the code of the functions that it is attached to; its id begins with `csc-`.
struct CodeSigningConfiguration: AccountDocument, Equatable {
    static let kind = "codeSigningConfig"

    /// What becomes of code that is not signed by one of the publishers.
    enum Policy: String, Codable {
        /// It is deployed, and the server's log has a warning.
        case warn = "Warn"
        /// It is refused.
        case enforce = "Enforce"
    }

    var description: String?
    /// ARNs of versions of signing profiles, 1 to 20.
    var publishers: [String]
    var policy: Policy
    var lastModified: Timestamp

    func answer(arn: String) -> API.CodeSigningConfig {
        .init(
            codeSigningConfigId: Self.id(arn),
            codeSigningConfigArn: arn,
            description: description,
            allowedPublishers: .init(signingProfileVersionArns: publishers),
            codeSigningPolicies: .init(untrustedArtifactOnDeployment: policy.rawValue),
            lastModified: lastModified.iso8601(suffix: "+0000")
        )
    }

    static func arn(_ id: String, accountID: String, region: String) -> String {
        ARN.lambda("code-signing-config:\(id)", accountID: accountID, region: region).description
    }

    /// What an ARN has behind the kind of its resource.
    static func id(_ arn: String) -> String { ARN(arn)?.resourceParts.last ?? "" }

    /// `csc-` and 17 hexadecimal digits.
    static func newID() -> String {
        "csc-"
            + String(
                RandomIdentifier.uuid().utf8.filter { $0 != UInt8(ascii: "-") }.prefix(17).map { Character(.init($0)) }
            )
    }
}

extension ControlPlane {
    func createCodeSigningConfig(
        _ request: API.CreateCodeSigningConfigRequest,
        caller: Caller
    ) async throws -> API.CreateCodeSigningConfigResponse {
        let tags = request.tags ?? [:]
        try ConfigurationRules.checkTags(tags)
        let configuration = CodeSigningConfiguration(
            description: request.description,
            publishers: request.allowedPublishers.signingProfileVersionArns,
            policy: Self.policy(request.codeSigningPolicies) ?? .warn,
            lastModified: now()
        )
        let id = CodeSigningConfiguration.newID()
        let arn = CodeSigningConfiguration.arn(id, accountID: caller.accountID, region: caller.region)
        try await withStores {
            try await metadata.change { transaction in
                try transaction.put(configuration, accountID: caller.accountID, region: caller.region, id: id)
                try transaction.setResourceTags(tags, arn, caller.accountID, caller.region)
            }
        }
        logger.info("code signing configuration created", metadata: ["configuration": "\(arn)"])
        return .init(codeSigningConfig: configuration.answer(arn: arn))
    }

    func getCodeSigningConfig(
        _ request: API.GetCodeSigningConfigRequest,
        caller: Caller
    ) async throws -> API.GetCodeSigningConfigResponse {
        let arn = request.codeSigningConfigArn
        let configuration = try await withStores {
            try await metadata.read { transaction in
                try transaction.codeSigningConfig(arn, caller.accountID, caller.region)
            }
        }
        return .init(codeSigningConfig: configuration.answer(arn: arn))
    }

    /// Changes what the request has and leaves the rest; functions under it are held to it from their next deployment on.
    func updateCodeSigningConfig(
        _ request: API.UpdateCodeSigningConfigRequest,
        caller: Caller
    ) async throws -> API.UpdateCodeSigningConfigResponse {
        let arn = request.codeSigningConfigArn
        let modified = now()
        let configuration = try await withStores {
            try await metadata.change { transaction in
                var configuration = try transaction.codeSigningConfig(arn, caller.accountID, caller.region)
                configuration.description = request.description ?? configuration.description
                if let publishers = request.allowedPublishers {
                    configuration.publishers = publishers.signingProfileVersionArns
                }
                configuration.policy = Self.policy(request.codeSigningPolicies) ?? configuration.policy
                configuration.lastModified = modified
                try transaction.put(
                    configuration,
                    accountID: caller.accountID,
                    region: caller.region,
                    id: CodeSigningConfiguration.id(arn)
                )
                return configuration
            }
        }
        return .init(codeSigningConfig: configuration.answer(arn: arn))
    }

    /// Deletes one that no function has.
    func deleteCodeSigningConfig(_ request: API.DeleteCodeSigningConfigRequest, caller: Caller) async throws {
        let arn = request.codeSigningConfigArn
        try await withStores {
            try await metadata.change { transaction in
                _ = try transaction.codeSigningConfig(arn, caller.accountID, caller.region)
                let users = try transaction.documents(FunctionCodeSigning.self, lookup: arn)
                if let user = users.first {
                    throw LambdaError.resourceConflict(
                        message: "The code signing configuration \(arn) can't be deleted: it is attached to "
                            + "\(users.count) function(s), \(user.function.arn) among them."
                    )
                }
                try transaction.remove(
                    CodeSigningConfiguration.self,
                    accountID: caller.accountID,
                    region: caller.region,
                    id: CodeSigningConfiguration.id(arn)
                )
                try transaction.setResourceTags([:], arn, caller.accountID, caller.region)
            }
        }
        logger.info("code signing configuration deleted", metadata: ["configuration": "\(arn)"])
    }

    /// One page of an account's in a region, by id.
    func listCodeSigningConfigs(
        _ request: API.ListCodeSigningConfigsRequest,
        caller: Caller
    ) async throws -> API.ListCodeSigningConfigsResponse {
        let start = try Self.text(marker: request.marker) ?? ""
        let limit = Self.pageLimit(request.maxItems)
        let found = try await withStores {
            try await metadata.read { transaction in
                try transaction.documents(
                    CodeSigningConfiguration.self,
                    accountID: caller.accountID,
                    region: caller.region,
                    after: start,
                    limit: limit + 1
                )
            }
        }
        let page = found.prefix(limit)
        return .init(
            nextMarker: found.count > limit ? page.last.map { Self.marker($0.id) } : nil,
            codeSigningConfigs: page.map {
                $0.document.answer(
                    arn: CodeSigningConfiguration.arn($0.id, accountID: caller.accountID, region: caller.region)
                )
            }
        )
    }

    private static func policy(_ policies: API.CodeSigningPolicies?) -> CodeSigningConfiguration.Policy? {
        policies?.untrustedArtifactOnDeployment.flatMap(CodeSigningConfiguration.Policy.init)
    }
}

extension MetadataTransaction {
    /// - Throws: `LambdaError.untypedResourceNotFound` where that account has no such configuration in that region.
    func codeSigningConfig(
        _ arn: String,
        _ accountID: String,
        _ region: String
    ) throws -> CodeSigningConfiguration {
        guard let found = try codeSigningConfigIfAny(arn, accountID, region) else {
            throw LambdaError.untypedResourceNotFound(
                message: "The Lambda code signing configuration \(arn) can not be found."
            )
        }
        return found
    }

    func codeSigningConfigIfAny(
        _ arn: String,
        _ accountID: String,
        _ region: String
    ) throws -> CodeSigningConfiguration? {
        let id = CodeSigningConfiguration.id(arn)
        // Another account's is not there for this one.
        guard arn == CodeSigningConfiguration.arn(id, accountID: accountID, region: region) else { return nil }
        return try document(CodeSigningConfiguration.self, accountID: accountID, region: region, id: id)
    }
}
