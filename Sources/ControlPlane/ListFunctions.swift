// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import MetadataStore

extension ControlPlane {
    /// One page of functions by name, with all versions of each where that is asked for.
    ///
    /// There are no functions of other regions here to show by `MasterRegion`: it narrows nothing.
    func listFunctions(_ request: API.ListFunctionsRequest, caller: Caller) async throws -> API.ListFunctionsResponse {
        let isWhole = request.functionVersion != nil
        let after = try Self.text(marker: request.marker).map(Self.position)
        let limit = Self.pageLimit(request.maxItems)
        let (page, next) = try await withStores {
            try await metadata.read { transaction in
                try transaction.functions(
                    accountID: caller.accountID,
                    region: caller.region,
                    after: after,
                    allVersions: isWhole,
                    limit: limit
                )
            }
        }
        return .init(
            nextMarker: next.map { Self.marker("\($0.number):\($0.name)") },
            functions: page.map { ConfigurationAnswer.of($0, qualifier: isWhole ? $0.version : nil, listed: true) }
        )
    }

    private static func position(text: String) throws(LambdaError) -> FunctionPosition {
        let parts = text.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let number = Int(parts[0]) else { throw invalidMarker }
        return FunctionPosition(name: String(parts[1]), number: number)
    }
}
