// SPDX-License-Identifier: Apache-2.0
import HTTPAPI
import ServiceLifecycle

/// Keeps the connections to AWS's other services until nothing is passed on any more.
struct PassThroughService: Service {
    let passThrough: PassThrough?

    func run() async throws {
        // Cancelled where the server could not start: the connections go all the same.
        do { try await gracefulShutdown() } catch is CancellationError {}
        try await passThrough?.shutdown()
    }
}
