// SPDX-License-Identifier: Apache-2.0
import AWSWire
import CodeStore
import Console
import ControlPlane
import Crypto
import EnvelopeEncryption
import Foundation
import HTTPAPI
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import InvocationCore
import LambdaModel
import Logging
import Logs
import MetadataStore
import MetricCore
import MetricStore
import Monitoring
import NIOCore
import ServiceLifecycle
import Synchronization
import Testing

@testable import LogStore

/// The API over the real stores, in a directory of its own, with an invoker that each test gives.
final class APIFixture: Sendable {
    static let key = AccessKey(id: "AKIAEXAMPLE", secret: "secret")
    static let now = Timestamp(millisecondsSinceEpoch: 1_764_025_947_000)
    static let functions = "/2015-03-31/functions"
    static let echoPayload: LambdaAPI.Invoke = { request in
        InvocationResponse(
            executedVersion: "$LATEST",
            outcome: .success(payload: request.payload),
            logTail: request.logType == .tail ? Array("END\n".utf8) : nil
        )
    }

    let directory: String
    let controlPlane: ControlPlane
    let logs: LogStore
    let metrics = MetricRegistry()
    let sessions: SessionCredentialIssuer
    let api: LambdaAPI

    init(
        isSigned: Bool = true,
        metricsAccess: MetricsAccess = .signed,
        invoke: @escaping LambdaAPI.Invoke = echoPayload,
        stream: LambdaAPI.Stream? = nil,
        console: ConsoleSessions? = nil,
        logPagesMax: Int? = nil
    ) throws {
        directory = NSTemporaryDirectory() + "martlet-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let masterKey = try MasterKey(bytes: [UInt8](repeating: 1, count: 32))
        let metadata = try MetadataStore(directory: directory, masterKey: masterKey)
        let code = try CodeStore(directory: directory + "/code", masterKey: masterKey)
        logs = try LogStore(
            directory: directory,
            retention: LogRetention(),
            pagesMax: logPagesMax,
            // However busy the machine is.
            writeMax: .seconds(3_600),
            now: { Self.now },
            onBackgroundFailure: { _ in }
        )
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let clock = ContinuousClock()
        let collector = CodeCollector(
            code: code,
            metadata: metadata,
            now: { Self.now },
            clock: clock,
            logger: logger
        )
        let invocables = InvocableCache(metadata: metadata)
        let activator = FunctionActivator(
            metadata: metadata,
            invocables: invocables,
            collector: collector,
            prepare: { _ in .ready },
            activated: { _, _, _ in },
            logs: logs,
            now: { Self.now },
            clock: clock,
            logger: logger
        )
        controlPlane = ControlPlane(
            metadata: metadata,
            code: code,
            location: CodeLocation(key: masterKey.derive("code location")),
            s3Events: S3EventAddress(key: masterKey.derive("S3 event addresses")),
            limits: .classic,
            runtimes: { _ in .available },
            activator: activator,
            invocables: invocables,
            collector: collector,
            reservations: ConcurrencyReservations(
                metadata: metadata,
                accountMax: 1_000,
                apply: { _, _ in },
                states: { keys in keys.map { _ in ProvisionedState() } }
            ),
            retire: { _, _, _ in },
            now: { Self.now },
            logger: logger
        )
        sessions = SessionCredentialIssuer(key: masterKey.derive("sessions"))
        api = LambdaAPI(
            controlPlane: controlPlane,
            logs: logs,
            logsService: LogsService(store: logs, now: { Self.now }, clock: clock, logger: logger),
            invoke: invoke,
            stream: stream ?? { InvocationStream(try await invoke($0)) },
            accept: { _ in },
            metrics: { Array("# TYPE x counter\nx 1\n".utf8) },
            metricsAccess: metricsAccess,
            metricsService: MetricsService(
                registry: metrics,
                store: try MetricStore(directory: directory),
                now: { Self.now },
                clock: clock,
                logger: logger
            ),
            environments: { _, _ in EnvironmentsStatus() },
            budgets: Budgets(board: BudgetBoard(), controlPlane: controlPlane, logs: logs, clock: clock),
            authentication: isSigned ? .sigV4 : .none,
            accessKeys: AccessKeys(
                metadata: metadata,
                keyring: AccessKeyring(administrator: Self.key, accountID: "000000000000", sessions: sessions),
                accountID: "000000000000",
                now: { Self.now }
            ),
            console: console,
            accountID: "000000000000",
            region: "us-east-1",
            isEncrypted: false,
            now: { Self.now },
            logger: logger
        )
    }

