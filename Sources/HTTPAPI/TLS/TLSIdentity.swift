// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
package import LambdaModel
package import NIOSSL
import Synchronization

/// The server's certificate and private key, as their files had them last.
///
/// A pair that can't be used never replaces one that could: connections go on with the old one.
package final class TLSIdentity: Sendable {
    /// What tells that a file is another one, or was written anew.
    private struct Stamp: Equatable {
        var device: UInt64
        var inode: UInt64
        var sizeBytes: Int64
        var modifiedSeconds: Int
        var modifiedNanoseconds: Int
    }

    private struct State {
        var context: NIOSSLContext
        var expires: Timestamp
        /// Of the files that were tried last, whether they could be used or not.
        var stamps: [Stamp]
    }

    package enum Change: Equatable, Sendable {
        case unchanged
        /// From here on new connections get the new certificate.
        case replaced(expires: Timestamp)
    }

    private let certificatePath: String
    private let keyPath: String
    private let state: Mutex<State>

    /// Reads PEM files: the certificate with its chain, the server's own first, and the key that belongs to it.
    ///
    /// - Throws: `TLSIdentityError` when a file can't be read, the key may be read by every user, or they do not belong together.
    package init(certificatePath: String, keyPath: String) throws(TLSIdentityError) {
        self.certificatePath = certificatePath
        self.keyPath = keyPath
        state = Mutex(try Self.load(certificatePath, keyPath))
    }

    /// For new connections; TLS 1.2 and 1.3, HTTP/1.1.
    package var context: NIOSSLContext { state.withLock { $0.context } }

    package var expires: Timestamp { state.withLock { $0.expires } }

    /// Takes the files again if one of them has changed since the last try.
    ///
    /// Blocks for a moment.
    /// - Throws: `TLSIdentityError` once for each change that can't be used; what was in use stays.
    package func reload() throws(TLSIdentityError) -> Change {
        let stamps = [try Self.stamp(certificatePath), try Self.stamp(keyPath)]
        guard state.withLock({ $0.stamps != stamps }) else { return .unchanged }
        do throws(TLSIdentityError) {
            let fresh = try Self.load(certificatePath, keyPath)
            state.withLock { $0 = fresh }
            return .replaced(expires: fresh.expires)
        } catch {
            state.withLock { $0.stamps = stamps }
            throw error
        }
    }

    private static func load(_ certificatePath: String, _ keyPath: String) throws(TLSIdentityError) -> State {
        // Before the files are read: a change that comes meanwhile is seen at the next look.
        let stamps = [try stamp(certificatePath), try stamp(keyPath)]
        try refuseOpenKey(keyPath)
        let chain: [NIOSSLCertificate]
        do { chain = try NIOSSLCertificate.fromPEMFile(certificatePath) } catch {
            throw TLSIdentityError("\(certificatePath) can't be read as certificates in PEM form.")
        }
        guard let own = chain.first else { throw TLSIdentityError("\(certificatePath) holds no certificate.") }
        let key: NIOSSLPrivateKey
        do { key = try NIOSSLPrivateKey(file: keyPath, format: .pem) } catch {
            throw TLSIdentityError("\(keyPath) can't be read as a private key in PEM form, without a passphrase.")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        do {
            return State(
                context: try NIOSSLContext(configuration: configuration),
                expires: Timestamp(millisecondsSinceEpoch: Int64(own.notValidAfter) * 1_000),
                stamps: stamps
            )
        } catch {
            throw TLSIdentityError(
                "The certificate in \(certificatePath) and the key in \(keyPath) do not belong together."
            )
        }
    }

    private static func stamp(_ path: String) throws(TLSIdentityError) -> Stamp {
        let found = try status(path)
        return Stamp(
            device: UInt64(found.st_dev),
            inode: UInt64(found.st_ino),
            sizeBytes: Int64(found.st_size),
            modifiedSeconds: found.st_mtim.tv_sec,
            modifiedNanoseconds: found.st_mtim.tv_nsec
        )
    }

    private static func refuseOpenKey(_ path: String) throws(TLSIdentityError) {
        guard try status(path).st_mode & 0o007 == 0 else {
            throw TLSIdentityError("Every user of this machine may read the private key \(path): chmod o= \(path)")
        }
    }

    private static func status(_ path: String) throws(TLSIdentityError) -> stat {
        var found = stat()
        guard stat(path, &found) == 0 else {
            throw TLSIdentityError("\(path) can't be read: \(String(cString: strerror(errno)))")
        }
        return found
    }
}

/// Why a certificate and its key can't be used, in one line.
package struct TLSIdentityError: Error, Equatable, CustomStringConvertible {
    package var description: String

    init(_ description: String) { self.description = description }
}
