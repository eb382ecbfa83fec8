// SPDX-License-Identifier: Apache-2.0
import Glibc
package import InvocationCore
package import Logging
import NIOPosix
import Synchronization

/// The file systems for sandboxes' /tmp: does what `TemporaryPool` decides.
///
/// Without `run` nothing is made ahead, and every sandbox waits for its own.
package actor TemporaryFileSystems {
    private let spawner: SpawnerClient
    private let templates: TemporaryTemplates
    private var pool: TemporaryPool
    private let wakes = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    private var ticking: Task<Void, Never>?

    /// `directory` is where the images' blocks are.
    package init(spawner: SpawnerClient, directory: String, settings: TemporaryPool.Settings = .init()) {
        self.spawner = spawner
        templates = TemporaryTemplates(directory: directory)
        pool = TemporaryPool(settings: settings, at: .now)
    }

    package func ready(sizeMiB: Int) -> Int { pool.ready(sizeMiB: sizeMiB) }

    /// Calls `make` with the number of a mounted, empty file system of that size, which is no other's.
    ///
    /// It is made here and now when none is ready. When `make` throws the file system is given back.
    package func use<Made: Sendable>(
        sizeMiB: Int,
        _ make: @Sendable (UInt64) async throws -> Made
    ) async throws -> Made {
        let taken = pool.take(sizeMiB: sizeMiB, at: .now)
        defer {
            pool.sandboxEnded()
            wakes.continuation.yield()
        }
        do {
            if case .missing(let number) = taken { try await prepare(number, sizeMiB: sizeMiB) }
            return try await make(taken.number)
        } catch {
            spawner.discardTemporary(taken.number)
            throw error
        }
    }

    /// Keeps some ready, until it is cancelled.
    package func run(logger: Logger) async {
        wakes.continuation.yield()
        for await _ in wakes.stream { await work(logger) }
        ticking?.cancel()
    }

    private func work(_ logger: Logger) async {
        while !Task.isCancelled {
            switch pool.next(at: .now) {
            case .prepare(let number, let sizeMiB):
                do {
                    try await prepare(number, sizeMiB: sizeMiB)
                    pool.prepared()
                } catch {
                    // The sandbox that needs one says so too, and fails: this is not an error yet; at the server's end none does.
                    if !Task.isCancelled {
                        logger.notice("/tmp not made ahead of need", metadata: ["error": "\(error)"])
                    }
                    pool.prepareFailed(at: .now)
                }
            case .discard(let number): spawner.discardTemporary(number)
            case .wait(let time): return tick(at: time)
            }
        }
    }

    private func tick(at time: MonotonicTime?) {
        ticking?.cancel()
        ticking = time.map { time in
            Task { [wakes] in
                guard (try? await Task.sleep(for: max(.zero, time - .now))) != nil else { return }
                wakes.continuation.yield()
            }
        }
    }

    private func prepare(_ number: UInt64, sizeMiB: Int) async throws {
        let templates = templates
        // Writes to a disk, and runs mkfs.ext4 once for each size.
        let image = try await NIOThreadPool.singleton.runIfActive { try templates.image(sizeMiB: sizeMiB) }
        defer { close(image) }
        try await spawner.prepareTemporary(number, image: image)
    }
}

/// A template for each size asked for; the sizes of `--limits current` are few in practice, and bounded.
private final class TemporaryTemplates: Sendable {
    private let directory: String
    private let bySize = Mutex<[Int: TemporaryImages]>([:])

    init(directory: String) { self.directory = directory }

    /// Blocks.
    ///
    /// The caller owns the descriptor.
    func image(sizeMiB: Int) throws -> CInt {
        try bySize.withLock { known in
            if let images = known[sizeMiB] { return images }
            let images = try TemporaryImages(sizeMiB: sizeMiB, directory: directory)
            known[sizeMiB] = images
            return images
        }.make()
    }
}
