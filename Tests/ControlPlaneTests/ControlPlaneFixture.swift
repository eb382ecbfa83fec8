// SPDX-License-Identifier: Apache-2.0
import AWSWire
import CodeStore
import ControlPlane
import Crypto
import EnvelopeEncryption
import Foundation
import InvocationCore
import LambdaModel
import LogStore
import Logging
import MetadataStore
import Synchronization
import Testing

/// A control plane over the real stores, in a directory of its own.
final class ControlPlaneFixture: Sendable {
    static let caller = Caller(accountID: "000000000000", region: "us-east-1")
    static let role = "arn:aws:iam::000000000000:role/lambda"

    let directory: String
    let metadata: MetadataStore
    let code: CodeStore
    let logs: LogStore
    let controlPlane: ControlPlane
    private let surroundings: Surroundings

    init(
        limits: LimitsProfile = .classic,
        in directory: String? = nil,
        buckets: CodeBuckets = .notConfigured,
        objects: (any CodeObjects)? = nil,
        storedCodeBytesMax: Int = LimitsProfile.storedCodeBytesDefault
    ) throws {
        self.directory = directory ?? NSTemporaryDirectory() + "martlet-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: self.directory, withIntermediateDirectories: true)
        let masterKey = try MasterKey(bytes: [UInt8](repeating: 1, count: 32))
        metadata = try MetadataStore(directory: self.directory, masterKey: masterKey)
        code =
            try objects.map { CodeStore(objects: $0, masterKey: masterKey) }
            ?? CodeStore(directory: self.directory + "/code", masterKey: masterKey)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let surroundings = Surroundings()
        self.surroundings = surroundings
        logs = try LogStore(directory: self.directory, now: { surroundings.now }, onBackgroundFailure: { _ in })
        let clock = ContinuousClock()
        let collector = CodeCollector(
            code: code,
            metadata: metadata,
            now: { surroundings.now },
            clock: clock,
            logger: logger
        )
        let invocables = InvocableCache(metadata: metadata)
        let activator = FunctionActivator(
            metadata: metadata,
            invocables: invocables,
            collector: collector,
            prepare: { [code] configuration in
                let preparation = try surroundings.prepare(configuration)
                if objects != nil { _ = try await code.zip(configuration.code) }
                return preparation
            },
            activated: { surroundings.retire($0, $1, $2) },
            logs: logs,
            now: { surroundings.now },
            clock: clock,
            logger: logger
        )
        controlPlane = ControlPlane(
            metadata: metadata,
            code: code,
            location: CodeLocation(key: masterKey.derive("code location")),
            s3Events: S3EventAddress(key: masterKey.derive("S3 event addresses")),
            limits: limits,
            runtimes: { name in
                switch name {
                case "python3.12": .available
                case "nodejs22.x": .notInstalled(message: "nodejs22.x is not installed.")
                case "go1.x": .deprecated
                default: .unknown(valueSet: ["python3.12", "nodejs22.x"])
                }
            },
            activator: activator,
            invocables: invocables,
            collector: collector,
            reservations: ConcurrencyReservations(
                metadata: metadata,
                accountMax: 1_000,
                apply: { surroundings.apply($0, $1) },
                states: { surroundings.states(of: $0) }
            ),
            storedCodeBytesMax: storedCodeBytesMax,
            buckets: buckets,
            retire: { surroundings.retire($0, $1, $2) },
            now: { surroundings.now },
            logger: logger
        )
    }

    /// What the control plane is given from outside.
    private final class Surroundings: Sendable {
        let time = Mutex(Timestamp(millisecondsSinceEpoch: 1_764_025_947_000))
        /// What `prepare` answers: nil for success.
        let fault = Mutex<LambdaError?>(nil)
        /// What it answers for a version with SnapStart.
        let snapshot = Mutex(FunctionActivator.Preparation.snapshot)
        let retirements = Mutex<[String]>([])
        /// What is in force, and since which turn.
        let concurrency = Mutex<(settings: ConcurrencySettings, turn: UInt64)>((ConcurrencySettings(), 0))
        /// Of versions, by number.
        let states = Mutex<[String: ProvisionedState]>([:])

