// SPDX-License-Identifier: Apache-2.0
import AWSWire
import CodeStore
import Console
import ControlPlane
import Egress
import EnvelopeEncryption
import EventSources
import EventStore
import ExecutionEnvironments
import Foundation
import Glibc
import HTTPAPI
import Hummingbird
import InvocationCore
import Invoker
import LambdaModel
import LinuxSandbox
import LogStore
import Logging
import Logs
import MetadataStore
import MetricCore
import Monitoring
import NIOCore
import NIOPosix
import Queues
import Runtimes
import Schedules
import ServerConfiguration
import ServiceLifecycle
import Streams
import UnixSignals

/// Wires everything together from one configuration, and runs it to its end.
struct MartletServer {
    private let configuration: ServeConfiguration
    private let logger = Logger(label: "martlet")
    private let listening = Listening()

    init(_ configuration: ServeConfiguration) { self.configuration = configuration }

    private static let now: @Sendable () -> Timestamp = {
        Timestamp(millisecondsSinceEpoch: Int64(Date().timeIntervalSince1970 * 1_000))
    }

    func run() async throws {
        let buckets = BucketService(configuration.s3, now: Self.now)
        do {
            try await run(buckets)
        } catch {
            try await buckets.close()
            throw error
        }
    }

    private func run(_ buckets: BucketService) async throws {
        let identity = try tlsIdentity()
        let secrets = try secrets()
        let data = try ServerDataDirectory(configuration.dataDirectory)
        let stores = try ServerStores(configuration, data: data, buckets: buckets, now: Self.now, logger: logger)
        let administrator = try data.accessKey(configuration)
        let ending = SpawnerEnding()
        let runtimes = try await RuntimeCatalog.discover(
            explicit: configuration.runtimes,
            libraries: configuration.runtimeLibraries
        )
        let foundation = try await SandboxHost(configuration, reactor: DescriptorReactor(), logger: logger)
            .prepare(data: data, runtimes) { ending.signal() }
        defer { foundation.spawner.stop() }

        let sessions = SessionCredentialIssuer(key: stores.masterKey.derive("session credentials"))
        let cache = CodeCache(
            codeStore: stores.code,
            store: foundation.store,
            bytesMax: configuration.functionMemoryMiB << 18
        )
        let registry = MetricRegistry()
        let descriptors = try DescriptorLimit.raise()
        let budget = EgressBudget(descriptors: descriptors)
        let budgetBoard = BudgetBoard()
        let workshop = try workshop(foundation, runtimes, cache, stores.logs, registry, budget, sessions, budgetBoard)
        let pool = EnvironmentPool(
            workshop: workshop,
            settings: .init(
                memoryMiB: configuration.functionMemoryMiB,
                admitsByUse: foundation.hasMemoryGroup,
                reserveMiB: min(512, configuration.functionMemoryMiB / 20),
                keepAlive: configuration.keepAlive.map { .fixed($0) } ?? .standard
            ),
            limits: ConcurrencyLimits(account: configuration.accountConcurrency)
        )
        let keys = try await accessKeys(in: stores.metadata, administrator: administrator, sessions)
        var controlPlane = try await controlPlane(stores, workshop, pool, buckets: buckets.buckets)
        let queues = queues(stores)
        let ownStreams = streams(stores)
        let sources = EventSourceConnections(
            configuration,
            queues: queues,
            streams: ownStreams,
            now: Self.now,
            logger: logger
        )
        let board = EventSourceBoard()
        controlPlane.sources = EventSourceReading(
            board: board,
            obstacles: sources.obstacles,
            visibilityTimeout: { try await sources.visibilityTimeout(arn: $0, accountID: $1) },
            findStream: { try await sources.find($0, accountID: $1) }
        )
        let invoker = InvokeService(
            pool: pool,
            metrics: registry,
            isTraced: workshop.spans != nil,
            now: Self.now,
            hasRoom: { [logs = stores.logs] in logs.hasRoom },
            allowsLoops: { [controlPlane] in try await controlPlane.allowsLoops($0) },
            resolve: { [controlPlane] in try await controlPlane.invocable($0, qualifier: $1) }
        )
        let connections = DestinationConnections(configuration, queues: queues, now: Self.now)
        let streams = StreamReading(
            streams: sources,
            checkpoints: StreamPositions(metadata: stores.metadata),
            deliver: { [destinations = connections.destinations] message async throws(DeliveryFailure) in
                try await destinations.deliver(message)
            },
            time: Self.now,
            aged: { registry.series($0, qualifier: $1).record(.iteratorAge, $2.inMilliseconds) }
        )
        let readers = readers(of: sources, streams, secrets, board, registry, invoker, controlPlane)
        let events = events(stores.events, registry, invoker, controlPlane, connections.destinations)
        try await events.load()
        let schedules = schedules(stores, controlPlane, invoker, events, queues)
        let passThrough = configuration.awsEndpoint.map { PassThrough(endpoint: $0) }
        let budgets = Budgets(
            board: budgetBoard,
            controlPlane: controlPlane,
            logs: stores.logs,
            clock: ContinuousClock()
        )
        try await budgets.refresh()
        let logs = LogsService(store: stores.logs, now: Self.now, clock: ContinuousClock(), logger: logger)
        let metrics = MetricsService(
            registry: registry,
            store: stores.metrics,
            now: Self.now,
            clock: ContinuousClock(),
            logger: logger
        )
        let observation = ServerObservation(
            registry: registry,
            service: metrics,
            pool: pool,
            workshop: workshop,
            events: events,
            budget: budget,
            budgetBoard: budgetBoard,
            descriptorsMax: descriptors,
            started: Date().timeIntervalSince1970
        )
        try await serve(
            api(
                controlPlane,
                stores.logs,
                logs,
                invoker,
                events,
                pool,
                budgets,
                metrics,
                observation,
                keys,
                passThrough,
                queues,
                ownStreams,
                schedules?.service,
                isEncrypted: identity != nil
            ),
            services: [
                metrics, TracingService(buffer: workshop.spans, configuration, logger: logger), buckets,
                controlPlane.collector, controlPlane.activator,
                TemporaryService(temporaries: foundation.temporaries, logger: logger),
                BlankService(blanks: workshop.blanks, metadata: stores.metadata, logger: logger),
                SnapshotService(snapshots: workshop.snapshots, metadata: stores.metadata, logger: logger),
                PoolService(pool: pool), budgets, connections, sources, events, readers,
                CertificateService(identity: identity, now: Self.now, logger: logger),
                PassThroughService(passThrough: passThrough),
            ] + (schedules.map { [$0.driver] } ?? []),
            waiting: [logs] + (queues.map { [$0] } ?? []) + (ownStreams.map { [$0] } ?? []),
            identity: identity,
            drain: DrainService(
                pool: pool,
                events: events,
                readers: readers,
                schedules: schedules?.driver,
                timeout: configuration.drainTimeout,
                spawnerEnding: ending,
                logger: logger
            ),
            meter: ProvisionedMeter(
                clock: SuspendingClock(),
                inUse: { await pool.provisionedInUse },
                logs: stores.logs,
                board: budgetBoard,
                now: Self.now,
                logger: logger
            ),
            data: data,
            groups: foundation.spawner.controlGroups,
            workshop: workshop
        )
    }