    func remove() throws {
        try FileManager.default.removeItem(atPath: directory)
    }

    /// Runs `test` against the API, with the activator beside it.
    func serve<T: Sendable>(_ test: @Sendable @escaping (Client) async throws -> T) async throws -> T {
        let application = Application(responder: api, server: LambdaAPI.server(identity: nil), logger: Self.silent)
        let activator = controlPlane.activator
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await activator.run() }
            defer { group.cancelAll() }
            return try await application.test(.router) { client in try await test(Client(client: client)) }
        }
    }

    private static var silent: Logger {
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        return logger
    }

    /// Runs `test` with the port of a server on 127.0.0.1.
    ///
    /// Not `application.test(.live)`: its client gives up a connection after 5 s and a request after 20, and a busy
    /// machine lets them pass.
    func serveLive(_ test: @Sendable @escaping (Int) async throws -> Void) async throws {
        let (ports, running) = AsyncStream<Int>.makeStream()
        let services: [any Service] = [
            Application(
                responder: api,
                server: LambdaAPI.server(identity: nil),
                configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
                onServerRunning: { channel in
                    if let port = channel.localAddress?.port { running.yield(port) }
                },
                logger: Self.silent
            )
        ]
        let serviceGroup = ServiceGroup(configuration: .init(services: services, logger: Self.silent))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                // Nobody waits for the port of a server that ended before it had one.
                defer { running.finish() }
                try await serviceGroup.run()
            }
            let port = await ports.first { _ in true }
            do {
                try await test(try #require(port, "the server does not run"))
                await serviceGroup.triggerGracefulShutdown()
            } catch {
                await serviceGroup.triggerGracefulShutdown()
                throw error
            }
            try await group.waitForAll()
        }
    }

    /// Sends requests, signed unless told otherwise.
    struct Client: Sendable {
        let client: any TestClientProtocol

        func send(
            _ method: HTTPRequest.Method,
            _ target: String,
            headers: [(String, String)] = [],
            body: [UInt8] = [],
            key: AccessKey? = APIFixture.key,
            service: String = "lambda"
        ) async throws -> TestResponse {
            let parts = target.split(separator: "?", maxSplits: 1).map(String.init)
            let host = client.port.map { "localhost:\($0)" } ?? "localhost"
            var request = SigV4Request(
                method: method.rawValue,
                path: parts[0],
                query: parts.count > 1 ? parts[1] : "",
                headers: headers.map { .init($0.0, $0.1) }
            )
            if let key {
                var whole = request
                whole.headers.append(.init("host", host))
                let signer = SigV4Signer(accessKey: key, region: "us-east-1", service: service)
                request.headers += signer.sign(whole, body: body, at: APIFixture.now)
            }
            var fields = HTTPFields()
            for header in request.headers {
                fields.append(HTTPField(name: try #require(HTTPField.Name(header.name)), value: header.value))
            }
            return try await client.execute(
                uri: target,
                method: method,
                headers: fields,
                body: body.isEmpty ? nil : ByteBuffer(bytes: body)
            )
        }

        func create(_ name: String) async throws -> TestResponse {
            try await send(.post, APIFixture.functions, body: APIFixture.creation(name))
        }

        /// Waits for two minutes or more: the activator may get its turn late.
        func createActive(_ name: String) async throws {
            #expect(try await create(name).status == .created)
            for _ in 0..<24_000 {
                let shown = try await send(.get, "\(APIFixture.functions)/\(name)/configuration")
                if try shown.json["State"] == .string("Active") { return }
                try await Task.sleep(for: .milliseconds(5))
            }
            Issue.record("\(name) did not become active")
        }
    }

    static func creation(_ name: String) -> [UInt8] {
        JSONValue.object([
            "FunctionName": .string(name), "Role": .string("arn:aws:iam::000000000000:role/lambda"),
            "Runtime": .string("python3.12"), "Handler": .string("lambda_function.handler"),
            "Code": .object(["ZipFile": .string(SampleCode.echo)]),
        ]).bytes
    }
}

extension TestResponse {
    var bytes: [UInt8] { Array(body.readableBytesView) }

    var json: JSONValue {
        get throws { try JSONValue(parsing: bytes) }
    }

    func header(_ name: String) -> String? {
        HTTPField.Name(name).flatMap { headers[$0] }
    }
}
