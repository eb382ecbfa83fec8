// SPDX-License-Identifier: Apache-2.0
import Crypto

/// A request's line and headers as they go over the wire, which is what a signature covers.
package struct SigV4Request: Sendable {
    package struct Header: Sendable, Equatable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }

        /// Names are ASCII, whatever letters they are written in.
        func isNamed(_ lowercaseName: String) -> Bool {
            let (own, other) = (name.utf8, lowercaseName.utf8)
            return own.count == other.count
                && zip(own, other).allSatisfy { (0x41...0x5A).contains($0) ? $0 | 0x20 == $1 : $0 == $1 }
        }
    }

    package var method: String
    /// Percent-encoded, as on the request line, without the query.
    package var path: String
    /// What follows the `?`, as on the request line; empty where there is none.
    package var query: String
    /// In the order of the wire, `Host` among them.
    package var headers: [Header]

    package init(method: String, path: String, query: String, headers: [Header]) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
    }

    /// The value of a header, the first where there are several; nil when absent.
    package func header(_ lowercaseName: String) -> String? {
        headers.first { $0.isNamed(lowercaseName) }?.value
    }
}

/// The day, region and service a signing key is good for.
struct CredentialScope: Equatable {
    static let terminator = "aws4_request"

    /// Eight digits, `20250131`.
    var date: String
    var region: String
    var service: String

    var text: String { "\(date)/\(region)/\(service)/\(Self.terminator)" }
}

/// The steps of Signature Version 4 that signing and verifying share (IAM User Guide, "Create a signed AWS API request").
enum SigV4Canonical {
    static let algorithm = "AWS4-HMAC-SHA256"

    /// The canonical request.
    ///
    /// `signedHeaders` are lower-case names in ascending order; `excludedParameter` is the query parameter that carries
    /// the signature itself, in the presigned form. `keepsPath` is S3's way: its path counts as it was sent.
    static func request(
        _ request: SigV4Request,
        signedHeaders: [String],
        payloadHash: String,
        excludedParameter: String? = nil,
        keepsPath: Bool = false
    ) -> String {
        var text = request.method
        text += "\n" + (keepsPath ? request.path : path(request.path))
        text += "\n" + query(request.query, excluding: excludedParameter)
        text += "\n"
        for name in signedHeaders {
            text += name + ":" + headerValue(name, of: request) + "\n"
        }
        text += "\n" + signedHeaders.joined(separator: ";")
        text += "\n" + payloadHash
        return text
    }

    /// Dot segments removed, runs of slashes made one, and then encoded once more: every service but S3 wants it so.
    static func path(_ path: String) -> String {
        var segments: [Substring.UTF8View.SubSequence] = []
        let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: true)
        for part in parts {
            if part.elementsEqual(".".utf8) { continue }
            if part.elementsEqual("..".utf8) {
                _ = segments.popLast()
            } else {
                segments.append(part)
            }
        }
        var encoded: [UInt8] = []
        for segment in segments {
            encoded.append(UInt8(ascii: "/"))
            for byte in segment { PercentEncoding.append(byte, to: &encoded) }
        }
        if encoded.isEmpty || path.utf8.last == UInt8(ascii: "/") { encoded.append(UInt8(ascii: "/")) }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// Names and values decoded and encoded anew, sorted by name and then by value, bytewise.
    static func query(_ query: String, excluding excluded: String?) -> String {
        guard !query.isEmpty else { return "" }
        var pairs: [(name: [UInt8], value: [UInt8])] = []
        for pair in query.utf8.split(separator: UInt8(ascii: "&")) {
            let separator = pair.firstIndex(of: UInt8(ascii: "="))
            let name = reencoded(pair[..<(separator ?? pair.endIndex)])
            let value = separator.map { reencoded(pair[pair.index(after: $0)...]) } ?? []
            if let excluded, name.elementsEqual(excluded.utf8) { continue }
            pairs.append((name, value))
        }
        pairs.sort {
            $0.name == $1.name
                ? $0.value.lexicographicallyPrecedes($1.value) : $0.name.lexicographicallyPrecedes($1.name)
        }
        var text: [UInt8] = []
        for pair in pairs {
            if !text.isEmpty { text.append(UInt8(ascii: "&")) }
            text += pair.name
            text.append(UInt8(ascii: "="))
            text += pair.value
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func reencoded(_ part: Substring.UTF8View) -> [UInt8] {
        var encoded: [UInt8] = []
        for byte in PercentEncoding.decodeBytes(Substring(part)) { PercentEncoding.append(byte, to: &encoded) }
        return encoded
    }

    /// All values of that name in the wire's order, joined by commas; white space at the ends gone, runs made one space.
    private static func headerValue(_ name: String, of request: SigV4Request) -> String {
        var text: [UInt8] = []
        var first = true
        for header in request.headers where header.isNamed(name) {
            if !first { text.append(UInt8(ascii: ",")) }
            first = false
            let words = header.value.utf8.split { $0 == 0x20 || (0x09...0x0D).contains($0) }
            for (index, word) in words.enumerated() {
                if index > 0 { text.append(0x20) }
                text += word
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    static func stringToSign(canonicalRequest: String, date: String, scope: CredentialScope) -> String {
        let hash = Hexadecimal.encode(SHA256.hash(data: Array(canonicalRequest.utf8)))
        return "\(algorithm)\n\(date)\n\(scope.text)\n\(hash)"
    }

    /// What signatures of a day, a region and a service are made with.
    static func signingKey(secret: String, scope: CredentialScope) -> SymmetricKey {
        func mac(_ key: SymmetricKey, _ message: String) -> SymmetricKey {
            SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(message.utf8), using: key))
        }
        let dateKey = mac(SymmetricKey(data: Array("AWS4\(secret)".utf8)), scope.date)
        return mac(mac(mac(dateKey, scope.region), scope.service), CredentialScope.terminator)
    }

    static func signature(key: SymmetricKey, stringToSign: String) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array(stringToSign.utf8), using: key))
    }
}

/// A payload's hash as `x-amz-content-sha256` and the canonical request have it.
package enum PayloadHash {
    /// Of no bytes at all.
    package static let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    package static let unsigned = "UNSIGNED-PAYLOAD"

    package static func hexadecimal(of body: [UInt8]) -> String {
        body.isEmpty ? empty : Hexadecimal.encode(SHA256.hash(data: body))
    }
}