    /// The operations over their stores, after what an earlier run left over has been put in order.
    private func controlPlane(
        _ stores: ServerStores,
        _ workshop: EnvironmentWorkshop,
        _ pool: EnvironmentPool,
        buckets: CodeBuckets
    ) async throws -> ControlPlane {
        let collector = CodeCollector(
            code: stores.code,
            metadata: stores.metadata,
            now: Self.now,
            clock: ContinuousClock(),
            logger: logger
        )
        try await collector.collectLeftovers()
        let retire: ControlPlane.Retire = { await pool.retire($0, version: $1, keepingRevision: $2) }
        let reservations = ConcurrencyReservations(
            metadata: stores.metadata,
            accountMax: configuration.accountConcurrency,
            apply: { await pool.setConcurrency($0, turn: $1) },
            states: { await pool.provisionedStates(of: $0) }
        )
        try await reservations.refresh()
        let invocables = InvocableCache(metadata: stores.metadata)
        let activator = FunctionActivator(
            metadata: stores.metadata,
            invocables: invocables,
            collector: collector,
            prepare: { [code = workshop.code, blanks = workshop.blanks, snapshots = workshop.snapshots] configuration in
                try await code.prepare(configuration)
                blanks?.use(configuration)
                return try await SnapshotService.prepare(configuration, snapshots)
            },
            activated: { [logger] in
                await retire($0, $1, $2)
                // A version that was provisioned before it was active can have its environments now.
                do { try await reservations.refresh() } catch {
                    logger.error("concurrency settings not read", metadata: ["error": "\(error)"])
                }
            },
            logs: stores.logs,
            unreached: DestinationConnections.unreached(configuration),
            now: Self.now,
            clock: ContinuousClock(),
            logger: logger
        )
        return ControlPlane(
            metadata: stores.metadata,
            code: stores.code,
            location: CodeLocation(key: stores.masterKey.derive("code locations")),
            s3Events: S3EventAddress(key: stores.masterKey.derive("S3 event addresses")),
            limits: configuration.limits,
            runtimes: { [runtimes = workshop.runtimes] in runtimes.availability(of: $0) },
            activator: activator,
            invocables: invocables,
            collector: collector,
            reservations: reservations,
            storedCodeBytesMax: configuration.accountCodeStorageMiB << 20,
            buckets: buckets,
            retire: retire,
            now: Self.now,
            logger: logger
        )
    }

