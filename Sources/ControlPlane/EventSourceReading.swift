// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import InvocationCore
import LambdaModel
import MetadataStore

/// Who reads the sources of mappings, as far as the operations on them need to know.
package struct EventSourceReading: Sendable {
    /// How long nobody else sees a message of a queue that was received, in seconds.
    ///
    /// Throws `LambdaError.invalidParameterValue` where the queue is not there, or can't be read.
    package typealias VisibilityTimeout = @Sendable (_ arn: String, _ accountID: String) async throws -> Int

    static let notPolled =
        "This version of Martlet doesn't poll this kind of event source yet: the mapping is stored, and no records are "
        + "read."

    let board: EventSourceBoard
    private let queueObstacle: String?
    private let visibilityTimeout: VisibilityTimeout?

    /// Nobody.
    init() {
        board = EventSourceBoard()
        queueObstacle = Self.notPolled
        visibilityTimeout = nil
    }

    /// `queueObstacle` says why queues can't be read; nil where they are.
    package init(
        board: EventSourceBoard,
        queueObstacle: String?,
        visibilityTimeout: @escaping VisibilityTimeout
    ) {
        self.board = board
        self.queueObstacle = queueObstacle
        self.visibilityTimeout = visibilityTimeout
    }

    /// Why a source of that kind is not read; nil where it is.
    func obstacle(_ kind: EventSourceKind) -> String? { kind.isQueue ? queueObstacle : Self.notPolled }

    /// nil for what is no queue, or isn't read.
    func visibility(
        _ kind: EventSourceKind,
        _ settings: API.EventSourceMappingConfiguration,
        _ caller: Caller
    ) async throws -> Int? {
        guard kind.isQueue, queueObstacle == nil, let arn = settings.eventSourceArn else { return nil }
        return try await visibilityTimeout?(arn, caller.accountID)
    }
}

extension ControlPlane {
    /// The mappings of all accounts.
    package func eventSources() async throws -> [EventSourceKey] {
        try await withStores {
            try await metadata.read { transaction in
                try transaction.locations(of: EventSourceMapping.self).map {
                    EventSourceKey(accountID: $0.accountID, region: $0.region, id: $0.id)
                }
            }
        }
    }

    /// What is to be read for a mapping now; nil for one that is not there, not enabled, or of a kind that is not read.
    package func eventSourcePlan(_ key: EventSourceKey) async throws -> EventSourcePlan? {
        let found = try await withStores {
            try await metadata.read { transaction in
                try transaction.document(
                    EventSourceMapping.self,
                    accountID: key.accountID,
                    region: key.region,
                    id: key.id
                )
            }
        }
        guard let mapping = found, mapping.isEnabled else { return nil }
        let settings = try mapping.settings()
        let kind = try EventSourceKind(settings.eventSourceArn, settings.selfManagedEventSource)
        guard sources.obstacle(kind) == nil, let arn = settings.eventSourceArn else { return nil }
        return EventSourcePlan(
            key: key,
            function: mapping.function,
            qualifier: mapping.qualifier,
            queue: EventSourcePlan.QueueSource(
                arn: arn,
                settings: settings.queuePoller(isFIFO: kind == .fifoQueue),
                reportsItemFailures: settings.functionResponseTypes?.contains("ReportBatchItemFailures") ?? false,
                filters: (settings.filterCriteria?.filters ?? []).compactMap(\.pattern)
            )
        )
    }
}

extension API.EventSourceMappingConfiguration {
    /// Invocations at once that AWS counts for one poller of provisioned mode.
    private static let concurrencyOfPoller = 10
    /// By how much provisioned mode grows in a minute.
    private static let provisionedGrowth = 1_000

    fileprivate func queuePoller(isFIFO: Bool) -> QueuePoller.Settings {
        let (batch, window) = (batchSize ?? 10, Duration.seconds(maximumBatchingWindowInSeconds ?? 0))
        if let pollers = provisionedPollerConfig {
            let least = pollers.minimumPollers ?? 2
            return QueuePoller.Settings(
                batchSize: batch,
                window: window,
                isFIFO: isFIFO,
                concurrencyStart: least * Self.concurrencyOfPoller,
                concurrencyMax: (pollers.maximumPollers ?? max(200, least)) * Self.concurrencyOfPoller,
                growthPerMinute: Self.provisionedGrowth
            )
        }
        var settings = QueuePoller.Settings(batchSize: batch, window: window, isFIFO: isFIFO)
        if let most = scalingConfig?.maximumConcurrency { settings.limit(to: most) }
        return settings
    }
}
