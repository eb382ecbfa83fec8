// SPDX-License-Identifier: Apache-2.0
package import ExecutionEnvironments
package import LambdaModel
package import MetricCore

/// The one way in for invocations, whoever asks: resolves what is to run, and runs it.
package struct InvokeService: Sendable {
    /// The configuration that an invocation runs with; throws as the API answers when there is none, or it isn't ready.
    package typealias Resolve = @Sendable (FunctionKey, _ qualifier: String?) async throws -> FunctionConfiguration

    /// Whether a function may be part of a loop (its `RecursiveLoop` is `Allow`); asked only where it is.
    package typealias AllowsLoops = @Sendable (FunctionKey) async throws -> Bool

    private let pool: EnvironmentPool
    private let metrics: MetricRegistry
    private let resolve: Resolve
    /// Whether an OpenTelemetry collector is told of invocations.
    private let isTraced: Bool
    private let allowsLoops: AllowsLoops
    /// Whether there is room for what an invocation leaves in the log and on the bill.
    private let hasRoom: @Sendable () -> Bool
    private let now: @Sendable () -> Timestamp

    /// `now` is wall-clock time.
    package init(
        pool: EnvironmentPool,
        metrics: MetricRegistry,
        isTraced: Bool = false,
        now: @escaping @Sendable () -> Timestamp,
        hasRoom: @escaping @Sendable () -> Bool,
        allowsLoops: @escaping AllowsLoops,
        resolve: @escaping Resolve
    ) {
        self.pool = pool
        self.metrics = metrics
        self.isTraced = isTraced
        self.now = now
        self.hasRoom = hasRoom
        self.allowsLoops = allowsLoops
        self.resolve = resolve
    }

    /// - Throws: `LambdaError.recursiveInvocation` where the trace has come to the function too often, `.service` where the disk is too
    ///   full for the invocation's records.
    package func invoke(_ request: InvocationRequest) async throws -> InvocationResponse {
        let configuration = try await resolve(request.function, request.qualifier)
        let (traced, trace) = traced(request, configuration)
        try await stopLoop(trace, traced, configuration)
        try requireRoom(traced, configuration)
        var response = try await pool.invoke(traced, configuration)
        response.traceHeader = traced.traceHeader
        return response
    }

    /// One attempt of an event that `accept` gave to the queue: its trace counts the invocation already.
    package func attempt(_ request: InvocationRequest) async throws -> InvocationResponse {
        let configuration = try await resolve(request.function, request.qualifier)
        var request = request
        if var trace = request.traceHeader.flatMap(TraceHeader.init) {
            let counted = trace
            begin(&request, &trace, hasCaller: true)
            try await stopLoop(counted, request, configuration)
        }
        try requireRoom(request, configuration)
        return try await pool.invoke(request, configuration)
    }

    /// The same for a caller that takes the payload as it comes: returns when the runtime begins to answer.
    package func stream(_ request: InvocationRequest) async throws -> InvocationStream {
        let configuration = try await resolve(request.function, request.qualifier)
        let (traced, trace) = traced(request, configuration)
        try await stopLoop(trace, traced, configuration)
        try requireRoom(traced, configuration)
        return try await pool.stream(traced, configuration)
    }

    /// Gives an asynchronous event to the queue; it is durable when this returns.
    ///
    /// - Throws: as `invoke` where nothing could be invoked, and `LambdaError.tooManyRequests` where the queue is full.
    package func accept(_ request: InvocationRequest, into queue: AsyncInvokeQueue) async throws {
        let configuration = try await resolve(request.function, request.qualifier)
        try await queue.accept(traced(request, configuration, begins: false).request)
    }

    private func stopLoop(
        _ trace: TraceHeader,
        _ request: InvocationRequest,
        _ configuration: FunctionConfiguration
    ) async throws {
        let function = request.function
        guard trace.isLoop(of: function), try await !allowsLoops(function) else { return }
        metrics.series(function, qualifier: request.qualifier).record(.recursiveInvocationsDropped)
        pool.trace(.recursiveInvocation, of: request, configuration)
        throw LambdaError.recursiveInvocation
    }

    /// What is answered is on the bill and in the log: where that can't be promised nothing is run.
    private func requireRoom(_ request: InvocationRequest, _ configuration: FunctionConfiguration) throws {
        guard !hasRoom() else { return }
        let refusal = LambdaError.service(
            message: "The server's log store can't be written, for want of room on the disk as a rule, and half of the "
                + "room that is kept for records of invocations is used or missing (--journal-reserve of martlet serve). "
                + "The function was not invoked."
        )
        pool.trace(refusal, of: request, configuration)
        throw refusal
    }

    /// The request with a trace header that goes on with the caller's, or begins a trace.
    private func traced(
        _ request: InvocationRequest,
        _ configuration: FunctionConfiguration,
        begins: Bool = true
    ) -> (request: InvocationRequest, trace: TraceHeader) {
        var request = request
        var random = SystemRandomNumberGenerator()
        let caller = request.traceHeader
        var trace = TraceHeader(
            continuing: request.traceHeader,
            function: configuration.key,
            isActive: configuration.isTracingActive || isTraced,
            at: now(),
            using: &random
        )
        request.traceHeader = trace.description
        if begins { begin(&request, &trace, hasCaller: TraceHeader.names(trace.parent, in: caller)) }
        return (request, trace)
    }

    /// The function's own work belongs to this invocation's span, and that to the caller's.
    private func begin(_ request: inout InvocationRequest, _ trace: inout TraceHeader, hasCaller: Bool) {
        guard isTraced, trace.isSampled else { return }
        var random = SystemRandomNumberGenerator()
        request.span = InvocationSpan(parent: hasCaller ? trace.parent : nil, arrived: now())
        trace.parent = TraceHeader.newSpan(using: &random)
        request.traceHeader = trace.description
    }
}
