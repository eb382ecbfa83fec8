// SPDX-License-Identifier: Apache-2.0
import Egress
import Glibc
import LinuxSandbox
import Logging
import RuntimeAPI

/// What the server serves on the sockets that were opened inside one sandbox: the Runtime API, the way out, and the resolver.
struct SandboxServices: Sendable {
    private let runtimeAPI: RuntimeAPIServer
    private let egress: SandboxEgress.Service

    static func start(
        _ sandbox: Sandbox,
        handler: any RuntimeAPIHandler,
        meter: EgressMeter,
        workshop: EnvironmentWorkshop,
        logger: Logger
    ) async throws -> SandboxServices {
        func take(_ kinds: ListenerKind...) -> [CInt] { kinds.compactMap { sandbox.takeListener($0) } }
        guard let listener = sandbox.takeListener(.runtimeAPI) else {
            throw SyscallError(call: "listener", errno: EBADF, subject: "Runtime API")
        }
        let runtimeAPI = try await RuntimeAPIServer.start(
            listener: listener,
            handler: handler,
            group: workshop.group,
            streamRate: workshop.streamRate,
            logger: logger
        )
        do {
            let egress = try await workshop.egress().serve(
                SandboxEgress.Listeners(
                    redirected: take(.egressIPv4, .egressIPv6),
                    resolverDatagrams: take(.resolverUDP),
                    resolverStreams: take(.resolverTCP)
                ),
                group: workshop.egressGroup,
                meter: meter,
                logger: logger
            )
            return SandboxServices(runtimeAPI: runtimeAPI, egress: egress)
        } catch {
            await runtimeAPI.stop()
            throw error
        }
    }

    /// What the dead had sent is not taken for their successor's word.
    func closeRuntimeConnections() async { await runtimeAPI.closeConnections() }

    func stop() async {
        await runtimeAPI.stop()
        await egress.stop()
    }
}
