// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Glibc
import LambdaModel

/// The operator's file of secrets: a JSON object of their ARNs and values.
///
/// It stands for AWS Secrets Manager, which this server has none of. It is read anew each time it is asked: what is changed in it
/// counts for mappings that begin after that.
package struct SecretsFile: Sendable {
    /// It is written by hand, or by a tool for few secrets.
    package static let bytesMax = 1 << 20

    /// Why the file can't be used, in one line for the operator.
    package struct Failure: Error, Equatable, CustomStringConvertible {
        package var description: String
    }

    private let path: String
    /// Told why the file can't be used, when that is found out later than at the start.
    private let note: @Sendable (Failure) -> Void

    /// Blocks: call it at start.
    ///
    /// - Throws: when the file can't be read, others than its owner may read it, or anything in it is not what it should be.
    package init(path: String, note: @escaping @Sendable (Failure) -> Void) throws(Failure) {
        self.path = path
        self.note = note
        _ = try secrets()
    }

    /// The secret of an ARN, for a mapping of that account; reads a small file.
    ///
    /// Another account's secret, and one that there is not, are told apart by the ARN alone, which the caller knows.
    package func secret(_ arn: String, accountID: String) throws(SecretFailure) -> Secret {
        guard ARN(arn)?.accountID == accountID else {
            throw SecretFailure("The secret \(arn) is not of the mapping's account.")
        }
        let secrets: [String: Secret]
        do { secrets = try self.secrets() } catch {
            note(error)
            throw SecretFailure(
                "The server's file of secrets (--secrets of martlet serve) can't be used; its log says why."
            )
        }
        guard let secret = secrets[arn] else {
            throw SecretFailure(
                "The secret \(arn) is not in the server's file of secrets (--secrets of martlet serve)."
            )
        }
        return secret
    }

    /// For a server that has no such file.
    package static let none: Secret.Finder = { arn, _ throws(SecretFailure) in
        throw SecretFailure(
            "The secret \(arn) is not known: the server has no file of secrets (--secrets of martlet serve)."
        )
    }

    private func secrets() throws(Failure) -> [String: Secret] {
        let value: JSONValue
        let bytes = try bytes()
        do { value = try JSONValue(parsing: bytes) } catch { throw failure("is not JSON") }
        guard let object = value.object else { throw failure("is not a JSON object of ARNs and secrets") }
        var secrets: [String: Secret] = [:]
        for (name, value) in object {
            guard let arn = ARN(name), arn.service == "secretsmanager", arn.resource.hasPrefix("secret:") else {
                throw failure(
                    "has '\(name.shownOnOneLine)', which is not a secret's ARN, such as "
                        + "arn:aws:secretsmanager:us-east-1:000000000000:secret:NAME"
                )
            }
            guard let secret = Secret(value) else {
                throw failure("has for \(arn) neither a text nor an object of texts")
            }
            secrets[name] = secret
        }
        return secrets
    }

    private func bytes() throws(Failure) -> [UInt8] {
        // A named pipe is not waited for.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure("can't be opened: \(Self.text(errno))") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("can't be looked at: \(Self.text(errno))") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw failure("is not a regular file") }
        guard status.st_mode & 0o077 == 0 else {
            let mode = String(status.st_mode & 0o7777, radix: 8)
            throw failure("may be used by others than its owner (mode \(mode)): chmod 600 it")
        }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw failure("belongs to user \(status.st_uid), who is neither the server's nor root")
        }
        guard status.st_size <= Self.bytesMax else { throw failure("is larger than \(Self.bytesMax) bytes") }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        // It may have grown since.
        while bytes.count <= Self.bytesMax {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("can't be read: \(Self.text(errno))") }
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
        }
        throw failure("is larger than \(Self.bytesMax) bytes")
    }

    private func failure(_ problem: String) -> Failure {
        Failure(description: "The file of secrets \(path) (--secrets) \(problem).")
    }

    private static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}

extension String {
    fileprivate var shownOnOneLine: String {
        String(unicodeScalars.prefix(200).map { $0.value < 0x20 || $0.value == 0x7F ? "?" : Character($0) })
    }
}
