// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import MetadataStore

extension ControlPlane {
    /// One page of a function's aliases by name; only those of one version, where the request names it.
    func listAliases(_ request: API.ListAliasesRequest, caller: Caller) async throws -> API.ListAliasesResponse {
        let key = try Self.function(request.functionName, caller: caller, action: .listAliases)
        let aliases = try await withStores {
            try await metadata.read { transaction in
                _ = try transaction.latest(key)
                return try transaction.documents(Alias.self, of: key)
            }
        }
        let (page, next) = try Self.page(
            aliases.filter { alias in
                request.functionVersion.map {
                    $0 == alias.document.version || $0 == alias.document.additional?.version
                } ?? true
            },
            by: \.qualifier,
            after: request.marker,
            limit: request.maxItems
        )
        return .init(nextMarker: next, aliases: page.map { $0.document.answer(key, name: $0.qualifier) })
    }
}
