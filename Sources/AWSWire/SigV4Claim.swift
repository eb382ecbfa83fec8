// SPDX-License-Identifier: Apache-2.0
import LambdaModel

/// What a request says of its own signature, taken from the Authorization header or from the query.
struct Claim {
    var accessKeyID: String
    var scope: CredentialScope
    /// As it was sent: `20250131T235959Z`.
    var date: String
    var signedHeaders: [String]
    var signature: [UInt8]
    var sessionToken: String?
    /// The presigned form's; nil in the header form.
    var expiresSeconds: Int?

    init(_ request: SigV4Request) throws(LambdaError) {
        let authorizations = request.headers.filter { $0.isNamed("authorization") }
        guard authorizations.count <= 1 else {
            throw SigV4Verifier.incomplete("More than one Authorization header was sent.")
        }
        let parameters = QueryParameters(request.query)
        if let authorization = authorizations.first?.value {
            guard parameters["X-Amz-Signature"] == nil else {
                throw SigV4Verifier.incomplete("Only one of the Authorization header and X-Amz-Signature may be sent.")
            }
            try self.init(authorization: authorization, of: request)
        } else if parameters["X-Amz-Signature"] != nil || parameters["X-Amz-Algorithm"] != nil {
            try self.init(query: parameters)
        } else {
            throw .accessDenied(name: "MissingAuthenticationTokenException", message: "Missing Authentication Token")
        }
    }

    private init(authorization: String, of request: SigV4Request) throws(LambdaError) {
        guard authorization.utf8.count <= SigV4Verifier.authorizationBytesMax else {
            throw SigV4Verifier.incomplete("The Authorization header is too long.")
        }
        let header = AuthorizationHeader(authorization)
        let isSigned = header.algorithm == SigV4Canonical.algorithm
        if isSigned, let field = header.malformed {
            throw SigV4Verifier.incomplete(
                "'\(field)' not a valid key=value pair (missing equal-sign) in Authorization header: "
                    + "'\(authorization)'."
            )
        }
        func field(_ name: String) -> Substring? { isSigned ? header[name] : nil }
        let date = request.header("x-amz-date") ?? request.header("date")
        guard let credential = field("Credential"), let signature = field("Signature"),
            let signedHeaders = field("SignedHeaders"), let date
        else {
            var missing = ["Credential", "Signature", "SignedHeaders"].filter { field($0) == nil }
                .map { "Authorization header requires '\($0)' parameter. " }
            if date == nil {
                missing.append(
                    "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
                )
            }
            throw SigV4Verifier.incomplete("\(missing.joined())Authorization=\(header.algorithm.prefix(64))")
        }
        try self.init(
            credential: credential,
            signedHeaders: signedHeaders,
            signature: signature,
            date: date,
            sessionToken: request.header("x-amz-security-token"),
            expiresSeconds: nil
        )
    }

    private init(query: QueryParameters) throws(LambdaError) {
        func single(_ name: String) throws(LambdaError) -> String {
            let values = query.values(name)
            guard values.count == 1, let value = values.first, !value.isEmpty else {
                throw SigV4Verifier.incomplete("AWS query-string parameters must include '\(name)' exactly once.")
            }
            return value
        }
        let algorithm = try single("X-Amz-Algorithm")
        guard algorithm == SigV4Canonical.algorithm else {
            throw SigV4Verifier.incomplete("Unsupported X-Amz-Algorithm '\(algorithm.prefix(64))'.")
        }
        guard let seconds = Int(try single("X-Amz-Expires")), (1...SigV4Verifier.presignedSecondsMax).contains(seconds)
        else {
            throw SigV4Verifier.incomplete(
                "X-Amz-Expires must be a number of seconds from 1 to \(SigV4Verifier.presignedSecondsMax)."
            )
        }
        guard query.values("X-Amz-Security-Token").count <= 1 else {
            throw SigV4Verifier.incomplete("X-Amz-Security-Token was sent more than once.")
        }
        try self.init(
            credential: Substring(try single("X-Amz-Credential")),
            signedHeaders: Substring(try single("X-Amz-SignedHeaders")),
            signature: Substring(try single("X-Amz-Signature")),
            date: try single("X-Amz-Date"),
            sessionToken: query["X-Amz-Security-Token"],
            expiresSeconds: seconds
        )
    }

