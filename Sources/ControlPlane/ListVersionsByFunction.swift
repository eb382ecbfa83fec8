// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import MetadataStore

extension ControlPlane {
    /// One page of a function's versions in ascending order, the unpublished one first.
    func listVersionsByFunction(
        _ request: API.ListVersionsByFunctionRequest,
        caller: Caller
    ) async throws -> API.ListVersionsByFunctionResponse {
        let key = try Self.function(request.functionName, caller: caller, action: .listVersionsByFunction)
        let limit = Self.pageLimit(request.maxItems)
        let after = try Self.text(marker: request.marker).map(Self.number) ?? -1
        let records = try await withStores {
            try await metadata.read { transaction in
                _ = try transaction.latest(key)
                return try transaction.versions(of: key, after: after, limit: limit + 1)
            }
        }
        let page = records.prefix(limit).map(\.configuration)
        return .init(
            nextMarker: records.count > limit ? page.last.map { Self.marker($0.version) } : nil,
            versions: page.map { ConfigurationAnswer.of($0, qualifier: $0.version, listed: true) }
        )
    }

    private static func number(version: String) throws(LambdaError) -> Int {
        if version == FunctionVersionKey.latest { return 0 }
        guard let number = Int(version) else { throw invalidMarker }
        return number
    }
}
