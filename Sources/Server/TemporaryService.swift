// SPDX-License-Identifier: Apache-2.0
import ExecutionEnvironments
import Logging
import ServiceLifecycle

/// Makes file systems for /tmp ahead of need while the server serves; nothing where /tmp is a tmpfs.
struct TemporaryService: Service {
    let temporaries: TemporaryFileSystems?
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown { await temporaries?.run(logger: logger) }
        // The group takes a service that ends before its turn for one that failed.
        try await gracefulShutdown()
    }
}