    private func events(
        _ store: EventStore,
        _ registry: MetricRegistry,
        _ invoker: InvokeService,
        _ controlPlane: ControlPlane,
        _ destinations: Destinations
    ) -> AsyncInvokeQueue {
        AsyncInvokeQueue(
            store: store,
            metrics: registry,
            settings: .init(
                policy: AsyncRetryPolicy(baseDelay: configuration.asyncRetryDelay),
                eventsMax: configuration.asyncEventsMax
            ),
            invoke: { try await invoker.attempt($0) },
            plan: { try await controlPlane.asyncPlan($0, qualifier: $1) },
            destinations: destinations,
            note: { await controlPlane.noteOnEvents($1, of: $0) },
            now: Self.now,
            clock: ContinuousClock(),
            logger: logger
        )
    }

    private func readers(
        of queues: any SQSQueues,
        _ streams: StreamReading,
        _ secrets: @escaping Secret.Finder,
        _ board: EventSourceBoard,
        _ registry: MetricRegistry,
        _ invoker: InvokeService,
        _ controlPlane: ControlPlane
    ) -> EventSourceService {
        EventSourceService(
            board: board,
            queues: queues,
            streams: streams,
            brokers: EventSourceConnections.brokers(configuration),
            secrets: secrets,
            kafkaMemoryMiB: configuration.kafkaMemoryMiB,
            invoke: { try await invoker.invoke($0) },
            all: { try await controlPlane.eventSources() },
            plan: { try await controlPlane.eventSourcePlan($0) },
            lag: { registry.setLag(of: $0, to: $1) },
            now: { .now },
            clock: ContinuousClock(),
            logger: logger
        )
    }

    private func queues(_ stores: ServerStores) -> QueueService? {
        stores.queues.map { store in
            QueueService(
                store: store,
                masterKey: stores.masterKey,
                now: Self.now,
                clock: ContinuousClock(),
                logger: logger
            )
        }
    }

    private func streams(_ stores: ServerStores) -> StreamService? {
        stores.streams.map { store in
            StreamService(
                store: store,
                masterKey: stores.masterKey,
                now: Self.now,
                clock: ContinuousClock(),
                logger: logger
            )
        }
    }

    private func schedules(
        _ stores: ServerStores,
        _ controlPlane: ControlPlane,
        _ invoker: InvokeService,
        _ events: AsyncInvokeQueue,
        _ queues: QueueService?
    ) -> (service: ScheduleService, driver: ScheduleDriver)? {
        stores.schedules.map { store in
            let bell = ScheduleBell()
            let targets = ScheduleConnections.targets(
                controlPlane,
                invoker,
                events,
                queues: DestinationConnections.hasOwnQueues(configuration) ? queues : nil
            )
            let driver = ScheduleDriver(
                store: store,
                bell: bell,
                targets: targets,
                now: Self.now,
                clock: ContinuousClock(),
                logger: logger
            )
            return (ScheduleService(store: store, bell: bell, targets: targets, now: Self.now, logger: logger), driver)
        }
    }

