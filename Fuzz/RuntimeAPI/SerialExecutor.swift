// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// Runs every task of the process where it is told to: an embedded event loop allows one thread, and an input must do the same each time.
enum SerialExecutor {
    private typealias Original = @convention(thin) (UnownedJob) -> Void
    private typealias Hook = @convention(thin) (UnownedJob, Original) -> Void

    private final class Here: Swift.SerialExecutor {
        func enqueue(_ job: UnownedJob) { SerialExecutor.jobs.withLock { $0.append(job) } }
    }

    private static let jobs = Mutex<[UnownedJob]>([])
    private static let here = Here()

    /// Takes the place of the global executor, by the concurrency runtime's own hook.
    static let install: Void = {
        guard let symbol = dlsym(nil, "swift_task_enqueueGlobal_hook") else {
            return expect(false, "the concurrency runtime has no hook for its executor")
        }
        symbol.assumingMemoryBound(to: Hook?.self).pointee = { job, _ in
            SerialExecutor.jobs.withLock { $0.append(job) }
        }
    }()

    /// False when there was nothing to do.
    static func run() -> Bool {
        let waiting = jobs.withLock { jobs in
            defer { jobs = [] }
            return jobs
        }
        for job in waiting { job.runSynchronously(on: here.asUnownedSerialExecutor()) }
        return !waiting.isEmpty
    }
}
