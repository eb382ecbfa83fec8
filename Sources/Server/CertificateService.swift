// SPDX-License-Identifier: Apache-2.0
import HTTPAPI
import LambdaModel
import Logging
import ServiceLifecycle
import UnixSignals

/// Takes a certificate that was renewed without a restart: looks every ten seconds, and at once on SIGHUP.
struct CertificateService: Service {
    /// nil where plain HTTP is served.
    let identity: TLSIdentity?
    let now: @Sendable () -> Timestamp
    let logger: Logger

    private static let interval = Duration.seconds(10)
    /// From so long before its end on, a certificate's age is worth a warning.
    private static let warningTime = Duration.seconds(7 * 86_400)

    func run() async throws {
        if let identity {
            warn(of: identity.expires)
            await cancelWhenGracefulShutdown {
                await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for await _ in await UnixSignalsSequence(trapping: .sighup) { reload(identity) }
                    }
                    group.addTask {
                        while (try? await Task.sleep(for: Self.interval)) != nil { reload(identity) }
                    }
                }
            }
        }
        // The group takes a service that ends before its turn for one that failed.
        try await gracefulShutdown()
    }

    private func reload(_ identity: TLSIdentity) {
        do {
            guard case .replaced(let expires) = try identity.reload() else { return }
            logger.info("certificate replaced", metadata: ["expires": "\(expires.iso8601())"])
            warn(of: expires)
        } catch {
            logger.error("certificate not replaced: the earlier one stays in use", metadata: ["error": "\(error)"])
        }
    }

    private func warn(of expires: Timestamp) {
        guard now().advanced(by: Self.warningTime) > expires else { return }
        logger.warning("the certificate has expired, or will soon", metadata: ["expires": "\(expires.iso8601())"])
    }
}
