// SPDX-License-Identifier: Apache-2.0
import ExecutionEnvironments
import Logging
import MetadataStore
import ServiceLifecycle

/// Starts environments ahead of need while the server serves; nothing with `--pool exec`.
struct BlankService: Service {
    let blanks: BlankEnvironments?
    let metadata: MetadataStore
    let logger: Logger

    /// Runtimes and sizes of functions that exist at the start.
    private static let kindsMax = 4

    func run() async throws {
        await cancelWhenGracefulShutdown {
            guard let blanks else { return }
            do {
                for (runtime, memoryMiB) in try await metadata.runtimesInUse(limit: Self.kindsMax) {
                    blanks.use(runtime: runtime, memoryMiB: memoryMiB)
                }
            } catch is CancellationError {
                return
            } catch {
                // The first use of each says it too.
                logger.notice("functions that exist not read", metadata: ["error": "\(error)"])
            }
            await blanks.run()
        }
        // The group takes a service that ends before its turn for one that failed.
        try await gracefulShutdown()
    }
}
