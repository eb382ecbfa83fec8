// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import MetadataStore

extension ControlPlane {
    /// Most mappings on one page, whatever `MaxItems` asks for.
    private static let mappingPageMax = 100

    /// One page of mappings by UUID; only those of one function, or of one source, where the request names it.
    ///
    /// A function is named with its qualifier, if the mappings are: one of an alias is not one of its version. It need
    /// not be there any more.
    func listEventSourceMappings(
        _ request: API.ListEventSourceMappingsRequest,
        caller: Caller
    ) async throws -> API.ListEventSourceMappingsResponse {
        let target = try request.functionName.map {
            try Self.target($0, caller: caller, action: .listEventSourceMappings)
        }
        let after = try Self.text(marker: request.marker) ?? ""
        let limit = min(Self.mappingPageMax, max(1, request.maxItems ?? Self.mappingPageMax))
        let found = try await withStores {
            try await metadata.read { transaction in
                try transaction.mappings(
                    of: caller,
                    function: target.map { $0.key.arn(qualifier: $0.qualifier) },
                    source: request.eventSourceArn,
                    after: after,
                    limit: limit + 1
                )
            }
        }
        let page = found.prefix(limit)
        return .init(
            nextMarker: found.count > limit ? page.last.map { Self.marker($0.id) } : nil,
            eventSourceMappings: try page.map { try $0.document.answer($0.id, .settled, sources) }
        )
    }
}

extension MetadataTransaction {
    /// At most `limit` of them, read in chunks, so that few of many don't fill the memory.
    fileprivate func mappings(
        of caller: Caller,
        function: String?,
        source: String?,
        after start: String,
        limit: Int
    ) throws -> [(id: String, document: EventSourceMapping)] {
        var found: [(id: String, document: EventSourceMapping)] = []
        var last = start
        while found.count < limit {
            let chunk = try documents(
                EventSourceMapping.self,
                accountID: caller.accountID,
                region: caller.region,
                lookup: function,
                after: last,
                limit: limit
            )
            guard let end = chunk.last else { break }
            last = end.id
            found += try chunk.filter { item in
                try source.map { try item.document.settings().eventSourceArn == $0 } ?? true
            }
        }
        return Array(found.prefix(limit))
    }
}
