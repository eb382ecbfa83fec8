// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Runs what blocks, or computes for long, on at most `threadsMax` threads of its own.
///
/// Swift's cooperative threads are as many as the cores and must not wait for a disk. (An operation queue, since it is the
/// one thing at hand that bounds its threads; what waits in it are suspended callers.)
struct BlockingOperations: Sendable {
    private let queue: OperationQueue

    init(_ name: String, threadsMax: Int) {
        queue = OperationQueue()
        queue.name = name
        queue.maxConcurrentOperationCount = threadsMax
    }

    func run<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            queue.addOperation { continuation.resume(with: Result(catching: work)) }
        }
    }
}
