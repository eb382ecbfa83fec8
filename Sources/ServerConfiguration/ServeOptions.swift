// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation

/// The options of `martlet serve`; `ServeConfiguration` is what they and the other places amount to.
package struct ServeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "YAML or JSON file with these settings (default: DATA/martlet.yaml, if it is there).",
            valueName: "file"
        )
    )
    private var config: String?

    @Option(
        help: ArgumentHelp(
            "Address to serve on (default: 127.0.0.1:4566). Port 0 picks a free one.",
            valueName: "address:port"
        )
    )
    private var listen: String?

    @Option(
        help: ArgumentHelp(
            "Directory for functions, logs and keys (default: /var/lib/martlet for root, else ~/.local/share/martlet).",
            valueName: "dir"
        )
    )
    private var data: String?

    @Option(
        help: ArgumentHelp(
            "Limits of functions: classic (memory up to 3072 MB in 64 MB steps, timeout up to 300 s) or current (AWS's of today) (default: classic).",
            valueName: "profile"
        )
    )
    private var limits: String?

    @Option(
        help: ArgumentHelp(
            "How callers are known: sigv4, or none, on a loopback address only (default: sigv4).",
            valueName: "mode"
        )
    )
    private var auth: String?

    @Flag(
        name: .customLong("insecure-http"),
        help: "Serve on an address that is not loopback although there is no TLS yet."
    )
    private var insecureHTTP = false

    @Option(help: ArgumentHelp("Region that functions are in (default: us-east-1).", valueName: "name"))
    private var region: String?

    @Option(
        name: .customLong("account-id"),
        help: ArgumentHelp("Account that functions belong to (default: 000000000000).", valueName: "digits")
    )
    private var accountID: String?

    @Option(
        help: ArgumentHelp(
            "Interpreter for a runtime, such as python3.12=/usr/bin/python3.12; may be repeated. Others are looked for on this machine.",
            valueName: "name=path"
        )
    )
    private var runtime: [String] = []

    @Option(
        name: .customLong("runtime-libs"),
        help: ArgumentHelp(
            "Directory of libraries that come with a runtime (boto3 for Python, say); may be repeated.",
            valueName: "name=dir"
        )
    )
    private var runtimeLibraries: [String] = []

    @Option(
        help: ArgumentHelp(
            "What functions may reach: allow=CIDR[:PORT],…, deny=CIDR[:PORT],… or none; may be repeated (default: all TCP but this machine, link-local addresses and port 25).",
            valueName: "policy"
        )
    )
    private var egress: [String] = []

    @Option(
        name: .customLong("function-env"),
        help: ArgumentHelp("Environment variable for every function; may be repeated.", valueName: "name=value")
    )
    private var functionEnvironment: [String] = []

    @Option(
        name: .customLong("account-concurrency"),
        help: ArgumentHelp("Invocations that may run at once (default: 1000).", valueName: "count")
    )
    private var accountConcurrency: String?

    @Option(
        help: ArgumentHelp(
            "Memory that all functions may use together, in MiB (default: this machine's, less a tenth and at least 512 MiB).",
            valueName: "mib"
        )
    )
    private var memory: String?

    @Option(
        name: .customLong("keep-alive"),
        help: ArgumentHelp("How long an idle execution environment is kept (default: 10m).", valueName: "time")
    )
    private var keepAlive: String?

    @Option(
        name: .customLong("drain-timeout"),
        help: ArgumentHelp("How long running invocations may take after SIGTERM (default: 60s).", valueName: "time")
    )
    private var drainTimeout: String?

    @Option(
        name: .customLong("log-level"),
        help: ArgumentHelp(
            "trace, debug, info, notice, warning, error or critical (default: info).",
            valueName: "level"
        )
    )
    private var logLevel: String?

    @Option(
        name: .customLong("master-key-file"),
        help: ArgumentHelp(
            "File with the 32 bytes that all encryption starts from, mode 0600, made if absent (default: DATA/master.key). The key may also be in MARTLET_MASTER_KEY, in base64.",
            valueName: "file"
        )
    )
    private var masterKeyFile: String?

    @Option(
        name: .customLong("master-key-command"),
        help: ArgumentHelp("Shell command that prints the master key in base64.", valueName: "command")
    )
    private var masterKeyCommand: String?

    package init() {}

    /// What was given on the command line.
    package var values: [Setting: [String]] {
        let single: [(Setting, String?)] = [
            (.config, config), (.listen, listen), (.data, data), (.limits, limits), (.auth, auth),
            (.insecureHTTP, insecureHTTP ? "true" : nil), (.region, region), (.accountID, accountID),
            (.accountConcurrency, accountConcurrency), (.memory, memory), (.keepAlive, keepAlive),
            (.drainTimeout, drainTimeout), (.logLevel, logLevel), (.masterKeyFile, masterKeyFile),
            (.masterKeyCommand, masterKeyCommand),
        ]
        var values: [Setting: [String]] = [
            .runtime: runtime, .runtimeLibraries: runtimeLibraries, .egress: egress,
            .functionEnvironment: functionEnvironment,
        ]
        for case (let setting, let value?) in single { values[setting] = [value] }
        return values.filter { !$0.value.isEmpty }
    }

    /// The configuration of this process: these options, its environment, the file, the defaults.
    package func configuration() async throws(ConfigurationError) -> ServeConfiguration {
        let environment = ProcessInfo.processInfo.environment
        return try await ServeConfiguration(
            options: values,
            environment: environment,
            host: .read(environment: environment),
            workingDirectory: FileManager.default.currentDirectoryPath
        )
    }
}
