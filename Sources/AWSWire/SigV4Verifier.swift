// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// What is known of an access key that a request names.
package enum CredentialLookup: Sendable, Equatable {
    case secret(String)
    /// No such key, or a session token that isn't this key's.
    case unknown
    /// A session that was good once.
    case expired
}

/// The signature a request carries, with everything checked that can be without its body.
package struct PendingSignature: Sendable {
    /// What the request says of its body.
    package enum Payload: Sendable, Equatable {
        /// Nothing: the signature covers the hash of the body as it arrives, so that it can only be checked then.
        case unstated
        /// `x-amz-content-sha256` had it, in lower-case hexadecimal; the body has yet to be compared.
        case hash(String)
        /// The caller chose not to sign the body.
        case unsigned
        /// The body is signed in parts (`STREAMING-…`), whose signatures are inside it and are not looked at.
        case inParts(String)
    }

    package var accessKeyID: String
    /// `lambda` or another of the services that the verifier was told to accept.
    package var service: String
    /// The scope's.
    package var region: String
    package var payload: Payload
    fileprivate var request: SigV4Request
    fileprivate var signedHeaders: [String]
    fileprivate var excludedParameter: String?
    fileprivate var date: String
    fileprivate var scope: CredentialScope
    fileprivate var secret: String
    fileprivate var signature: [UInt8]
    fileprivate var keys: SigningKeys?
    fileprivate var isHeadVerified = false

    /// Checks the signature, unless `verifyHead` has, and the body against it.
    ///
    /// - Throws: `LambdaError.accessDenied`, `InvalidSignatureException` when either is wrong.
    package func verify(body: [UInt8]) throws(LambdaError) {
        if payload == .unstated { return try verify(payloadHash: PayloadHash.hexadecimal(of: body)) }
        if !isHeadVerified {
            var pending = self
            try pending.verifyHead()
        }
        try verifyBody(body)
    }

    /// Checks the signature before the body is read, where the request states the body's hash or leaves the body out.
    ///
    /// - Returns: false where it can't be checked yet.
    @discardableResult
    package mutating func verifyHead() throws(LambdaError) -> Bool {
        switch payload {
        case .unstated: return false
        case .hash(let hash): try verify(payloadHash: hash)
        case .unsigned: try verify(payloadHash: PayloadHash.unsigned)
        case .inParts(let stated): try verify(payloadHash: stated)
        }
        isHeadVerified = true
        return true
    }

    /// Compares the body with the hash that the signed head stated.
    private func verifyBody(_ body: [UInt8]) throws(LambdaError) {
        guard case .hash(let stated) = payload else { return }
        guard PayloadHash.hexadecimal(of: body) == stated else { throw SigV4Verifier.mismatch }
    }

    private func verify(payloadHash: String) throws(LambdaError) {
        let canonical = SigV4Canonical.request(
            request,
            signedHeaders: signedHeaders,
            payloadHash: payloadHash,
            excludedParameter: excludedParameter,
            keepsPath: SigV4Verifier.servicesWithPlainPaths.contains(service)
        )
        let text = SigV4Canonical.stringToSign(canonicalRequest: canonical, date: date, scope: scope)
        let known = keys?.key(of: accessKeyID, secret: secret, scope)
        let key = known ?? SigV4Canonical.signingKey(secret: secret, scope: scope)
        let expected = SigV4Canonical.signature(key: key, stringToSign: text)
        guard SigV4Verifier.equalInConstantTime(expected, signature) else { throw SigV4Verifier.mismatch }
        if known == nil { keys?.keep(key, of: accessKeyID, secret: secret, scope) }
    }
}

