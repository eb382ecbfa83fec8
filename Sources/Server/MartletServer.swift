// SPDX-License-Identifier: Apache-2.0
import AWSWire
import CodeStore
import ControlPlane
import Crypto
import Egress
import EnvelopeEncryption
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
import MetadataStore
import NIOCore
import NIOPosix
import Runtimes
import SandboxPolicy
import ServerConfiguration
import ServiceLifecycle
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
        let data = try ServerDataDirectory(configuration.dataDirectory)
        let masterKey = try masterKey()
        let accessKey = try data.accessKey(configuration)
        let metadata = try MetadataStore(directory: data.path, masterKey: masterKey)
        let code = try CodeStore(directory: try data.directory("code"), masterKey: masterKey)
        let logs = try LogStore(directory: data.path, now: Self.now) { [logger] error in
            logger.error("old log events could not be dropped", metadata: ["error": "\(error)"])
        }
        let runtimes = try await RuntimeCatalog.discover(
            explicit: configuration.runtimes,
            libraries: configuration.runtimeLibraries
        )
        let reactor = try DescriptorReactor()
        let ending = SpawnerEnding()
        let foundation = try await SandboxHost(configuration, reactor: reactor, logger: logger)
            .prepare(data: data, runtimes) { ending.signal() }
        let spawner = foundation.spawner
        defer { spawner.stop() }

        let sessions = SessionCredentialIssuer(key: masterKey.derive("session credentials"))
        let cache = CodeCache(codeStore: code, store: foundation.store, bytesMax: configuration.functionMemoryMiB << 18)
        let pool = EnvironmentPool(
            workshop: try workshop(foundation, runtimes, cache, logs, sessions),
            settings: .init(memoryMiB: configuration.functionMemoryMiB, keepAlive: configuration.keepAlive),
            limits: ConcurrencyLimits(account: configuration.accountConcurrency)
        )
        let collector = CodeCollector(code: code, now: Self.now, clock: ContinuousClock(), logger: logger)
        try await collector.collectLeftovers(metadata)
        let activator = FunctionActivator(
            metadata: metadata,
            collector: collector,
            prepare: { configuration in
                _ = try await cache.acquire(configuration.code)
                await cache.release(configuration.code)
            },
            retire: { await pool.retire($0, keepingRevision: $1) },
            clock: ContinuousClock(),
            logger: logger
        )
        let controlPlane = ControlPlane(
            metadata: metadata,
            code: code,
            location: CodeLocation(key: masterKey.derive("code locations")),
            limits: configuration.limits,
            runtimes: { runtimes.availability(of: $0) },
            activator: activator,
            collector: collector,
            retire: { await pool.retire($0, keepingRevision: $1) },
            now: Self.now,
            logger: logger
        )
        let invoker = InvokeService(pool: pool, now: Self.now) { try await controlPlane.invocable($0, qualifier: $1) }
        let api = LambdaAPI(
            controlPlane: controlPlane,
            logs: logs,
            invoke: { try await invoker.invoke($0) },
            stream: { try await invoker.stream($0) },
            authentication: configuration.authentication == .none
                ? .none : .sigV4(AccessKeyring(keys: [accessKey], sessions: sessions)),
            accountID: configuration.accountID,
            region: configuration.region,
            now: Self.now,
            logger: logger
        )
        let drain = DrainService(pool: pool, timeout: configuration.drainTimeout, spawnerEnding: ending, logger: logger)
        try await serve(
            api,
            services: [
                collector, activator, TemporaryService(temporaries: foundation.temporaries, logger: logger),
                PoolService(pool: pool),
            ],
            drain: drain,
            data: data,
            groups: spawner.controlGroups
        )
    }

    /// The services end in the opposite order: first no new work and running invocations to their end, then the port, then the rest.
    private func serve(
        _ api: LambdaAPI,
        services: [any Service],
        drain: DrainService,
        data: ServerDataDirectory,
        groups: ControlGroupSummary
    ) async throws {
        let listen = configuration.listen
        // What it says of itself at its start is ours to say; its warnings are not.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let announcement = Announcement(listen: listen, path: data.path, listening: listening)
        let application = Application(
            responder: api,
            server: LambdaAPI.server,
            configuration: .init(address: .hostname(listen.host, port: listen.port), serverName: nil),
            onServerRunning: { channel in
                announcement.ready(at: channel.localAddress)
                reportLimits(groups)
            },
            logger: quiet
        )
        let group = ServiceGroup(
            configuration: .init(
                services: services.map { .init(service: $0) } + [
                    .init(service: application),
                    .init(service: drain, successTerminationBehavior: .gracefullyShutdownGroup),
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
        guard !groups.missing.isEmpty else { return }
        logger.warning(
            "some limits have no control group: memory is held by RLIMIT_DATA and by looking, the processors are not shared out",
            metadata: ["missing": "\(groups.missing.joined(separator: " "))", "see": "docs/hosts.md"]
        )
    }

    private func masterKey() throws -> MasterKey {
        switch configuration.masterKey {
        case .file(let path): try MasterKey(file: path)
        case .base64(let text): try MasterKey(base64: text)
        case .command(let command): try MasterKey(command: command)
        }
    }

    private func workshop(
        _ foundation: SandboxFoundation,
        _ runtimes: RuntimeCatalog,
        _ cache: CodeCache,
        _ logs: LogStore,
        _ sessions: SessionCredentialIssuer
    ) throws -> EnvironmentWorkshop {
        let policy: EgressPolicy
        do {
            policy = try EgressPolicy(parsing: configuration.egress)
        } catch {
            throw StartFailure("--egress (MARTLET_EGRESS, 'egress' in the file): \(error)")
        }
        let network = HostNetwork()
        return EnvironmentWorkshop(
            foundation: foundation,
            runtimes: runtimes,
            code: cache,
            logs: logs,
            group: MultiThreadedEventLoopGroup.singleton,
            egress: { [listening, policy, network] in
                SandboxEgress(policy: policy, ownPort: listening.port, host: network)
            },
            functionEnvironment: configuration.functionEnvironment,
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
    }

    /// Of a function's own credentials, made anew with each start of its runtime.
    private static let sessionLife = Duration.seconds(12 * 3_600)
}