        var now: Timestamp { time.withLock { $0 } }

        func prepare(_ configuration: FunctionConfiguration) throws -> FunctionActivator.Preparation {
            if let error = fault.withLock({ $0 }) { throw error }
            return configuration.hasSnapStart ? snapshot.withLock { $0 } : .ready
        }

        func apply(_ settings: ConcurrencySettings, _ turn: UInt64) {
            concurrency.withLock { if turn > $0.turn { $0 = (settings, turn) } }
        }

        func states(of keys: [EnvironmentKey]) -> [ProvisionedState] {
            states.withLock { states in keys.map { states[$0.version] ?? ProvisionedState() } }
        }

        func retire(_ key: FunctionKey, _ version: String?, _ revision: String?) {
            retirements.withLock { $0.append("\(key.name) \(revision ?? "all")") }
        }
    }

    func advance(by duration: Duration) {
        surroundings.time.withLock { $0 = $0.advanced(by: duration) }
    }

    func failPreparing(_ error: LambdaError?) {
        surroundings.fault.withLock { $0 = error }
    }

    /// What comes of a version with SnapStart.
    func answerSnapshot(_ preparation: FunctionActivator.Preparation) {
        surroundings.snapshot.withLock { $0 = preparation }
    }

    /// Reserved concurrency in force, by the function's name.
    var reserved: [String: Int] {
        surroundings.concurrency.withLock { state in
            Dictionary(uniqueKeysWithValues: state.settings.reserved.map { ($0.key.name, $0.value) })
        }
    }

    /// Provisioned concurrency in force, such as `live>1=5`: qualifier, version and how many.
    var provisioned: [String] {
        surroundings.concurrency.withLock { state in
            state.settings.provisioned.map { "\($0.qualifier)>\($0.configuration.version)=\($0.executions)" }
        }
    }

    /// Says how far the environments of a version have come.
    func setState(of version: String, _ state: ProvisionedState) {
        surroundings.states.withLock { $0[version] = state }
    }

    var retired: [String] { surroundings.retirements.withLock { $0 } }

    func remove() throws {
        try FileManager.default.removeItem(atPath: directory)
    }

    /// Runs the activator beside `body`.
    func activating<T: Sendable>(_ body: @Sendable @escaping () async throws -> T) async throws -> T {
        let activator = controlPlane.activator
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await activator.run() }
            defer { group.cancelAll() }
            return try await body()
        }
    }

    static func creation(_ name: String, _ extra: [String: JSONValue] = [:]) -> [UInt8] {
        var members: [String: JSONValue] = [
            "FunctionName": .string(name), "Role": .string(role), "Runtime": .string("python3.12"),
            "Handler": .string("lambda_function.handler"), "Code": .object(["ZipFile": .string(SampleCode.echo)]),
        ]
        members.merge(extra) { _, new in new }
        return JSONValue.object(members).bytes
    }

    @discardableResult
    func create(_ name: String, _ extra: [String: JSONValue] = [:]) async throws -> JSONValue {
        try await controlPlane.createFunction(Self.creation(name, extra), caller: Self.caller)
    }

    func show(_ name: String, qualifier: String? = nil) async throws -> JSONValue {
        try await controlPlane.getFunctionConfiguration(name, qualifier: qualifier, caller: Self.caller)
    }

    /// Waits for a function to be neither Pending nor InProgress.
    ///
    /// For two minutes or more: beside many other tests the activator gets its turn late.
    func settled(_ name: String) async throws -> JSONValue {
        for _ in 0..<24_000 {
            let shown = try await show(name)
            if shown["State"] != .string("Pending"), shown["LastUpdateStatus"] != .string("InProgress") { return shown }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw LambdaError.service(message: "\(name) was not settled in two minutes")
    }
}

/// The refusal that `body` ends with; nil when it succeeds.
func refusal<T>(_ body: () async throws -> T) async throws -> LambdaError? {
    do {
        _ = try await body()
        return nil
    } catch let error as LambdaError {
        return error
    }
}