    private func api(
        _ controlPlane: ControlPlane,
        _ logs: LogStore,
        _ logsService: LogsService,
        _ invoker: InvokeService,
        _ events: AsyncInvokeQueue,
        _ pool: EnvironmentPool,
        _ budgets: Budgets,
        _ metrics: MetricsService,
        _ observation: ServerObservation,
        _ keys: AccessKeys,
        _ passThrough: PassThrough?,
        _ queues: QueueService?,
        _ streams: StreamService?,
        _ schedules: ScheduleService?,
        isEncrypted: Bool
    ) -> LambdaAPI {
        LambdaAPI(
            controlPlane: controlPlane,
            logs: logs,
            logsService: logsService,
            invoke: { try await invoker.invoke($0) },
            stream: { try await invoker.stream($0) },
            accept: { try await invoker.accept($0, into: events) },
            metrics: { await observation.text() },
            metricsAccess: MetricsAccess(configuration.metrics),
            metricsService: metrics,
            environments: { await pool.status(accountID: $0, region: $1) },
            budgets: budgets,
            authentication: configuration.authentication == .none ? .none : .sigV4,
            accessKeys: keys,
            passThrough: passThrough,
            queues: queues,
            streams: streams,
            schedules: schedules,
            throttle: configuration.throttlesAPI ? APIThrottle() : nil,
            console: configuration.console == .on ? ConsoleSessions(clock: { APIThrottle.monotonic() }) : nil,
            accountID: configuration.accountID,
            region: configuration.region,
            isEncrypted: isEncrypted,
            now: Self.now,
            logger: logger
        )
    }

