// SPDX-License-Identifier: Apache-2.0
package import ExecutionEnvironments
package import LambdaModel

/// The one way in for invocations, whoever asks: resolves what is to run, and runs it.
package struct InvokeService: Sendable {
    /// The configuration that an invocation runs with; throws as the API answers when there is none, or it isn't ready.
    package typealias Resolve = @Sendable (FunctionKey, _ qualifier: String?) async throws -> FunctionConfiguration

    private let pool: EnvironmentPool
    private let resolve: Resolve

    package init(pool: EnvironmentPool, resolve: @escaping Resolve) {
        self.pool = pool
        self.resolve = resolve
    }

    package func invoke(_ request: InvocationRequest) async throws -> InvocationResponse {
        try await pool.invoke(request, try await resolve(request.function, request.qualifier))
    }

    /// The same for a caller that takes the payload as it comes: returns when the runtime begins to answer.
    package func stream(_ request: InvocationRequest) async throws -> InvocationStream {
        try await pool.stream(request, try await resolve(request.function, request.qualifier))
    }
}
