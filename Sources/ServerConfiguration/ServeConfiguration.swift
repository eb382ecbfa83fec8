// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// Everything `martlet serve` was told, read once at start.
///
/// Each property names its option and its default.
package struct ServeConfiguration: Equatable, Sendable {
    /// How callers are known.
    package enum Authentication: String, CaseIterable, Sendable {
        case sigv4
        /// Everybody is the one account. Only on a loopback address.
        case none
    }

    /// swift-log's levels.
    package enum LogLevel: String, CaseIterable, Sendable {
        case trace, debug, info, notice, warning, error, critical
    }

    /// Where the key that wraps every object's key comes from.
    package enum MasterKeySource: Equatable, Sendable {
        /// Mode 0600; made when it is absent.
        case file(String)
        /// 32 bytes in base64. Secret.
        case base64(String)
        /// A shell command that prints what `base64` holds.
        case command(String)
    }

    /// `--listen`, 127.0.0.1:4566.
    package var listen: ListenAddress
    /// `--data`, absolute; see `HostFacts.defaultDataDirectory`.
    package var dataDirectory: String
    /// `--limits`, classic.
    package var limits: LimitsProfile
    /// `--auth`, sigv4.
    package var authentication: Authentication
    /// `--region`, us-east-1.
    package var region: String
    /// `--account-id`, 000000000000.
    package var accountID: String
    /// `--runtime`: name to the interpreter's absolute path; by default what is found on the machine.
    package var runtimes: [String: String]
    /// `--runtime-libs`: runtime's name to a directory, absolute; by default none.
    package var runtimeLibraries: [String: String]
    /// `--egress`, in the order given, not parsed here; empty for the default policy.
    package var egress: [String]
    /// `--function-env`: set in every function; secret, by default none.
    package var functionEnvironment: [String: String]
    /// `--account-concurrency`, 1,000.
    package var accountConcurrency: Int
    /// `--memory`, MiB that all environments may use together; see `HostFacts.defaultFunctionMemoryMiB`.
    package var functionMemoryMiB: Int
    /// `--keep-alive`, 10 minutes: how long an idle environment is kept.
    package var keepAlive: Duration
    /// `--drain-timeout`, 60 seconds: how long running invocations may take after SIGTERM.
    package var drainTimeout: Duration
    /// `--log-level`, info.
    package var logLevel: LogLevel
    /// `--master-key-file`, `MARTLET_MASTER_KEY` or `--master-key-command`; DATA/master.key.
    package var masterKey: MasterKeySource
    /// The file that was read, if any.
    package var file: String?
}

extension ServeConfiguration: CustomStringConvertible {
    /// Without secrets, for a log line.
    package var description: String {
        "\(listen), data \(dataDirectory), limits \(limits), auth \(authentication), region \(region), "
            + "account \(accountID), file \(file ?? "none")"
    }
}

extension ServeConfiguration {
    /// Option over variable over file over default.
    ///
    /// The file is the one that `--config` names; without it DATA/martlet.yaml, if there is one.
    /// Relative paths in it start from its directory; those given as options or variables from `workingDirectory`.
    package init(
        options: [Setting: [String]],
        environment: [String: String],
        host: HostFacts,
        workingDirectory: String
    ) async throws(ConfigurationError) {
        var layers = Layers(options: options, environment: environment, workingDirectory: workingDirectory)
        let configPath = try layers.path(.config)
        if let configPath { layers.file = try await ConfigurationFile(path: configPath) }
        guard let data = try layers.path(.data) ?? host.defaultDataDirectory(environment: environment) else {
            throw ConfigurationError(
                "This user has no home directory: name a data directory (\(Setting.data.names))."
            )
        }
        let dataFile = data + "/martlet.yaml"
        if configPath == nil, Layers.exists(dataFile) {
            let file = try await ConfigurationFile(path: dataFile)
            if try file.values(.data) != nil {
                throw ConfigurationError(
                    "'data' in \(dataFile) has no effect: the file was found by the data directory."
                )
            }
            layers.file = file
        }
        try self.init(layers: layers, dataDirectory: data, host: host)
    }

    private init(layers: Layers, dataDirectory: String, host: HostFacts) throws(ConfigurationError) {
        self.dataDirectory = dataDirectory
        file = layers.file?.path
        listen =
            try layers.one(.listen, expected: "is not ADDRESS:PORT, such as 127.0.0.1:4566 or [::1]:4566") {
                ListenAddress($0)
            } ?? .standard
        limits = try layers.choice(.limits) ?? .classic
        authentication = try layers.choice(.auth) ?? .sigv4
        region =
            try layers.one(.region, expected: "is not the name of a region, such as us-east-1") {
                Self.isRegion($0) ? $0 : nil
            } ?? "us-east-1"
        accountID =
            try layers.one(.accountID, expected: "is not an account id of twelve digits") {
                $0.utf8.count == 12 && $0.utf8.allSatisfy { (48...57).contains($0) } ? $0 : nil
            } ?? "000000000000"
        runtimes = try layers.paths(.runtime)
        runtimeLibraries = try layers.paths(.runtimeLibraries)
        egress = try layers.texts(.egress)
        functionEnvironment = try layers.functionEnvironment()
        accountConcurrency =
            try layers.number(.accountConcurrency, in: 1...100_000, unit: "concurrent invocations")
            ?? LimitsProfile.accountConcurrencyDefault
        functionMemoryMiB =
            try layers.number(.memory, in: 128...(1 << 30), unit: "MiB") ?? host.defaultFunctionMemoryMiB
        keepAlive = try layers.duration(.keepAlive, upTo: .seconds(86_400)) ?? .seconds(600)
        drainTimeout = try layers.duration(.drainTimeout, upTo: .seconds(3_600)) ?? .seconds(60)
        logLevel = try layers.choice(.logLevel) ?? .info
        masterKey = try layers.masterKey() ?? .file(dataDirectory + "/master.key")
        try Self.checkExposure(listen, authentication, insecureHTTP: layers.flag(.insecureHTTP))
    }

    /// Throws for what would let strangers in.
    private static func checkExposure(
        _ listen: ListenAddress,
        _ authentication: Authentication,
        insecureHTTP: Bool
    ) throws(ConfigurationError) {
        guard !listen.isLoopback else { return }
        guard authentication == .sigv4 else {
            throw ConfigurationError(
                "Without authentication anybody who reaches \(listen) could run code here: \(Setting.auth.names) may "
                    + "be 'none' only on a loopback address (\(Setting.listen.names))."
            )
        }
        guard insecureHTTP else {
            throw ConfigurationError(
                "\(listen) is not a loopback address, and this version serves no TLS: code, payloads and environment "
                    + "variables would cross the network readable by others. Put a TLS proxy in front, or allow it "
                    + "with \(Setting.insecureHTTP.names)."
            )
        }
    }

    private static func isRegion(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return text.utf8.count <= 32 && parts.count >= 3
            && parts.allSatisfy { part in
                !part.isEmpty && part.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) }
            }
    }
}