    /// The services end in the opposite order: first what counts environments while there are some, then no new work and running invocations
    /// to their end, then what requests wait for, then the port, then the rest.
    private func serve(
        _ api: LambdaAPI,
        services: [any Service],
        waiting: [any Service],
        identity: TLSIdentity?,
        drain: DrainService,
        meter: any Service,
        data: ServerDataDirectory,
        groups: ControlGroupSummary,
        workshop: EnvironmentWorkshop
    ) async throws {
        let listen = configuration.listen
        // What it says of itself at its start is ours to say; its warnings are not.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let announcement = Announcement(
            listen: listen,
            isEncrypted: identity != nil,
            path: data.path,
            listening: listening
        )
        let application = Application(
            responder: api,
            server: LambdaAPI.server(identity: identity),
            configuration: .init(address: .hostname(listen.host, port: listen.port), serverName: nil),
            onServerRunning: { channel in
                announcement.ready(at: channel.localAddress)
                workshop.blanks?.open()
                workshop.snapshots?.open()
                reportLimits(groups)
            },
            logger: quiet
        )
        let group = ServiceGroup(
            configuration: .init(
                services: (services + [application] + waiting).map { .init(service: $0) } + [
                    .init(service: drain, successTerminationBehavior: .gracefullyShutdownGroup), .init(service: meter),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
        )
        do {
            try await group.run()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw StartFailure("\(listen) is in use by another program (--listen names another address).")
        } catch let error as IOError where error.errnoCode == EADDRNOTAVAIL || error.errnoCode == EACCES {
            throw StartFailure("\(listen) can't be listened on: \(String(cString: strerror(error.errnoCode)))")
        }
        Notification.send("STOPPING=1")
        if drain.spawnerEnding.hasEnded {
            throw StartFailure("martlet-spawner has ended, and every sandbox with it.")
        }
    }

    private func reportLimits(_ groups: ControlGroupSummary) {
        let weaker = LimitStatement.all(groups).filter { !$0.isFull }
        guard !weaker.isEmpty else { return }
        var metadata = Dictionary(weaker.map { ($0.subject, "\($0.text)" as Logger.MetadataValue) }) { first, _ in first
        }
        metadata["see"] = "docs/hosts.md"
        logger.warning("some limits hold less than on Lambda, for want of control groups", metadata: metadata)
    }

    private func tlsIdentity() throws -> TLSIdentity? {
        guard let files = configuration.tls else { return nil }
        do { return try TLSIdentity(certificatePath: files.certificate, keyPath: files.key) } catch {
            throw StartFailure("\(error) (--tls-cert and --tls-key name the files.)")
        }
    }

    /// Those of the operator's file, which is looked at now, so that mistakes in it end the start.
    private func secrets() throws -> Secret.Finder {
        guard let path = configuration.secrets else { return SecretsFile.none }
        do {
            let file = try SecretsFile(path: path) { [logger] in
                logger.error("the file of secrets can't be used", metadata: ["cause": "\($0)"])
            }
            return { arn, accountID throws(SecretFailure) in try file.secret(arn, accountID: accountID) }
        } catch {
            throw StartFailure(error.description)
        }
    }

    private func accessKeys(
        in metadata: MetadataStore,
        administrator: AccessKey,
        _ sessions: SessionCredentialIssuer
    ) async throws -> AccessKeys {
        let account = configuration.accountID
        let keyring = AccessKeyring(administrator: administrator, accountID: account, sessions: sessions)
        let keys = AccessKeys(metadata: metadata, keyring: keyring, accountID: account, now: Self.now)
        try await keys.load()
        return keys
    }

    /// Those that the operator named; nil for the host's.
    private func resolvers() throws -> ResolverConfiguration? {
        guard !configuration.resolvers.isEmpty else { return nil }
        return ResolverConfiguration(
            servers: configuration.resolvers.compactMap { named in
                guard let address = IPAddress(named.host), let port = UInt16(exactly: named.port) else { return nil }
                return ResolverConfiguration.Server(address, port: port)
            }
        )
    }

    private func workshop(
        _ foundation: SandboxFoundation,
        _ runtimes: RuntimeCatalog,
        _ cache: CodeCache,
        _ logs: LogStore,
        _ registry: MetricRegistry,
        _ budget: EgressBudget,
        _ sessions: SessionCredentialIssuer,
        _ board: BudgetBoard
    ) throws -> EnvironmentWorkshop {
        let policy: EgressPolicy
        do {
            policy = try EgressPolicy(parsing: configuration.egress)
        } catch {
            throw StartFailure("--egress (MARTLET_EGRESS, 'egress' in the file): \(error)")
        }
        let network = HostNetwork(resolvers: try resolvers())
        var workshop = EnvironmentWorkshop(
            foundation: foundation,
            runtimes: runtimes,
            code: cache,
            logs: logs,
            metrics: registry,
            group: MultiThreadedEventLoopGroup.singleton,
            egressGroup: MultiThreadedEventLoopGroup(numberOfThreads: NIOSingletons.groupLoopCountSuggestion),
            egress: { [listening, policy, network, budget] in
                SandboxEgress(policy: policy, ownPort: listening.port, host: network, budget: budget)
            },
            functionEnvironment: configuration.functionEnvironment,
            streamRate: configuration.limits.streamRate,
            credentials: { function in
                let key = sessions.issue(function: function, expires: Self.now().advanced(by: Self.sessionLife))
                return SessionCredentialValues(
                    accessKeyID: key.id,
                    secretAccessKey: key.secret,
                    sessionToken: key.sessionToken ?? ""
                )
            },
            now: Self.now,
            logger: logger
        )
        workshop.noteUsage = { board.record($0) }
        if configuration.otlpEndpoint != nil { workshop.spans = SpanBuffer() }
        let producer = EnvironmentProducer(configuration.pool, sumsLimits: foundation.spawner.sumsLimits)
        if producer != .exec {
            workshop.blanks = BlankEnvironments(
                workshop: workshop,
                functionMemoryMiB: configuration.functionMemoryMiB,
                forks: producer == .fork
            )
            workshop.snapshots = Snapshots(workshop: workshop, functionMemoryMiB: configuration.functionMemoryMiB)
        }
        return workshop
    }

    /// Of a function's own credentials, made anew with each start of its runtime.
    private static let sessionLife = Duration.seconds(12 * 3_600)
}
