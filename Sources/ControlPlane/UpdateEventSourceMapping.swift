// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore
import LambdaModel
import MetadataStore

extension ControlPlane {
    /// Changes what the request has and leaves the rest; the source itself can't be changed.
    func updateEventSourceMapping(
        _ request: API.UpdateEventSourceMappingRequest,
        caller: Caller
    ) async throws -> API.EventSourceMappingConfiguration {
        let target = try request.functionName.map {
            try Self.target($0, caller: caller, action: .updateEventSourceMapping)
        }
        let change = try EventSourceChange(request)
        let modified = now()
        let visibility = try await target == nil ? nil : visibility(of: request.uuid, caller)
        let (mapping, state, kind, settings) = try await withStores {
            try await metadata.change { transaction in
                var mapping = try transaction.mapping(request.uuid, caller)
                var settings = try mapping.settings()
                let kind = try EventSourceKind(settings.eventSourceArn, settings.selfManagedEventSource)
                try kind.check(change)
                change.apply(to: &settings)
                let rules = EventSourceRules(kind: kind, settings: settings, now: modified)
                try rules.check()
                let state: EventSourceMapping.State =
                    switch request.enabled {
                    case .some(let isEnabled) where isEnabled != mapping.isEnabled: isEnabled ? .enabling : .disabling
                    default: .updating
                    }
                mapping.replace(settings: settings)
                mapping.isEnabled = request.enabled ?? mapping.isEnabled
                mapping.modified = modified
                if let target {
                    (mapping.function, mapping.qualifier) = target
                    try rules.check(timeoutOf: transaction.target(of: mapping).configuration, visibility: visibility)
                    try transaction.checkUnique(mapping, request.uuid, kind)
                }
                try transaction.put(mapping, accountID: caller.accountID, region: caller.region, id: request.uuid)
                return (mapping, state, kind, settings)
            }
        }
        report(mapping, request.uuid, kind, settings)
        return try mapping.answer(request.uuid, state, sources)
    }

    /// Of the queue that a mapping reads.
    private func visibility(of uuid: String, _ caller: Caller) async throws -> Int? {
        let settings = try await withStores {
            try await metadata.read { transaction in try transaction.mapping(uuid, caller).settings() }
        }
        let kind = try EventSourceKind(settings.eventSourceArn, settings.selfManagedEventSource)
        return try await sources.visibility(kind, settings, caller)
    }
}
