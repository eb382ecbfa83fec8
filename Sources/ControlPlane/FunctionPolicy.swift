// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import InvocationCore
package import LambdaModel
import MetadataStore

/// Who else may use a function, or one of its versions or aliases; its qualifier is theirs, empty for the function.
struct FunctionPolicy: FunctionDocument, Equatable {
    static let kind = "policy"

    /// In the order in which they were added; never empty.
    var statements: [ResourcePolicyStatement]
}

/// What a policy belongs to; the policy's revision is its revision.
enum FunctionPolicyOwner {
    /// `$LATEST` stands for the function as a whole.
    case version(FunctionRecord)
    case alias(String, Alias)

    var revisionID: String {
        switch self {
        case .version(let record): record.configuration.revisionID
        case .alias(_, let alias): alias.revisionID
        }
    }

    /// - Throws: `LambdaError.resourceNotFound`, with the qualifier in the ARN where it is that which isn't there.
    init(_ key: FunctionKey, _ qualifier: String?, _ transaction: MetadataTransaction) throws {
        let latest = try transaction.latest(key)
        guard let qualifier else {
            self = .version(latest)
            return
        }
        if ControlPlane.isAliasName(qualifier) {
            guard let alias = try transaction.document(Alias.self, of: key, qualifier: qualifier) else {
                throw ControlPlane.noAlias(key, qualifier)
            }
            self = .alias(qualifier, alias)
        } else {
            guard let record = try transaction.record(key, qualifier) else {
                throw ControlPlane.notFound(key, qualifier: qualifier)
            }
            self = .version(record)
        }
    }

    /// Marks it as changed.
    func touch(_ key: FunctionKey, _ transaction: MetadataTransaction) throws {
        switch self {
        case .version(var record):
            // Settling a function asks whether it is still the revision that was prepared.
            guard record.configuration.state != .pending, record.configuration.lastUpdateStatus != .inProgress else {
                return
            }
            record.configuration.revisionID = RandomIdentifier.uuid()
            try transaction.update(record)
        case .alias(let name, var alias):
            alias.revisionID = RandomIdentifier.uuid()
            try transaction.put(alias, of: key, qualifier: name)
        }
    }
}

extension ControlPlane {
    /// Whether a qualifier can be an alias's name: a version has digits only, and `$` is Lambda's own.
    static func isAliasName(_ qualifier: String) -> Bool {
        !qualifier.utf8.contains(UInt8(ascii: "$"))
            && !qualifier.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// The policy of what an operation is on; one without statements where there is none.
    package func resourcePolicy(of owner: OperationAccess.Owner) async throws -> AccessPolicy {
        switch owner {
        case .function(let key, let qualifier): try await resourcePolicy(of: key, qualifier: qualifier)
        case .layerVersion(let key, let number): try await resourcePolicy(of: key, number: number)
        }
    }

    /// The policy that speaks of a function as it is called with that qualifier; one without statements where there is none.
    package func resourcePolicy(of key: FunctionKey, qualifier: String?) async throws -> AccessPolicy {
        let qualifier = qualifier == FunctionVersionKey.latest ? nil : qualifier
        let policy = try await withStores {
            try await metadata.read { transaction in
                try transaction.document(FunctionPolicy.self, of: key, qualifier: qualifier ?? "")
            }
        }
        return AccessPolicy(statements: policy?.statements.map(\.access) ?? [])
    }
}
