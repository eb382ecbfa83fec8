// SPDX-License-Identifier: Apache-2.0
import ControlPlane
import InvocationCore
import LambdaModel

/// Who may call a function URL.
///
/// Two actions have to be permitted, `lambda:InvokeFunctionUrl` and `lambda:InvokeFunction` (AWS Lambda Developer Guide,
/// "Control access to Lambda function URLs"; as for URLs made since October 2025).
struct FunctionURLAuthorization {
    var target: FunctionURLTarget
    /// nil where the URL asks for no signature.
    var identity: AccessIdentity?
    /// What the policies of the identity itself say.
    var identityDecision: (AccessRequest) -> AccessDecision

    var isPermitted: Bool {
        requests.allSatisfy { request in
            AccessDecision.refusal(
                identity: identity == nil ? .noMatch : identityDecision(request),
                resource: target.policy.decision(on: request),
                sameAccount: identity.map { $0.accountID == target.function.accountID } ?? true
            ) == nil
        }
    }

    private var requests: [AccessRequest] {
        let principal = identity.map(AccessPrincipal.identity) ?? .anonymous
        let context = [
            "lambda:FunctionUrlAuthType": [target.url.authType.rawValue], "lambda:InvokedViaFunctionUrl": ["true"],
            "lambda:FunctionArn": [target.arn],
        ]
        return ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"].map { action in
            AccessRequest(principal: principal, action: action, resource: target.arn, context: context)
        }
    }
}
