// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore
import LambdaModel
import MetadataStore

extension ControlPlane {
    func getEventSourceMapping(
        _ request: API.GetEventSourceMappingRequest,
        caller: Caller
    ) async throws -> API.EventSourceMappingConfiguration {
        let mapping = try await withStores {
            try await metadata.read { transaction in try transaction.mapping(request.uuid, caller) }
        }
        return try mapping.answer(request.uuid, .settled, sources)
    }

    /// The mapping as it was; it is gone when this answers.
    func deleteEventSourceMapping(
        _ request: API.DeleteEventSourceMappingRequest,
        caller: Caller
    ) async throws -> API.EventSourceMappingConfiguration {
        let mapping = try await withStores {
            try await metadata.change { transaction in
                let mapping = try transaction.mapping(request.uuid, caller)
                try transaction.remove(
                    EventSourceMapping.self,
                    accountID: caller.accountID,
                    region: caller.region,
                    id: request.uuid
                )
                try transaction.removeStreamPositions(
                    accountID: caller.accountID,
                    region: caller.region,
                    mapping: request.uuid
                )
                return mapping
            }
        }
        sources.board.changed(mapping.key(request.uuid))
        return try mapping.answer(request.uuid, .deleting, sources)
    }
}
