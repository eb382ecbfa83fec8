// SPDX-License-Identifier: Apache-2.0

/// What a request says of who signed it and for what, in its Authorization header or in its query: nothing is verified.
package struct StatedCredential: Equatable, Sendable {
    package var accessKeyID: String
    package var region: String
    package var service: String
    package var sessionToken: String?

    /// nil where the request has no signature of version 4, or one that can't be read.
    package init?(_ request: SigV4Request) {
        let credential: Substring
        let token: String?
        if let header = request.header("authorization") {
            guard header.utf8.count <= SigV4Verifier.authorizationBytesMax,
                case let authorization = AuthorizationHeader(header),
                authorization.algorithm == SigV4Canonical.algorithm, let stated = authorization["Credential"]
            else { return nil }
            credential = stated
            token = request.header("x-amz-security-token")
        } else {
            guard request.query.utf8.count <= SigV4Verifier.queryBytesMax else { return nil }
            let parameters = QueryParameters(request.query)
            guard parameters["X-Amz-Algorithm"] == SigV4Canonical.algorithm,
                let text = parameters["X-Amz-Credential"]
            else { return nil }
            credential = Substring(text)
            token = parameters["X-Amz-Security-Token"]
        }
        let parts = credential.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
        guard parts.count == 5, parts[4] == CredentialScope.terminator, !parts[0].isEmpty, !parts[3].isEmpty else {
            return nil
        }
        accessKeyID = parts[0]
        region = parts[2]
        service = parts[3]
        sessionToken = token
    }
}
