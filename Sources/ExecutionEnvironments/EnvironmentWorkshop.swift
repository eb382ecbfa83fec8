// SPDX-License-Identifier: Apache-2.0
package import Egress
import InvocationCore
package import LambdaModel
package import LogStore
package import Logging
package import MetricCore
package import NIOCore
package import Runtimes

/// What every environment of this server is made with.
package struct EnvironmentWorkshop: Sendable {
    package var foundation: SandboxFoundation
    package var runtimes: RuntimeCatalog
    package var code: CodeCache
    package var logs: LogStore
    package var metrics: MetricRegistry
    /// For an OpenTelemetry collector; nil where there is none.
    package var spans: SpanBuffer?
    /// Serves what invocations wait for.
    package var group: any EventLoopGroup
    /// Serves the functions' own connections, however much goes over them.
    package var egressGroup: any EventLoopGroup
    package var egress: @Sendable () -> SandboxEgress
    /// Set in every function, unless the function sets it itself (`--function-env`).
    package var functionEnvironment: [String: String]
    /// Of streamed responses; nil for as fast as they are read.
    package var streamRate: StreamRate?
    package var credentials: @Sendable (FunctionKey) -> SessionCredentialValues
    package var now: @Sendable () -> Timestamp
    package var logger: Logger
    /// nil where each environment is started by itself (`--pool exec`).
    package var blanks: BlankEnvironments?
    /// nil where no environment is forked from an initialised one.
    package var snapshots: Snapshots?
    /// Told of every usage record, before it is stored; must be quick.
    package var noteUsage: @Sendable (UsageRecord) -> Void = { _ in }

    var reactor: DescriptorReactor { foundation.reactor }

    package init(
        foundation: SandboxFoundation,
        runtimes: RuntimeCatalog,
        code: CodeCache,
        logs: LogStore,
        metrics: MetricRegistry,
        group: any EventLoopGroup,
        egressGroup: any EventLoopGroup,
        egress: @escaping @Sendable () -> SandboxEgress,
        functionEnvironment: [String: String],
        streamRate: StreamRate?,
        credentials: @escaping @Sendable (FunctionKey) -> SessionCredentialValues,
        now: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.foundation = foundation
        self.runtimes = runtimes
        self.code = code
        self.logs = logs
        self.metrics = metrics
        self.group = group
        self.egressGroup = egressGroup
        self.egress = egress
        self.functionEnvironment = functionEnvironment
        self.streamRate = streamRate
        self.credentials = credentials
        self.now = now
        self.logger = logger
    }
}

extension EnvironmentWorkshop {
    /// The variables of a runtime's process that starts now, credentials of its own among them.
    func environment(
        of configuration: FunctionConfiguration,
        _ runtime: RuntimeDefinition,
        initialization: InitializationType,
        logStream: String
    ) -> ProcessEnvironment {
        ProcessEnvironment(
            configuration,
            runtime: runtime,
            initialization: initialization,
            operatorVariables: functionEnvironment,
            credentials: credentials(configuration.key),
            logStream: logStream
        )
    }

    func start(
        of configuration: FunctionConfiguration,
        _ runtime: RuntimeDefinition,
        _ environment: ProcessEnvironment,
        hasExternalExtensions: Bool
    ) -> EnvironmentStart {
        EnvironmentStart.decide(
            configuration,
            runtime: runtime,
            environment: environment,
            operatorVariables: functionEnvironment,
            hasExternalExtensions: hasExternalExtensions,
            needsMemoryAtStart: !foundation.hasMemoryGroup
        )
    }
}
