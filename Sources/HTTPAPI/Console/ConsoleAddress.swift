// SPDX-License-Identifier: Apache-2.0
import AWSWire

/// What a request below `/console` asks for.
enum ConsoleAddress: Equatable {
    static let pathPrefix = "/console"

    /// A file of the page.
    case file(String)
    /// Signing in and out, and who is.
    case session
    /// What the API has at this path, for whoever is signed in.
    case api(path: String)

    /// nil for a request that is not for the console: a signed one is S3's, for a bucket of that name.
    init?(_ request: SigV4Request) {
        guard request.path.hasPrefix(Self.pathPrefix) else { return nil }
        let rest = request.path.dropFirst(Self.pathPrefix.count)
        guard rest.isEmpty || rest.hasPrefix("/"), StatedCredential(request) == nil else { return nil }
        switch rest {
        case "", "/": self = .file("index.html")
        case "/session": self = .session
        case _ where rest.hasPrefix("/api/"): self = .api(path: String(rest.dropFirst("/api".count)))
        default: self = .file(String(rest.dropFirst()))
        }
    }
}
