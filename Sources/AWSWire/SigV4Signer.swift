// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// Signs requests with Signature Version 4, in the header form and in the presigned form.
package struct SigV4Signer: Sendable {
    /// The service whose paths are signed as they are on the wire, encoded once and with all their slashes.
    package static let s3 = "s3"

    package var accessKey: AccessKey
    package var region: String
    /// For example `lambda` or `logs`.
    package var service: String

    package init(accessKey: AccessKey, region: String, service: String) {
        self.accessKey = accessKey
        self.region = region
        self.service = service
    }

    /// The headers to add to `request`: `X-Amz-Date`, `X-Amz-Content-SHA256`, `Authorization` and, for a session's key,
    /// `X-Amz-Security-Token`.
    ///
    /// Every header that `request` has is signed, so it must be complete, `Host` included, and be sent unchanged.
    /// The content hash is sent so that the server can check the signature before it reads the body.
    package func sign(_ request: SigV4Request, body: [UInt8], at now: Timestamp) -> [SigV4Request.Header] {
        sign(request, payloadHash: PayloadHash.hexadecimal(of: body), at: now)
    }

    /// The same for a body whose SHA-256 is known, in hexadecimal.
    package func sign(_ request: SigV4Request, payloadHash: String, at now: Timestamp) -> [SigV4Request.Header] {
        let date = BasicTime.text(now)
        var added = [
            SigV4Request.Header("X-Amz-Date", date), SigV4Request.Header("X-Amz-Content-SHA256", payloadHash),
        ]
        if let token = accessKey.sessionToken { added.append(.init("X-Amz-Security-Token", token)) }
        var signed = request
        signed.headers += added
        let names = Set(signed.headers.map { $0.name.lowercased() }).sorted()
        let scope = scope(at: date)
        let canonical = SigV4Canonical.request(
            signed,
            signedHeaders: names,
            payloadHash: payloadHash,
            keepsPath: service == Self.s3
        )
        let signature = signature(of: canonical, date: date, scope: scope)
        added.append(
            .init(
                "Authorization",
                "\(SigV4Canonical.algorithm) Credential=\(accessKey.id)/\(scope.text), "
                    + "SignedHeaders=\(names.joined(separator: ";")), Signature=\(signature)"
            )
        )
        return added
    }

    /// The whole query, signature included, of a URL that anyone may use for `seconds` seconds from `now`.
    ///
    /// Signs the headers that `request` has, which the user of the URL must then send; usually only `Host`.
    package func presign(
        _ request: SigV4Request,
        payloadHash: String = PayloadHash.empty,
        seconds: Int,
        at now: Timestamp
    ) -> String {
        let date = BasicTime.text(now)
        let scope = scope(at: date)
        let names = Set(request.headers.map { $0.name.lowercased() }).sorted()
        var parameters = [
            ("X-Amz-Algorithm", SigV4Canonical.algorithm), ("X-Amz-Credential", "\(accessKey.id)/\(scope.text)"),
            ("X-Amz-Date", date), ("X-Amz-Expires", String(seconds)),
            ("X-Amz-SignedHeaders", names.joined(separator: ";")),
        ]
        if let token = accessKey.sessionToken { parameters.append(("X-Amz-Security-Token", token)) }
        let added = parameters.map { "\($0.0)=\(PercentEncoding.encode($0.1))" }.joined(separator: "&")
        var signed = request
        signed.query = request.query.isEmpty ? added : "\(request.query)&\(added)"
        let canonical = SigV4Canonical.request(
            signed,
            signedHeaders: names,
            payloadHash: payloadHash,
            keepsPath: service == Self.s3
        )
        return "\(signed.query)&X-Amz-Signature=\(signature(of: canonical, date: date, scope: scope))"
    }

    private func scope(at date: String) -> CredentialScope {
        CredentialScope(date: String(date.prefix(8)), region: region, service: service)
    }

    private func signature(of canonicalRequest: String, date: String, scope: CredentialScope) -> String {
        let text = SigV4Canonical.stringToSign(canonicalRequest: canonicalRequest, date: date, scope: scope)
        let key = SigV4Canonical.signingKey(secret: accessKey.secret, scope: scope)
        return Hexadecimal.encode(SigV4Canonical.signature(key: key, stringToSign: text))
    }
}
