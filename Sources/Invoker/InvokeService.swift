// SPDX-License-Identifier: Apache-2.0
package import ExecutionEnvironments
package import LambdaModel

/// The one way in for invocations, whoever asks: resolves what is to run, and runs it.
package struct InvokeService: Sendable {
    /// The configuration that an invocation runs with; throws as the API answers when there is none, or it isn't ready.
    package typealias Resolve = @Sendable (FunctionKey, _ qualifier: String?) async throws -> FunctionConfiguration

    /// Whether a function may be part of a loop (its `RecursiveLoop` is `Allow`); asked only where it is.
    package typealias AllowsLoops = @Sendable (FunctionKey) async throws -> Bool

    private let pool: EnvironmentPool
    private let resolve: Resolve
    private let allowsLoops: AllowsLoops
    private let now: @Sendable () -> Timestamp

    /// `now` is wall-clock time.
    package init(
        pool: EnvironmentPool,
        now: @escaping @Sendable () -> Timestamp,
        allowsLoops: @escaping AllowsLoops,
        resolve: @escaping Resolve
    ) {
        self.pool = pool
        self.now = now
        self.allowsLoops = allowsLoops
        self.resolve = resolve
    }

    /// - Throws: `LambdaError.recursiveInvocation` where the trace has come to the function too often.
    package func invoke(_ request: InvocationRequest) async throws -> InvocationResponse {
        let configuration = try await resolve(request.function, request.qualifier)
        let (traced, trace) = traced(request, configuration)
        try await stopLoop(trace, traced.function)
        var response = try await pool.invoke(traced, configuration)
        response.traceHeader = traced.traceHeader
        return response
    }

    /// One attempt of an event that `accept` gave to the queue: its trace counts the invocation already.
    package func attempt(_ request: InvocationRequest) async throws -> InvocationResponse {
        let configuration = try await resolve(request.function, request.qualifier)
        if let trace = request.traceHeader.flatMap(TraceHeader.init) { try await stopLoop(trace, request.function) }
        return try await pool.invoke(request, configuration)
    }

    /// The same for a caller that takes the payload as it comes: returns when the runtime begins to answer.
    package func stream(_ request: InvocationRequest) async throws -> InvocationStream {
        let configuration = try await resolve(request.function, request.qualifier)
        let (traced, trace) = traced(request, configuration)
        try await stopLoop(trace, traced.function)
        return try await pool.stream(traced, configuration)
    }

    /// Gives an asynchronous event to the queue; it is durable when this returns.
    ///
    /// - Throws: as `invoke` where nothing could be invoked, and `LambdaError.tooManyRequests` where the queue is full.
    package func accept(_ request: InvocationRequest, into queue: AsyncInvokeQueue) async throws {
        let configuration = try await resolve(request.function, request.qualifier)
        try await queue.accept(traced(request, configuration).request)
    }

    private func stopLoop(_ trace: TraceHeader, _ function: FunctionKey) async throws {
        guard trace.isLoop(of: function), try await !allowsLoops(function) else { return }
        throw LambdaError.recursiveInvocation
    }

    /// The request with a trace header that goes on with the caller's, or begins a trace.
    private func traced(
        _ request: InvocationRequest,
        _ configuration: FunctionConfiguration
    ) -> (request: InvocationRequest, trace: TraceHeader) {
        var request = request
        var random = SystemRandomNumberGenerator()
        let trace = TraceHeader(
            continuing: request.traceHeader,
            function: configuration.key,
            isActive: configuration.isTracingActive,
            at: now(),
            using: &random
        )
        request.traceHeader = trace.description
        return (request, trace)
    }
}
