// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import HTTPTypes
import Hummingbird
import HummingbirdCore
import InvocationCore
import LambdaModel

/// Whether a caller's own policies, and those of the resources, allow what it asks for.
extension LambdaAPI {
    /// Finds out before the operation looks anything up, but for the resource's policy where the caller's own do not decide.
    ///
    /// - Returns: the caller with what other accounts grant to it for this request.
    /// - Throws: `LambdaError.accessDenied`, in AWS's words.
    @discardableResult
    func authorize(_ call: Call, _ accesses: [OperationAccess]) async throws -> Caller {
        var caller = call.caller
        for access in accesses {
            let isOwn = access.owner.map { $0.accountID == caller.accountID } ?? true
            // Most keys have no policy, and then there is nothing to find out.
            guard caller.policy != nil || !isOwn else { continue }
            let request = AccessRequest(
                principal: .identity(caller.identity),
                action: access.action,
                resource: access.resource,
                otherName: access.otherName,
                context: access.context.merging(globalContext(caller, call.request, from: call.clientAddress)) {
                    own,
                    _ in
                    own
                }
            )
            let identity = caller.decision(on: request)
            var resource = AccessDecision.noMatch
            // A resource's policy only ever allows: it makes no difference to who may do it already, or is denied.
            if let owner = access.owner, isOwn ? identity == .noMatch : identity == .allow && access.isOpenToOthers {
                resource = try await controlPlane.resourcePolicy(of: owner).decision(on: request)
            }
            if let refusal = AccessDecision.refusal(identity: identity, resource: resource, sameAccount: isOwn) {
                throw caller.denied(access.action, on: access.resource, refusal.reason(action: access.action))
            }
            if !isOwn { caller.grants.insert(access.resource) }
        }
        return caller
    }

    /// The condition keys that every request has.
    func globalContext(
        _ caller: Caller,
        _ request: Request,
        from clientAddress: String?
    ) -> [String: [String]] {
        let time = now()
        var context = [
            "aws:PrincipalArn": [caller.identity.arn], "aws:PrincipalAccount": [caller.accountID],
            "aws:PrincipalType": ["User"], "aws:RequestedRegion": [caller.region],
            "aws:CurrentTime": [time.iso8601()], "aws:EpochTime": [String(time.millisecondsSinceEpoch / 1_000)],
            "aws:SecureTransport": [isEncrypted ? "true" : "false"], "aws:ViaAWSService": ["false"],
            "aws:PrincipalIsAWSService": ["false"],
        ]
        if let name = caller.identity.arn.split(separator: "/").last, caller.identity.arn.contains(":user/") {
            context["aws:username"] = [String(name)]
        }
        context["aws:SourceIp"] = clientAddress.map { [$0] }
        context["aws:UserAgent"] = request.headers[.userAgent].map { [$0] }
        return context
    }

    /// What a caller's own policies say to what a function URL needs.
    func decision(
        on request: AccessRequest,
        _ caller: Caller,
        _ head: Request,
        from clientAddress: String?
    ) -> AccessDecision {
        guard caller.policy != nil else { return .allow }
        let whole = AccessRequest(
            principal: request.principal,
            action: request.action,
            resource: request.resource,
            context: globalContext(caller, head, from: clientAddress).merging(request.context) { _, own in own }
        )
        return caller.decision(on: whole)
    }
}
