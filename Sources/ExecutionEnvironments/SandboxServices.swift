// SPDX-License-Identifier: Apache-2.0
import Egress
import LinuxSandbox
import Logging
import NIOCore
import RuntimeAPI

/// What the server serves on the sockets that were opened inside one sandbox: the Runtime API.
final class SandboxServices: Sendable {
    private let runtimeAPI: RuntimeAPIServer

    init(runtimeAPI: RuntimeAPIServer) { self.runtimeAPI = runtimeAPI }

    static func start(
        _ sandbox: Sandbox, handler: any RuntimeAPIHandler, meter: EgressMeter, workshop: EnvironmentWorkshop,
        logger: Logger
    ) async throws -> SandboxServices {
        guard let listener = sandbox.takeListener(.runtimeAPI) else { throw SyscallError(call: "listener", errno: 9) }
        return SandboxServices(
            runtimeAPI: try await RuntimeAPIServer.start(
                listener: listener, handler: handler, group: workshop.group, logger: logger))
    }

    func closeRuntimeConnections() {}
    func stop() async { await runtimeAPI.stop() }
}
