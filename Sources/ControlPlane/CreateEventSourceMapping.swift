// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore
import LambdaModel
import Logging
import MetadataStore

extension ControlPlane {
    /// Checks and stores a mapping; its source is read from then on, or the answer says why not.
    func createEventSourceMapping(
        _ request: API.CreateEventSourceMappingRequest,
        caller: Caller
    ) async throws -> API.EventSourceMappingConfiguration {
        let (key, qualifier) = try Self.target(
            request.functionName,
            caller: caller,
            action: .createEventSourceMapping
        )
        let change = try EventSourceChange(request)
        let kind = try EventSourceKind(request.eventSourceArn, request.selfManagedEventSource)
        try kind.check(change)
        let uuid = RandomIdentifier.uuid()
        var settings = kind.defaults
        change.apply(to: &settings)
        Self.addConsumerGroup(uuid, kind, &settings)
        let rules = EventSourceRules(kind: kind, settings: settings, now: now())
        try rules.check()
        let tags = request.tags ?? [:]
        try ConfigurationRules.checkTags(tags)
        let mapping = EventSourceMapping(
            function: key,
            qualifier: qualifier,
            isEnabled: request.enabled ?? true,
            modified: rules.now,
            tags: tags,
            settings: settings
        )
        try await withStores {
            _ = try await metadata.read { transaction in try transaction.target(of: mapping) }
        }
        let visibility = try await sources.visibility(kind, settings, caller)
        try await sources.find(kind, settings, caller)
        try await withStores {
            try await metadata.change { transaction in
                try rules.check(timeoutOf: transaction.target(of: mapping).configuration, visibility: visibility)
                try transaction.checkUnique(mapping, uuid, kind)
                try transaction.put(mapping, accountID: caller.accountID, region: caller.region, id: uuid)
            }
        }
        report(mapping, uuid, kind, settings)
        return try mapping.answer(uuid, .creating, sources)
    }

    /// A Kafka consumer group has the mapping's id where the caller chose none.
    private static func addConsumerGroup(
        _ uuid: String,
        _ kind: EventSourceKind,
        _ settings: inout API.EventSourceMappingConfiguration
    ) {
        if kind == .managedKafka, settings.amazonManagedKafkaEventSourceConfig?.consumerGroupId == nil {
            var config = settings.amazonManagedKafkaEventSourceConfig ?? .init()
            config.consumerGroupId = uuid
            settings.amazonManagedKafkaEventSourceConfig = config
        }
        if kind == .selfManagedKafka, settings.selfManagedKafkaEventSourceConfig?.consumerGroupId == nil {
            var config = settings.selfManagedKafkaEventSourceConfig ?? .init()
            config.consumerGroupId = uuid
            settings.selfManagedKafkaEventSourceConfig = config
        }
    }

    /// Tells who reads sources of the change, or the operator what the caller is told.
    func report(
        _ mapping: EventSourceMapping,
        _ uuid: String,
        _ kind: EventSourceKind,
        _ settings: API.EventSourceMappingConfiguration
    ) {
        sources.board.changed(mapping.key(uuid))
        guard mapping.isEnabled, let obstacle = sources.obstacle(kind, settings) else { return }
        logger.warning(
            "event source mapping is stored but not polled",
            metadata: ["mapping": "\(uuid)", "function": "\(mapping.functionARN)", "cause": "\(obstacle)"]
        )
    }
}