/// Checks requests that were signed with Signature Version 4, in the header form and in the presigned form.
///
/// Signing by chunks (`STREAMING-…`) is refused where services are named: Lambda's API has no such form. `UNSIGNED-PAYLOAD` is accepted only where
/// the request says so in an `x-amz-content-sha256` header that is signed itself, so that nobody on the way can take the
/// protection off a body that its sender had signed.
package struct SigV4Verifier: Sendable {
    /// How far a request's time may be from the server's.
    package static let clockSkewMax = Duration.seconds(300)
    /// Longest life of a presigned URL: seven days.
    package static let presignedSecondsMax = 604_800
    static let headersMax = 256
    static let queryBytesMax = 16_384
    static let pathBytesMax = 8_192
    static let authorizationBytesMax = 8_192

    /// Those whose canonical path is the request's own, and whose presigned URLs leave the body out.
    static let servicesWithPlainPaths: Set<String> = ["s3", "s3-outposts", "s3-object-lambda", "s3express"]

    /// The regions that a scope may name.
    package var regions: Set<String>
    /// The services a scope may name; nil for any, for requests that are passed on.
    package var services: Set<String>?

    /// Those derived before; nil to derive each.
    private let keys: SigningKeys?

    package init(regions: Set<String>, services: Set<String>?, keys: SigningKeys? = nil) {
        self.regions = regions
        self.services = services
        self.keys = keys
    }

    static let mismatch = LambdaError.accessDenied(
        name: "InvalidSignatureException",
        message: "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            + "Access Key and signing method. Consult the service documentation for details."
    )

    static func invalid(_ message: String) -> LambdaError {
        .accessDenied(name: "InvalidSignatureException", message: message)
    }

    static func incomplete(_ message: String) -> LambdaError {
        .accessDenied(name: "IncompleteSignatureException", message: message)
    }

    /// Takes the same time wherever the difference is.
    package static func equalInConstantTime(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }

    /// Checks all that needs no body: form, time, scope, key.
    ///
    /// `secret` looks up an access key id, with the session token that the request carries. Throws
    /// `LambdaError.accessDenied` with AWS's exception names and texts.
    package func examine(
        _ request: SigV4Request,
        at now: Timestamp,
        secret lookUp: (_ accessKeyID: String, _ sessionToken: String?) -> CredentialLookup
    ) throws(LambdaError) -> PendingSignature {
        guard request.query.utf8.count <= Self.queryBytesMax, request.path.utf8.count <= Self.pathBytesMax,
            request.headers.count <= Self.headersMax
        else { throw Self.incomplete("The request line or the headers are too long to be signed.") }
        let claim = try Claim(request)
        let time = try claim.check(regions: regions, services: services)
        try claim.checkTime(time, now: now)
        // Else a header that was signed empty could be taken away unnoticed.
        guard claim.signedHeaders.allSatisfy({ request.header($0) != nil }) else { throw Self.mismatch }
        let payload = try payload(of: request, claim)
        switch lookUp(claim.accessKeyID, claim.sessionToken) {
        case .unknown:
            throw .accessDenied(
                name: "UnrecognizedClientException",
                message: "The security token included in the request is invalid."
            )
        case .expired:
            throw .accessDenied(
                name: "ExpiredTokenException",
                message: "The security token included in the request is expired"
            )
        case .secret(let secret):
            return PendingSignature(
                accessKeyID: claim.accessKeyID,
                service: claim.scope.service,
                region: claim.scope.region,
                payload: payload,
                request: request,
                signedHeaders: claim.signedHeaders,
                excludedParameter: claim.expiresSeconds == nil ? nil : "X-Amz-Signature",
                date: claim.date,
                scope: claim.scope,
                secret: secret,
                signature: claim.signature,
                keys: keys
            )
        }
    }

    private func payload(
        of request: SigV4Request,
        _ claim: Claim
    ) throws(LambdaError) -> PendingSignature.Payload {
        let isPlain = Self.servicesWithPlainPaths.contains(claim.scope.service)
        guard let stated = request.header("x-amz-content-sha256") else {
            return isPlain && claim.expiresSeconds != nil ? .unsigned : .unstated
        }
        func requireSigned() throws(LambdaError) {
            guard claim.signedHeaders.contains("x-amz-content-sha256") else {
                throw Self.invalid("'x-amz-content-sha256' must be a 'SignedHeader' in the AWS Authorization.")
            }
        }
        if stated == PayloadHash.unsigned {
            try requireSigned()
            return .unsigned
        }
        if stated.hasPrefix("STREAMING-") {
            guard services == nil, stated.utf8.count <= 64 else {
                throw Self.invalid(
                    "The value '\(stated.prefix(64))' of x-amz-content-sha256 is not supported by this service."
                )
            }
            try requireSigned()
            return .inParts(stated)
        }
        guard stated.utf8.count == 64, Hexadecimal.decode(stated.utf8) != nil else {
            throw Self.invalid(
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a valid sha256 value in hexadecimal digits."
            )
        }
        return .hash(stated)
    }
}
