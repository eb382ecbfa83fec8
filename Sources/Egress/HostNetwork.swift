// SPDX-License-Identifier: Apache-2.0
import Glibc
import NIOCore
import Synchronization

/// What the host's network is now: the addresses of its interfaces, and its resolvers.
///
/// Looked up again when asked and older than two seconds: one netlink dump, one small file.
package final class HostNetwork: Sendable {
    private struct Seen {
        var at: ContinuousClock.Instant
        var addresses: Set<IPAddress>?
        var resolvers: ResolverConfiguration
    }

    private static let age = Duration.seconds(2)
    /// Bytes of resolv.conf that are read.
    private static let fileBytesMax = 64 * 1_024

    private let path: String
    private let given: ResolverConfiguration?
    private let seen: Mutex<Seen>

    /// `resolverFile` is read as resolv.conf(5); a missing one means no resolvers.
    ///
    /// `resolvers` take its place.
    package init(resolverFile: String = "/etc/resolv.conf", resolvers: ResolverConfiguration? = nil) {
        path = resolverFile
        given = resolvers
        seen = Mutex(Self.look(resolverFile, before: nil))
    }

    /// nil if they could never be looked up.
    package var addresses: Set<IPAddress>? { current.addresses }
    package var resolvers: ResolverConfiguration { given ?? current.resolvers }

    private var current: Seen {
        seen.withLock { seen in
            if seen.at.duration(to: .now) > Self.age { seen = Self.look(path, before: seen) }
            return seen
        }
    }

    /// What can't be looked up stays as it was.
    private static func look(_ path: String, before: Seen?) -> Seen {
        Seen(
            at: .now,
            addresses: interfaceAddresses() ?? before?.addresses,
            resolvers: text(of: path).map(ResolverConfiguration.init(parsing:)) ?? before?.resolvers
                ?? ResolverConfiguration()
        )
    }

    private static func interfaceAddresses() -> Set<IPAddress>? {
        do {
            return Set(try System.enumerateDevices().compactMap { $0.address.flatMap { IPAddress($0) } })
        } catch {
            return nil
        }
    }

    private static func text(of path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: fileBytesMax)
        let count = read(descriptor, &bytes, bytes.count)
        return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
