// SPDX-License-Identifier: Apache-2.0
package import ExecutionEnvironments
package import LambdaModel

/// The one way in for invocations, whoever asks: resolves what is to run, and runs it.
package struct InvokeService: Sendable {
    /// The configuration that an invocation runs with; throws as the API answers when there is none, or it isn't ready.
    package typealias Resolve = @Sendable (FunctionKey, _ qualifier: String?) async throws -> FunctionConfiguration

    private let pool: EnvironmentPool
    private let resolve: Resolve
    private let now: @Sendable () -> Timestamp

    /// `now` is wall-clock time.
    package init(pool: EnvironmentPool, now: @escaping @Sendable () -> Timestamp, resolve: @escaping Resolve) {
        self.pool = pool
        self.now = now
        self.resolve = resolve
    }

    package func invoke(_ request: InvocationRequest) async throws -> InvocationResponse {
        let configuration = try await resolve(request.function, request.qualifier)
        let traced = traced(request, configuration)
        var response = try await pool.invoke(traced, configuration)
        response.traceHeader = traced.traceHeader
        return response
    }

    /// The same for a caller that takes the payload as it comes: returns when the runtime begins to answer.
    package func stream(_ request: InvocationRequest) async throws -> InvocationStream {
        let configuration = try await resolve(request.function, request.qualifier)
        return try await pool.stream(traced(request, configuration), configuration)
    }

    /// The request with a trace header that goes on with the caller's, or begins a trace.
    private func traced(_ request: InvocationRequest, _ configuration: FunctionConfiguration) -> InvocationRequest {
        var request = request
        var random = SystemRandomNumberGenerator()
        request.traceHeader =
            TraceHeader(
                continuing: request.traceHeader,
                function: configuration.key,
                isActive: configuration.isTracingActive,
                at: now(),
                using: &random
            ).description
        return request
    }
}
