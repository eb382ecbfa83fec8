// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxSandbox
import Synchronization

/// Who waits for a socket of one sandbox, in the order in which init answers.
final class SocketRequests: Sendable {
    typealias Completion = @Sendable (Result<CInt, SyscallError>) -> Void

    private struct State {
        var waiting: [Completion] = []
        var hasEnded = false
    }

    /// More than every subscriber of an environment asks for at once.
    private static let waitingMax = 64
    private let state = Mutex(State())

    /// `send` asks init; nothing comes between it and the place in the queue.
    func add(_ completion: @escaping Completion, send: () throws(SyscallError) -> Void) {
        let failure: SyscallError? = state.withLock { state in
            guard !state.hasEnded else { return Self.gone }
            guard state.waiting.count < Self.waitingMax else { return SyscallError(call: "socket", errno: EBUSY) }
            do throws(SyscallError) { try send() } catch { return error }
            state.waiting.append(completion)
            return nil
        }
        if let failure { completion(.failure(failure)) }
    }

    /// Takes the descriptors.
    func answer(_ errno: Int32, _ descriptors: [CInt]) {
        let completion = state.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
        guard let completion, descriptors.count == 1, errno == 0, Self.isTCP(descriptors[0]) else {
            for descriptor in descriptors { close(descriptor) }
            return completion?(.failure(SyscallError(call: "socket", errno: errno == 0 ? EPROTO : errno))) ?? ()
        }
        completion(.success(descriptors[0]))
    }

    /// There is no init any more.
    func end() {
        let waiting = state.withLock { state in
            state.hasEnded = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for completion in waiting { completion(.failure(Self.gone)) }
    }

    private static let gone = SyscallError(call: "socket", errno: EPIPE)

    /// Init shares its namespaces with the function: what it sends is looked at.
    private static func isTCP(_ descriptor: CInt) -> Bool {
        func option(_ name: CInt) -> CInt? {
            var value: CInt = 0
            var length = socklen_t(MemoryLayout<CInt>.size)
            return getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : nil
        }
        return option(SO_DOMAIN) == AF_INET && option(SO_TYPE) == CInt(SOCK_STREAM.rawValue)
            && option(SO_PROTOCOL) == CInt(IPPROTO_TCP) && option(SO_ACCEPTCONN) == 0
            && fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0
    }
}
