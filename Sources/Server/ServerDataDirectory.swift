// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import Foundation
import Glibc
import ServerConfiguration

/// The data directory, held by this server alone, with the files that clients read.
final class ServerDataDirectory: Sendable {
    let path: String
    private let lock: CInt

    /// Makes the directory if it is not there, mode 0700.
    init(_ path: String) throws {
        self.path = path
        do {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw StartFailure("The data directory \(path) can't be made: \(error.localizedDescription)")
        }
        lock = open("\(path)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else {
            throw StartFailure("The data directory \(path) can't be used: \(String(cString: strerror(errno)))")
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            close(lock)
            throw StartFailure("The data directory \(path) is in use by another server (--data names another one).")
        }
    }

    /// A directory below, for a store or the sandboxes' files.
    func directory(_ name: String) throws -> String {
        let child = "\(path)/\(name)"
        try FileManager.default.createDirectory(
            atPath: child,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        return child
    }

    /// The administrator's key, made on the first start.
    func accessKey(_ configuration: ServeConfiguration) throws -> AccessKey {
        let file = "\(path)/credentials"
        if let content = FileManager.default.contents(atPath: file) {
            guard let json = try? JSONValue(parsing: Array(content)), let id = json["accessKeyId"]?.string,
                let secret = json["secretAccessKey"]?.string
            else { throw StartFailure("\(file) is damaged; without it nobody can sign in. Restore or remove it.") }
            let key = AccessKey(id: id, secret: secret)
            if json["region"]?.string != configuration.region || json["accountId"]?.string != configuration.accountID {
                try write(key, configuration, to: file)
            }
            return key
        }
        let key = AccessKey(id: AccessKeys.randomID(), secret: AccessKeys.randomSecret())
        try write(key, configuration, to: file)
        return key
    }

    private func write(_ key: AccessKey, _ configuration: ServeConfiguration, to file: String) throws {
        let json = JSONValue.object([
            "accessKeyId": .string(key.id), "secretAccessKey": .string(key.secret),
            "accountId": .string(configuration.accountID), "region": .string(configuration.region),
        ])
        try Self.replace(file, with: json.bytes + [UInt8(ascii: "\n")])
    }

    /// Whole or not at all, mode 0600, on disk when this returns.
    static func replace(_ file: String, with content: [UInt8]) throws {
        let temporary = "\(file).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StartFailure("\(temporary): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, content, content.count) == content.count, fsync(descriptor) == 0,
            rename(temporary, file) == 0
        else { throw StartFailure("\(file): \(String(cString: strerror(errno)))") }
    }

    deinit { close(lock) }
}
