// SPDX-License-Identifier: Apache-2.0

/// Which function URL a request is for, and what it asks there.
struct FunctionURLAddress: Equatable {
    /// The other way to a URL, for clients that can't look its host name up: `/_martlet/url/ID/PATH`.
    static let pathPrefix = "/_martlet/url/"
    private static let idBytesMax = 63

    var id: String
    /// As the function sees it: percent-encoded, with a slash at its beginning.
    var path: String
    /// The other way: on the same origin as the API and the console.
    var isByPath = false

    /// nil for a request that is for the API itself.
    ///
    /// `authority` is the `Host` header: `ID.lambda-url.REGION.localhost:4566`, where what follows the region may be any
    /// domain. `path` is that of the request line, without the query.
    init?(authority: String?, path: String) {
        if let id = authority.flatMap(Self.id(authority:)) {
            self.id = id
            self.path = path.hasPrefix("/") ? path : "/"
            return
        }
        guard path.hasPrefix(Self.pathPrefix) else { return nil }
        let rest = path.dropFirst(Self.pathPrefix.count)
        let id = rest.prefix { $0 != "/" }
        guard Self.isID(id) else { return nil }
        self.id = String(id)
        self.path = id.endIndex == rest.endIndex ? "/" : String(rest[id.endIndex...])
        isByPath = true
    }

    private static func id(authority: String) -> String? {
        let labels = authority.split(separator: ".", maxSplits: 3, omittingEmptySubsequences: false)
        guard labels.count == 4, labels[1].lowercased() == "lambda-url", !labels[2].isEmpty, !labels[3].isEmpty else {
            return nil
        }
        let id = labels[0].lowercased()
        return isID(id[...]) ? id : nil
    }

    private static func isID(_ text: Substring) -> Bool {
        (1...idBytesMax).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            }
    }
}
