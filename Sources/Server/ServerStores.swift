// SPDX-License-Identifier: Apache-2.0
import CodeStore
import EnvelopeEncryption
import EventStore
import LambdaModel
import LogStore
import Logging
import MetadataStore
import MetricStore
import QueueStore
import ScheduleStore
import ServerConfiguration
import StreamStore

/// The stores in the data directory, or code in a bucket, and the key that what is in them is encrypted with.
struct ServerStores {
    let masterKey: MasterKey
    let metadata: MetadataStore
    let code: CodeStore
    let logs: LogStore
    let events: EventStore
    let metrics: MetricStore
    /// nil where requests for SQS go elsewhere.
    let queues: QueueStore?
    /// nil where requests for Kinesis go elsewhere.
    let streams: StreamStore?
    /// nil where requests for EventBridge and its Scheduler go elsewhere.
    let schedules: ScheduleStore?

    /// Opens them, made or migrated as needed.
    ///
    /// Blocks.
    init(
        _ configuration: ServeConfiguration,
        data: ServerDataDirectory,
        buckets: BucketService,
        now: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) throws {
        masterKey = try Self.masterKey(configuration.masterKey)
        metadata = try MetadataStore(directory: data.path, masterKey: masterKey)
        if let objects = buckets.codeObjects(configuration.codeStore, metadataID: metadata.id) {
            code = CodeStore(objects: objects, masterKey: masterKey)
        } else {
            code = try CodeStore(directory: try data.directory("code"), masterKey: masterKey)
        }
        events = try EventStore(directory: data.path, masterKey: masterKey)
        metrics = try MetricStore(directory: data.path)
        queues =
            configuration.queues == .embedded
            ? try QueueStore(directory: data.path, masterKey: masterKey) { error in
                logger.error("a queue's row is damaged", metadata: ["error": "\(error)"])
            } : nil
        streams =
            configuration.streams == .embedded
            ? try StreamStore(
                directory: data.path,
                masterKey: masterKey,
                storageBytesMax: configuration.streamStorageMiB << 20
            ) : nil
        schedules =
            configuration.schedules == .embedded ? try ScheduleStore(directory: data.path, masterKey: masterKey) : nil
        // The last: what it keeps of the disk the others may need to open.
        let reserveBytes = configuration.journalReserveMiB << 20
        logs = try LogStore(directory: data.path, reserveBytes: reserveBytes, now: now) { error in
            logger.error("the log store's upkeep failed", metadata: ["error": "\(error)"])
        }
    }

    private static func masterKey(_ source: ServeConfiguration.MasterKeySource) throws -> MasterKey {
        switch source {
        case .file(let path): try MasterKey(file: path)
        case .base64(let text): try MasterKey(base64: text)
        case .command(let command): try MasterKey(command: command)
        }
    }
}