    private init(
        credential: Substring,
        signedHeaders: Substring,
        signature: Substring,
        date: String,
        sessionToken: String?,
        expiresSeconds: Int?
    ) throws(LambdaError) {
        let parts = credential.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { Substring($0) }
        guard parts.count == 5 else {
            throw SigV4Verifier.incomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
                    + "got '\(credential)'"
            )
        }
        guard parts[4] == CredentialScope.terminator else {
            throw SigV4Verifier.invalid(
                "Credential should be scoped with a valid terminator: 'aws4_request', not '\(parts[4])'."
            )
        }
        accessKeyID = String(parts[0])
        scope = CredentialScope(date: String(parts[1]), region: String(parts[2]), service: String(parts[3]))
        self.date = date
        let names = signedHeaders.utf8.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
        // Sorted, lower-case, each once: what every signer sends, and what makes the canonical form unambiguous.
        guard names.count <= SigV4Verifier.headersMax, names.allSatisfy({ !$0.isEmpty && $0 == $0.lowercased() }),
            zip(names, names.dropFirst()).allSatisfy({ $0.utf8.lexicographicallyPrecedes($1.utf8) })
        else {
            throw SigV4Verifier.incomplete("SignedHeaders must be lower-case names in ascending order, each once.")
        }
        self.signedHeaders = names
        guard names.contains("host") else {
            throw SigV4Verifier.invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
        }
        guard let bytes = Hexadecimal.decode(signature.utf8), bytes.count == 32 else { throw SigV4Verifier.mismatch }
        self.signature = bytes
        self.sessionToken = sessionToken
        self.expiresSeconds = expiresSeconds
    }

    /// - Returns: the time the request was signed at.
    func check(regions: Set<String>, services: Set<String>?) throws(LambdaError) -> Timestamp {
        guard let time = BasicTime.parse(date) else {
            throw SigV4Verifier.incomplete(
                "Date must be in ISO-8601 'basic format'. Got '\(date.prefix(64))'. "
                    + "See http://en.wikipedia.org/wiki/ISO_8601"
            )
        }
        var faults: [String] = []
        if !regions.contains(scope.region) {
            faults.append("Credential should be scoped to a valid region, not '\(scope.region)'. ")
        }
        if let services, !services.contains(scope.service) {
            let names = services.sorted().map { "'\($0)'" }.joined(separator: " or ")
            faults.append("Credential should be scoped to correct service: \(names). ")
        }
        if scope.date != date.prefix(8) {
            faults.append(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                    + "'\(scope.date)' != '\(date.prefix(8))', from '\(date)'. "
            )
        }
        guard faults.isEmpty else { throw SigV4Verifier.invalid(faults.joined()) }
        return time
    }

    func checkTime(_ time: Timestamp, now: Timestamp) throws(LambdaError) {
        let skew = SigV4Verifier.clockSkewMax
        // A presigned URL is good for as long as it says; its beginning alone has the clocks' tolerance.
        let life = expiresSeconds.map { Duration.seconds($0) } ?? skew
        let earliest = now.advanced(by: .zero - life)
        if time < earliest {
            let seconds = life.components.seconds
            let words = seconds.isMultiple(of: 60) ? "\(seconds / 60) min." : "\(seconds) s."
            throw SigV4Verifier.invalid(
                "Signature expired: \(date) is now earlier than \(BasicTime.text(earliest)) "
                    + "(\(BasicTime.text(now)) - \(words))"
            )
        }
        let latest = now.advanced(by: skew)
        if time > latest {
            throw SigV4Verifier.invalid(
                "Signature not yet current: \(date) is still later than \(BasicTime.text(latest)) "
                    + "(\(BasicTime.text(now)) + 5 min.)"
            )
        }
    }
}
