// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import InvocationCore
package import LambdaModel
import MetadataStore

/// The URL of a function or of one of its aliases; its qualifier is the alias, empty for the function.
package struct FunctionURL: FunctionDocument, Equatable {
    package static let kind = "url"

    package enum AuthType: String, Sendable, Codable {
        case none = "NONE"
        case awsIAM = "AWS_IAM"
    }

    package enum InvokeMode: String, Sendable, Codable {
        case buffered = "BUFFERED"
        case responseStream = "RESPONSE_STREAM"
    }

    /// Which pages of other origins may use the URL; nil for what the request did not say.
    package struct CORS: Equatable, Sendable, Codable {
        package var allowCredentials: Bool?
        package var allowHeaders: [String]?
        package var allowMethods: [String]?
        package var allowOrigins: [String]?
        package var exposeHeaders: [String]?
        /// Seconds.
        package var maxAge: Int?

        package init() {}
    }

    /// Thirty-two of a to z and 2 to 7: the first label of its host name.
    package var id: String
    package var authType: AuthType
    package var cors: CORS?
    package var invokeMode: InvokeMode
    package var created: Timestamp
    package var modified: Timestamp

    package var lookup: String? { id }

    package init(
        id: String,
        authType: AuthType,
        cors: CORS?,
        invokeMode: InvokeMode,
        created: Timestamp,
        modified: Timestamp
    ) {
        self.id = id
        self.authType = authType
        self.cors = cors
        self.invokeMode = invokeMode
        self.created = created
        self.modified = modified
    }

    /// The URL as a caller gets it that came here by `origin`, such as `http://127.0.0.1:4566`.
    static func text(id: String, region: String, origin: String) -> String {
        let isEncrypted = origin.hasPrefix("https:")
        let port = port(of: origin).map { ":\($0)" } ?? ""
        return "\(isEncrypted ? "https" : "http")://\(id).lambda-url.\(region).localhost\(port)/"
    }

    private static func port(of origin: String) -> Substring? {
        guard let colon = origin.lastIndex(of: ":") else { return nil }
        let port = origin[origin.index(after: colon)...]
        // In `http://host` a slash follows the only colon, in `http://[::1]` a bracket comes after the last one.
        return !port.isEmpty && port.utf8.allSatisfy { (0x30...0x39).contains($0) } ? port : nil
    }
}

/// What a function URL leads to.
package struct FunctionURLTarget: Sendable {
    package var function: FunctionKey
    /// The alias; nil for the function itself.
    package var qualifier: String?
    package var url: FunctionURL
    /// Who may call it.
    package var policy: AccessPolicy

    package init(function: FunctionKey, qualifier: String?, url: FunctionURL, policy: AccessPolicy) {
        self.function = function
        self.qualifier = qualifier
        self.url = url
        self.policy = policy
    }

    package var arn: String { function.arn(qualifier: qualifier) }
}

extension ControlPlane {
    /// What the URL with that id leads to, nil where there is none.
    package func functionURL(id: String) async throws -> FunctionURLTarget? {
        try await withStores {
            try await metadata.read { transaction in
                guard let (function, qualifier, url) = try transaction.documents(FunctionURL.self, lookup: id).first
                else { return nil }
                let policy = try transaction.document(FunctionPolicy.self, of: function, qualifier: qualifier)
                return FunctionURLTarget(
                    function: function,
                    qualifier: qualifier.isEmpty ? nil : qualifier,
                    url: url,
                    policy: AccessPolicy(statements: policy?.statements.map(\.access) ?? [])
                )
            }
        }
    }
}

extension FunctionURL.CORS {
    /// nil for one that says nothing, which takes the configuration away.
    init?(_ cors: API.Cors?) {
        guard let cors else { return nil }
        self.init()
        allowCredentials = cors.allowCredentials
        allowHeaders = cors.allowHeaders
        allowMethods = cors.allowMethods
        allowOrigins = cors.allowOrigins
        exposeHeaders = cors.exposeHeaders
        maxAge = cors.maxAge
        if self == Self() { return nil }
    }

    var answer: API.Cors {
        API.Cors(
            allowCredentials: allowCredentials,
            allowHeaders: allowHeaders,
            allowMethods: allowMethods,
            allowOrigins: allowOrigins,
            exposeHeaders: exposeHeaders,
            maxAge: maxAge
        )
    }
}
