// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CodeStore
import ControlPlane
import EnvelopeEncryption
import ExecutionEnvironments
import Foundation
import Glibc
import InvocationCore
import LambdaModel
import LinuxSandbox
import Logging
import Runtimes
import ServerConfiguration

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say what this host offers to functions, and what to install or allow.",
        discussion: "Builds a real sandbox in a temporary directory. Ends with 1 when functions can't run here."
    )

    @OptionGroup var options: ServeOptions

    func run() async throws {
        let configuration: ServeConfiguration
        do {
            configuration = try await options.configuration()
        } catch {
            FileHandle.standardError.write(Data("martlet: \(error)\n".utf8))
            throw ExitCode(1)
        }
        var report = DoctorReport()
        await report.examine(configuration)
        for line in report.lines { print(line) }
        if report.isFatal { throw ExitCode(1) }
    }
}

/// What was found, line by line: `ok`, `--` for what is missing but can be done without, `NO` for what can't.
struct DoctorReport {
    private(set) var lines: [String] = []
    private(set) var isFatal = false

    private mutating func ok(_ subject: String, _ text: String) { lines.append("ok  \(subject): \(text)") }
    private mutating func lacking(_ subject: String, _ text: String) { lines.append("--  \(subject): \(text)") }
    private mutating func fatal(_ subject: String, _ text: String) {
        lines.append("NO  \(subject): \(text)")
        isFatal = true
    }

    mutating func examine(_ configuration: ServeConfiguration) async {
        var system = utsname()
        uname(&system)
        let release = withUnsafeBytes(of: &system.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        ok("kernel", release)
        ok(
            "user",
            geteuid() == 0
                ? "root: sandboxes get subordinate ids of their own" : "uid \(geteuid()), which sandboxes run as"
        )
        let runtimes: RuntimeCatalog
        do {
            runtimes = try await RuntimeCatalog.discover(
                explicit: configuration.runtimes,
                libraries: configuration.runtimeLibraries
            )
        } catch {
            return fatal("runtimes", "\(error)")
        }
        await examineSandbox(configuration, runtimes)
        await examineCodeStore(configuration)
        examineRuntimes(runtimes)
        for (name, reason) in IneffectiveParameters.reasons {
            lacking(name, "kept and shown without effect: \(reason)")
        }
        examineDestinations(configuration)
        examineSchedules(configuration)
    }

    private mutating func examineSchedules(_ configuration: ServeConfiguration) {
        guard configuration.schedules == .embedded else {
            return lacking(
                "schedules",
                "requests for EventBridge and its Scheduler go to the endpoint that is named (--schedules)"
            )
        }
        let queues = DestinationConnections.hasOwnQueues(configuration) ? " and queues" : ""
        ok("schedules", "this server runs them, for its functions\(queues)")
    }

    private mutating func examineDestinations(_ configuration: ServeConfiguration) {
        let unreached = DestinationConnections.unreached(configuration)
        for service in DestinationARN.Service.allCases where service != .lambda {
            let subject = "destinations, \(service.title)"
            if let reason = unreached[service] {
                lacking(subject, "nothing is sent: \(reason)")
            } else if service == .sqs, DestinationConnections.hasOwnQueues(configuration) {
                ok(subject, "the queues of this server")
            } else {
                ok(subject, "sent to the endpoint that is named")
            }
        }
    }

    private mutating func examineSandbox(_ configuration: ServeConfiguration, _ runtimes: RuntimeCatalog) async {
        let directory = NSTemporaryDirectory() + "martlet-doctor-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        do {
            var trial = configuration
            trial.dataDirectory = directory
            let data = try ServerDataDirectory(directory)
            let reactor = try DescriptorReactor()
            let quiet = Logger(label: "doctor") { _ in SwiftLogNoOpLogHandler() }
            let foundation = try await SandboxHost(trial, reactor: reactor, logger: quiet)
                .prepare(data: data, runtimes) {}
            defer { foundation.spawner.stop() }
            ok("sandbox", "namespaces, mounts, seccomp and nftables work (one was built and torn down)")
            examineLimits(foundation.spawner.controlGroups)
            let producer = EnvironmentProducer(configuration.pool, sumsLimits: foundation.spawner.sumsLimits)
            ok("environments", producer.text)
            if let hindrance = producer.hindrance(configuration.pool) { lacking("environments", hindrance) }
            if foundation.temporaries != nil {
                ok("/tmp", "a file system of its own size, not part of the function's memory")
            } else {
                let counted =
                    foundation.spawner.controlGroups.has("memory") ? "the function's memory" : "nobody's memory"
                lacking("/tmp", "a tmpfs, whose content counts as \(counted): images need root and loop devices")
            }
        } catch {
            fatal("sandbox", "\(error)")
        }
    }

    /// Writes, finds, reads and deletes an object in the bucket that code is to be kept in.
    private mutating func examineCodeStore(_ configuration: ServeConfiguration) async {
        let now: @Sendable () -> Timestamp = {
            Timestamp(millisecondsSinceEpoch: Int64(Date().timeIntervalSince1970 * 1_000))
        }
        let buckets = BucketService(configuration.s3, now: now)
        do {
            // In a place of its own, where no server looks.
            let place = "doctor-" + RandomIdentifier.uuid()
            if let objects = buckets.codeObjects(configuration.codeStore, metadataID: place) {
                let key = (0..<MasterKey.byteCount).map { _ in UInt8.random(in: 0...255) }
                let store = CodeStore(objects: objects, masterKey: try MasterKey(bytes: key))
                let reference = try await store.put(Array("martlet doctor".utf8))
                let isListed = try await store.objectIDs() == [reference.objectID]
                _ = try await store.zip(reference)
                try await store.delete(objectID: reference.objectID)
                if isListed {
                    ok("code store", "\(store.place): an object was written, listed, read and deleted")
                } else {
                    fatal("code store", "\(store.place) does not list what was written there")
                }
            }
            try await buckets.close()
        } catch {
            fatal("code store", "\(error)")
            try? await buckets.close()
        }
    }

    private mutating func examineLimits(_ groups: ControlGroupSummary) {
        let statements = LimitStatement.all(groups)
        for statement in statements {
            if statement.isFull {
                ok(statement.subject, statement.text)
            } else {
                lacking(statement.subject, statement.text)
            }
        }
        guard !statements.allSatisfy(\.isFull), geteuid() != 0 else { return }
        lacking(
            "control groups",
            "a user has those that are delegated: by systemd with Delegate=yes (docs/hosts.md)"
        )
    }

    private mutating func examineRuntimes(_ catalog: RuntimeCatalog) {
        for entry in catalog.entries {
            guard let interpreter = entry.interpreter else { continue }
            let sdk =
                entry.hasSDK ? "with AWS's SDK" : "without AWS's SDK (--runtime-libs \(entry.runtime)=DIR brings it)"
            ok(entry.runtime, "\(interpreter.path), \(interpreter.version), \(sdk)")
        }
        ok("provided.al2, provided.al2023", "the function's own bootstrap")
        let missing = catalog.entries.filter { $0.interpreter == nil }.map(\.runtime)
        if !missing.isEmpty {
            lacking("not installed", missing.joined(separator: ", ") + " (--runtime NAME=PATH adds one)")
        }
    }
}
