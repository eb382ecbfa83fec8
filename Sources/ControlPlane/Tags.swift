// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import Logging
import MetadataStore

/// The tags of a resource that doesn't keep them itself, by its ARN.
struct ResourceTags: AccountDocument, Equatable {
    static let kind = "tags"

    var tags: [String: String]
}

/// What a tag operation's ARN names.
struct TaggedResource: Equatable {
    enum Kind: Equatable {
        case function(FunctionKey, qualifier: String?)
        case codeSigningConfig
        case eventSourceMapping(id: String)
        case capacityProvider
    }

    var arn: String
    var accountID: String
    var region: String
    var kind: Kind

    /// - Throws: `LambdaError.resourceNotFound` for another region, `.accessDenied` for another account.
    init(_ arn: String, caller: Caller, action: LambdaOperation) throws(LambdaError) {
        guard let named = ARN(arn)?.canonical, let kind = Self.kind(of: named) else {
            throw .invalidParameterValue(message: "Resource \(arn) can't have tags.")
        }
        guard named.region == caller.region else {
            throw .resourceNotFound(
                message: "Functions from '\(named.region)' are not reachable in this region ('\(caller.region)')"
            )
        }
        self.arn = named.description
        accountID = named.accountID
        region = named.region
        self.kind = kind
        try caller.requireReach(of: accountID, self.arn, for: action)
    }

    private static func kind(of arn: ARN) -> Kind? {
        if let (key, qualifier) = arn.function { return .function(key, qualifier: qualifier) }
        let parts = arn.resourceParts
        guard arn.service == "lambda", ARN.isAccountID(arn.accountID), parts.count == 2 else { return nil }
        switch parts[0] {
        case "code-signing-config": return .codeSigningConfig
        case "event-source-mapping": return .eventSourceMapping(id: parts[1])
        case "capacity-provider": return .capacityProvider
        default: return nil
        }
    }
}

extension ControlPlane {
    /// Adds tags, or replaces those of the same key; gives a function another revision.
    func tagResource(_ request: API.TagResourceRequest, caller: Caller) async throws {
        let resource = try TaggedResource(request.resource, caller: caller, action: .tagResource)
        guard !request.tags.isEmpty else {
            throw LambdaError.invalidParameterValue(
                message: "An error occurred and the request cannot be processed."
            )
        }
        try ConfigurationRules.checkTags(request.tags)
        try await changeTags(of: resource) { $0.merge(request.tags) { _, new in new } }
    }

    /// Takes tags away; keys that aren't there are no error.
    func untagResource(_ request: API.UntagResourceRequest, caller: Caller) async throws {
        let resource = try TaggedResource(request.resource, caller: caller, action: .untagResource)
        try await changeTags(of: resource) { tags in
            for key in request.tagKeys { tags[key] = nil }
        }
    }

    func listTags(_ request: API.ListTagsRequest, caller: Caller) async throws -> API.ListTagsResponse {
        let resource = try TaggedResource(request.resource, caller: caller, action: .listTags)
        let tags = try await withStores {
            try await metadata.read { transaction in try transaction.tags(of: resource) }
        }
        return .init(tags: tags)
    }

    private func changeTags(
        of resource: TaggedResource,
        _ change: @escaping @Sendable (inout [String: String]) -> Void
    ) async throws {
        try await withStores {
            try await metadata.change { transaction in
                var tags = try transaction.tags(of: resource)
                change(&tags)
                try ConfigurationRules.checkTags(tags)
                try transaction.setTags(tags, of: resource)
            }
        }
        logger.info("tags changed", metadata: ["resource": "\(resource.arn)"])
    }
}

extension MetadataTransaction {
    /// - Throws: `LambdaError.resourceNotFound` where there is no such resource, `.invalidParameterValue` for a
    ///   function's version or alias.
    func tags(of resource: TaggedResource) throws -> [String: String] {
        switch resource.kind {
        case .function(let key, nil): return try latest(key).configuration.tags
        case .function:
            throw LambdaError.invalidParameterValue(
                message: "Tags on function aliases and versions are not supported. Please specify a function ARN."
            )
        case .codeSigningConfig: _ = try codeSigningConfig(resource.arn, resource.accountID, resource.region)
        case .eventSourceMapping(let id): return try eventSourceMapping(id, resource).tags
        case .capacityProvider: throw ControlPlane.unavailable(.getCapacityProvider)
        }
        return try resourceTags(resource.arn, resource.accountID, resource.region)
    }

    func setTags(_ tags: [String: String], of resource: TaggedResource) throws {
        switch resource.kind {
        case .function(let key, _):
            var record = try latest(key)
            record.configuration.tags = tags
            // A function that is just being activated is known by its revision until then.
            if record.configuration.state != .pending, record.configuration.lastUpdateStatus != .inProgress {
                record.configuration.revisionID = RandomIdentifier.uuid()
            }
            try update(record)
        case .eventSourceMapping(let id):
            var mapping = try eventSourceMapping(id, resource)
            mapping.tags = tags
            try put(mapping, accountID: resource.accountID, region: resource.region, id: id)
        case .codeSigningConfig, .capacityProvider:
            try setResourceTags(tags, resource.arn, resource.accountID, resource.region)
        }
    }

    private func eventSourceMapping(_ id: String, _ resource: TaggedResource) throws -> EventSourceMapping {
        let found = try document(
            EventSourceMapping.self,
            accountID: resource.accountID,
            region: resource.region,
            id: id
        )
        guard let found else {
            throw LambdaError.resourceNotFound(message: "Event source mapping not found: \(resource.arn)")
        }
        return found
    }

    private func resourceTags(_ arn: String, _ accountID: String, _ region: String) throws -> [String: String] {
        try document(ResourceTags.self, accountID: accountID, region: region, id: arn)?.tags ?? [:]
    }

    /// Of a resource that doesn't keep them itself: none, for one that goes.
    func setResourceTags(_ tags: [String: String], _ arn: String, _ accountID: String, _ region: String) throws {
        if tags.isEmpty {
            try remove(ResourceTags.self, accountID: accountID, region: region, id: arn)
        } else {
            try put(ResourceTags(tags: tags), accountID: accountID, region: region, id: arn)
        }
    }
}

extension ControlPlane {
    /// The tags that an account's functions in a region have now, by the functions' names.
    package func functionTags(_ caller: Caller) async throws -> [String: [String: String]] {
        try await functionTags(accountID: caller.accountID, region: caller.region)
    }

    package func functionTags(accountID: String, region: String) async throws -> [String: [String: String]] {
        try await withStores {
            try await metadata.read { transaction in
                var tags: [String: [String: String]] = [:]
                var position: FunctionPosition?
                repeat {
                    let (page, next) = try transaction.functions(
                        accountID: accountID,
                        region: region,
                        after: position,
                        limit: 10_000
                    )
                    for each in page where !each.tags.isEmpty { tags[each.key.name] = each.tags }
                    position = next
                } while position != nil
                return tags
            }
        }
    }
}
