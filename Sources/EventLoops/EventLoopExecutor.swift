// SPDX-License-Identifier: Apache-2.0
package import NIOCore
import Synchronization

/// Runs tasks on an event loop: what they await of that loop, or of each other, wakes no other thread.
///
/// What runs there holds up every connection of the loop. It must not block, and whatever takes long, however rarely, belongs on
/// `globalConcurrentExecutor`. Actors run where the task that calls them does, but one that is in use elsewhere may go on
/// there: nothing may take being on the loop for granted.
package final class EventLoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    private init(_ loop: any EventLoop) { self.loop = loop }

    /// Those of the loops of this process, for ever: a task does not keep its executor.
    private static let known = Mutex<[ObjectIdentifier: EventLoopExecutor]>([:])

    /// The loop's one executor.
    package static func of(_ loop: any EventLoop) -> EventLoopExecutor {
        known.withLock { known in
            let id = ObjectIdentifier(loop)
            if let executor = known[id] { return executor }
            let executor = EventLoopExecutor(loop)
            known[id] = executor
            return executor
        }
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}
