// SPDX-License-Identifier: Apache-2.0
import Logging
import MetricCore
import Monitoring
import ServerConfiguration
import ServiceLifecycle

/// Tells an OpenTelemetry collector of invocations; nothing without `--otlp-endpoint`.
struct TracingService: Service {
    private let exporter: TraceExporter?

    init(buffer: SpanBuffer?, _ configuration: ServeConfiguration, logger: Logger) {
        exporter = buffer.flatMap { buffer in
            configuration.otlpEndpoint.map {
                TraceExporter(buffer: buffer, endpoint: $0, clock: ContinuousClock(), logger: logger)
            }
        }
    }

    func run() async throws {
        try await exporter?.run()
        // The group takes a service that ends before its turn for one that failed.
        try await gracefulShutdown()
    }
}
