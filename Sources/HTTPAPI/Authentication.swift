// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import HTTPTypes
import Hummingbird
import InvocationCore
import LambdaModel

/// Who may use the API.
package enum Authentication: Sendable {
    /// Whoever signs with a key that the server knows.
    case sigV4
    /// Everybody that reaches the port; signatures are not looked at.
    case none
}

extension LambdaAPI {
    /// Who asks, and the signature, where there is one to check.
    struct Signer {
        /// Who it is later, for what goes on: nil when the key is good no more.
        typealias Renewal = @Sendable () -> Caller?

        var caller: Caller
        var signature: PendingSignature?
        /// nil where there is nothing to find out.
        var renewed: Renewal?
    }

    private static let ownServices: Set<String> = ["lambda"]

    /// Finds out who asks, and checks all of the signature that needs no body.
    ///
    /// Where it is known who asks, none is needed.
    func signer(
        _ request: SigV4Request,
        of endpoint: Endpoint,
        as known: Signer? = nil,
        from sourceIP: String? = nil
    ) throws(LambdaError) -> Signer {
        if known == nil, endpoint == .metrics, let caller = try unsignedReader(request, from: sourceIP) {
            return Signer(caller: caller)
        }
        switch endpoint {
        case .s3Event(let arn, let token):
            try checkS3Event(arn, token: token)
            return Signer(caller: Caller(accountID: accountID, region: region))
        // A download has a token in its URL; the rest shows nothing of a user's.
        case .downloadCode, .health, .unavailable, .unknown:
            return Signer(caller: Caller(accountID: accountID, region: region))
        default: break
        }
        if let known { return known }
        switch authentication {
        case .none: return Signer(caller: statedCaller(request))
        case .sigV4:
            if case .elsewhere(let service) = endpoint, service.isVersion2 {
                throw .accessDenied(
                    name: "AccessDenied",
                    message:
                        "Only requests signed with version 4 are passed on: sign with 's3v4', or serve with --auth none."
                )
            }
            let time = now()
            var holder: AccessKeyring.Holder?
            var token: String?
            let services: Set<String>? =
                switch endpoint {
                case .logs: ["logs"]
                case .queue: ["sqs"]
                case .stream: ["kinesis"]
                case .schedule(let request): [request.service]
                case .cloudWatch: [CloudWatchRequest.service]
                case .elsewhere: nil
                default: Self.ownServices
                }
            // In which region is the caller's to say: what is there is the account's alone.
            let verifier = SigV4Verifier(regions: regions, services: services, keys: keyring.signingKeys)
            var pending = try verifier.examine(request, at: time) { accessKeyID, sessionToken in
                let found = keyring.lookUp(accessKeyID: accessKeyID, sessionToken: sessionToken, now: time)
                holder = found.holder
                token = sessionToken
                return found.credential
            }
            try pending.verifyHead()
            guard let holder else { preconditionFailure("a key that is good has a holder") }
            let (id, region) = (pending.accessKeyID, pending.region)
            let renewed: Signer.Renewal = { [keyring = self.keyring, now = self.now, token] in
                keyring.holder(accessKeyID: id, sessionToken: token, now: now())?.caller(region: region)
            }
            return Signer(caller: holder.caller(region: pending.region), signature: pending, renewed: renewed)
        }
    }

    /// Where signatures are not looked at, whoever the request says: the holder of a key that is known, the account
    /// whose number stands in a key's place, or the server's own.
    private func statedCaller(_ request: SigV4Request) -> Caller {
        guard let stated = StatedCredential(request) else {
            return Caller(accountID: accountID, region: region, isAdministrator: true)
        }
        var account = accountID
        if let holder = keyring.holder(accessKeyID: stated.accessKeyID, sessionToken: stated.sessionToken, now: now()) {
            account = holder.identity.accountID
        } else if ARN.isAccountID(stated.accessKeyID) {
            account = stated.accessKeyID
        }
        let place = regions.contains(stated.region) ? stated.region : region
        return Caller(accountID: account, region: place, isAdministrator: true)
    }

    /// A request's line and headers as a signature covers them.
    static func signedForm(_ request: Request, path: String, query: String) -> SigV4Request {
        var headers: [SigV4Request.Header] = []
        headers.reserveCapacity(request.headers.count + 1)
        if let authority = request.head.authority { headers.append(.init("host", authority)) }
        for field in request.headers { headers.append(.init(field.name.rawName, field.value)) }
        return SigV4Request(method: request.method.rawValue, path: path, query: query, headers: headers)
    }
}
