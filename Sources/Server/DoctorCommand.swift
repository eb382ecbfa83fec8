// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
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
        examineRuntimes(runtimes)
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
            if foundation.temporaries != nil {
                ok("/tmp", "a file system of its own size, not part of the function's memory")
            } else {
                lacking(
                    "/tmp",
                    "a tmpfs, whose content counts as the function's memory: images need root and loop devices"
                )
            }
        } catch {
            fatal("sandbox", "\(error)")
        }
    }

    private mutating func examineLimits(_ groups: ControlGroupSummary) {
        guard groups.version != 0 else {
            return lacking(
                "control groups",
                "none that this user may write: memory is held by RLIMIT_DATA and by looking every 50 ms, CPU is not "
                    + "shared out, idle functions are stopped by signal. systemd gives them with Delegate=yes (docs/hosts.md)"
            )
        }
        guard groups.missing.isEmpty else {
            return lacking(
                "control groups",
                "version \(groups.version), without \(groups.missing.joined(separator: ", "))"
            )
        }
        ok("control groups", "version \(groups.version): memory, cpu, pids and freezer")
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
