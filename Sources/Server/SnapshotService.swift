// SPDX-License-Identifier: Apache-2.0
import ControlPlane
import ExecutionEnvironments
import LambdaModel
import Logging
import MetadataStore
import ServiceLifecycle

/// Keeps the initialised processes of versions with SnapStart while the server serves; none with `--pool exec`.
struct SnapshotService: Service {
    let snapshots: Snapshots?
    let metadata: MetadataStore
    let logger: Logger

    /// Versions that exist at the start and have one made then: the last ones made.
    private static let versionsMax = 16

    func run() async throws {
        await cancelWhenGracefulShutdown {
            guard let snapshots else { return }
            do {
                for configuration in try await metadata.optimizedVersions(limit: Self.versionsMax) {
                    snapshots.want(configuration)
                }
            } catch is CancellationError {
                // `run` ends at once.
            } catch {
                // The first invocation of each asks for it too.
                logger.notice("versions with SnapStart not read", metadata: ["error": "\(error)"])
            }
            await snapshots.run()
        }
        // The group takes a service that ends before its turn for one that failed.
        try await gracefulShutdown()
    }

    /// What a version that becomes active is told of its snapshot.
    static func prepare(
        _ configuration: FunctionConfiguration,
        _ snapshots: Snapshots?
    ) async throws -> FunctionActivator.Preparation {
        guard configuration.hasSnapStart else { return .ready }
        guard let snapshots else { return .noSnapshot(reason: "the server was started with --pool exec") }
        do throws(SnapshotFailure) {
            try await snapshots.take(configuration)
            return .snapshot
        } catch {
            try Task.checkCancellation()
            switch error {
            case .initialization(let type):
                let message = "The function failed to initialize: \(type)"
                return .failed(FailureReason(code: "FunctionError", message: message))
            case .initializationTimeout:
                let message = "The function took too long to initialize."
                return .failed(FailureReason(code: "FunctionError.InitTimeout", message: message))
            case .notTaken(let reason): return .noSnapshot(reason: reason)
            // The first invocation asks for it again.
            case .notNow: return .snapshot
            }
        }
    }
}
