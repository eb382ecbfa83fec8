// SPDX-License-Identifier: Apache-2.0
package import Egress
package import LambdaModel
package import LogStore
package import Logging
package import NIOCore
package import Runtimes

/// What every environment of this server is made with.
package struct EnvironmentWorkshop: Sendable {
    package var foundation: SandboxFoundation
    package var runtimes: RuntimeCatalog
    package var code: CodeCache
    package var logs: LogStore
    package var group: any EventLoopGroup
    package var egress: @Sendable () -> SandboxEgress
    /// Set in every function, unless the function sets it itself (`--function-env`).
    package var functionEnvironment: [String: String]
    package var credentials: @Sendable (FunctionKey) -> SessionCredentialValues
    package var now: @Sendable () -> Timestamp
    package var logger: Logger

    var reactor: DescriptorReactor { foundation.reactor }

    package init(
        foundation: SandboxFoundation,
        runtimes: RuntimeCatalog,
        code: CodeCache,
        logs: LogStore,
        group: any EventLoopGroup,
        egress: @escaping @Sendable () -> SandboxEgress,
        functionEnvironment: [String: String],
        credentials: @escaping @Sendable (FunctionKey) -> SessionCredentialValues,
        now: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.foundation = foundation
        self.runtimes = runtimes
        self.code = code
        self.logs = logs
        self.group = group
        self.egress = egress
        self.functionEnvironment = functionEnvironment
        self.credentials = credentials
        self.now = now
        self.logger = logger
    }
}
