// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ArgumentParser
import Foundation
import ServerConfiguration

/// How a command finds the server.
struct ConnectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The server's address (default: AWS_ENDPOINT_URL_LAMBDA, else what the server left in its data directory).",
            valueName: "url"
        )
    )
    var endpoint: String?

    @Option(help: ArgumentHelp("The server's data directory, when it is not the default one.", valueName: "dir"))
    var data: String?

    func location() throws(ClientError) -> ServerLocation {
        try ServerLocation(endpoint: endpoint, data: data, environment: ProcessInfo.processInfo.environment)
    }
}

/// Where the server is and what to sign requests with.
struct ServerLocation: Equatable, Sendable {
    var endpoint: Endpoint
    var credentials: StoredCredentials
    /// PEM file of the authorities that may vouch for an https server, by AWS_CA_BUNDLE; nil for the machine's own.
    var authorityBundle: String?

    /// What `--data` names is taken whole.
    ///
    /// Otherwise an address that was named goes with the environment's key, if
    /// there is one; and the data directory's own address with its own key, so that somebody's key for AWS is not
    /// sent to a server that never gave it.
    init(endpoint: String?, data: String?, environment: [String: String]) throws(ClientError) {
        let directory = try DataDirectory(option: data, environment: environment)
        authorityBundle = environment["AWS_CA_BUNDLE"].flatMap { $0.isEmpty ? nil : $0 }
        let named = endpoint ?? environment["AWS_ENDPOINT_URL_LAMBDA"] ?? environment["AWS_ENDPOINT_URL"]
        if data == nil, let named {
            self.endpoint = try Endpoint(named)
            if let credentials = StoredCredentials(environment: environment) {
                self.credentials = credentials
            } else {
                credentials = try directory.credentials()
            }
            return
        }
        if let endpoint {
            self.endpoint = try Endpoint(endpoint)
        } else {
            self.endpoint = try directory.endpoint()
        }
        credentials = try directory.credentials()
    }
}

/// A server's address: scheme, host and port.
struct Endpoint: Equatable, Sendable {
    /// Without a trailing slash.
    var url: String
    /// For the `Host` header.
    var authority: String

    static let standardURL = "http://127.0.0.1:4566"

    init(_ text: String) throws(ClientError) {
        let url = URLComponents(string: text)
        guard let url, let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme),
            let host = url.host, !host.isEmpty, url.path.isEmpty || url.path == "/", url.query == nil, url.user == nil,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else {
            throw ClientError("'\(text)' is not the address of a server, such as \(Self.standardURL).")
        }
        let port = url.port.flatMap { $0 == (scheme == "http" ? 80 : 443) ? nil : $0 }
        authority = port.map { "\(host):\($0)" } ?? host
        self.url = "\(scheme)://\(authority)"
    }
}

/// What signs the requests, and whose they are.
struct StoredCredentials: Equatable, Sendable {
    var accessKey: AccessKey
    var accountID: String
    var region: String

    init(accessKey: AccessKey, accountID: String, region: String) {
        self.accessKey = accessKey
        self.accountID = accountID
        self.region = region
    }

    /// Nil without a key in the environment.
    init?(environment: [String: String]) {
        guard let id = environment["AWS_ACCESS_KEY_ID"], let secret = environment["AWS_SECRET_ACCESS_KEY"],
            !id.isEmpty, !secret.isEmpty
        else { return nil }
        let token = environment["AWS_SESSION_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }
        self.init(
            accessKey: AccessKey(id: id, secret: secret, sessionToken: token),
            accountID: environment["AWS_ACCOUNT_ID"] ?? "000000000000",
            region: environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? "us-east-1"
        )
    }
}

/// The files that the server leaves for its clients.
struct DataDirectory: Equatable, Sendable {
    static let fileBytesMax = 65_536

    var path: String

    init(option: String?, environment: [String: String]) throws(ClientError) {
        let host = HostFacts.read(environment: environment)
        let variable = environment["MARTLET_DATA"].flatMap { $0.isEmpty ? nil : $0 }
        guard let path = option ?? variable ?? host.defaultDataDirectory(environment: environment), !path.isEmpty else {
            throw ClientError("This user has no home directory: name the server's data directory with --data.")
        }
        self.path = path
    }

    func endpoint() throws(ClientError) -> Endpoint {
        guard let bytes = try read("endpoint") else { return try Endpoint(Endpoint.standardURL) }
        let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return try Endpoint(text)
    }

    func credentials() throws(ClientError) -> StoredCredentials {
        guard let bytes = try read("credentials") else {
            throw ClientError(
                "There are no credentials in \(path). The server makes them at its first start (martlet serve); with "
                    + "another data directory name it with --data, or set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY "
                    + "and AWS_ENDPOINT_URL_LAMBDA."
            )
        }
        let json: JSONValue
        do {
            json = try JSONValue(parsing: bytes)
        } catch {
            throw ClientError("\(path)/credentials is damaged: it is not JSON.")
        }
        guard let id = json["accessKeyId"]?.string, let secret = json["secretAccessKey"]?.string,
            let accountID = json["accountId"]?.string, let region = json["region"]?.string
        else { throw ClientError("\(path)/credentials is damaged: it lacks a member.") }
        return StoredCredentials(
            accessKey: AccessKey(id: id, secret: secret),
            accountID: accountID,
            region: region
        )
    }

    /// Nil where there is no such file.
    private func read(_ name: String) throws(ClientError) -> [UInt8]? {
        let file = "\(path)/\(name)"
        do {
            let handle = try FileHandle(forReadingFrom: URL(filePath: file))
            defer { handle.closeFile() }
            return Array(try handle.read(upToCount: Self.fileBytesMax) ?? Data())
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile || error.code == .fileNoSuchFile {
            return nil
        } catch let error as CocoaError where error.code == .fileReadNoPermission {
            throw ClientError("\(file) may not be read: it belongs to the user who runs the server.")
        } catch {
            throw ClientError("\(file) can't be read: \(error.localizedDescription)")
        }
    }
}
