// SPDX-License-Identifier: Apache-2.0

/// The caller is told no: one case per AWS exception, with the text it carries.
///
/// Status and the case of the message's key are as AWS sends them, which differs from its model; SDKs match on both.
package enum LambdaError: Error, Equatable, Sendable {
    case resourceNotFound(message: String)
    /// The same without a `Type`, as it is of code signing configurations.
    case untypedResourceNotFound(message: String)
    case codeSigningConfigNotFound(message: String)
    case provisionedConcurrencyConfigNotFound(message: String)
    case codeVerificationFailed(message: String)
    case resourceConflict(message: String)
    case invalidParameterValue(message: String)
    case validation(message: String)
    case invalidRequestContent(message: String)
    case requestTooLarge(message: String)
    case preconditionFailed(message: String)
    case codeStorageExceeded(message: String)
    case policyLengthExceeded(message: String)
    case tooManyRequests(ThrottleReason)
    /// The function was stopped as part of a loop.
    case recursiveInvocation
    /// The version's snapshot is still being taken.
    case snapStartNotReady
    /// What the function runs after a restore failed.
    case snapStart
    /// It took too long.
    case snapStartTimeout
    /// The machine failed; the cause is in the server's log under the request id.
    case service(message: String)
    /// Signature or session refused: `name` is the exception's (`InvalidSignatureException`, …).
    case accessDenied(name: String, message: String)
    case unknownOperation(message: String)

    private static let recursion =
        "Lambda has detected your function being invoked in a recursive loop with other AWS resources and stopped your "
        + "function's invocation."

    package enum MessageKey: String, Sendable {
        case upper = "Message"
        case lower = "message"
    }

    package struct Wire: Equatable, Sendable {
        package var status: Int
        /// The exception's name, for `x-amzn-ErrorType`.
        package var name: String
        package var message: String
        package var messageKey: MessageKey
        /// `User` or `Service`; nil where AWS sends none.
        package var type: String?
        /// Only throttling has one.
        package var reason: String?
    }

    package var wire: Wire {
        func user(_ status: Int, _ name: String, _ message: String, _ key: MessageKey) -> Wire {
            Wire(status: status, name: name, message: message, messageKey: key, type: "User", reason: nil)
        }
        switch self {
        case .resourceNotFound(let message): return user(404, "ResourceNotFoundException", message, .upper)
        case .untypedResourceNotFound(let message):
            return Wire(
                status: 404,
                name: "ResourceNotFoundException",
                message: message,
                messageKey: .upper,
                type: nil,
                reason: nil
            )
        case .codeSigningConfigNotFound(let message):
            return user(404, "CodeSigningConfigNotFoundException", message, .upper)
        case .provisionedConcurrencyConfigNotFound(let message):
            return user(404, "ProvisionedConcurrencyConfigNotFoundException", message, .lower)
        case .codeVerificationFailed(let message):
            return user(400, "CodeVerificationFailedException", message, .upper)
        case .resourceConflict(let message): return user(409, "ResourceConflictException", message, .lower)
        case .invalidParameterValue(let message): return user(400, "InvalidParameterValueException", message, .lower)
        case .validation(let message):
            return Wire(
                status: 400,
                name: "ValidationException",
                message: message,
                messageKey: .lower,
                type: nil,
                reason: nil
            )
        case .invalidRequestContent(let message): return user(400, "InvalidRequestContentException", message, .lower)
        case .requestTooLarge(let message): return user(413, "RequestEntityTooLargeException", message, .lower)
        case .preconditionFailed(let message): return user(412, "PreconditionFailedException", message, .lower)
        case .codeStorageExceeded(let message): return user(400, "CodeStorageExceededException", message, .lower)
        case .policyLengthExceeded(let message): return user(400, "PolicyLengthExceededException", message, .lower)
        case .tooManyRequests(let reason):
            return Wire(
                status: 429,
                name: "TooManyRequestsException",
                message: reason == .callerRateLimitExceeded ? "Rate exceeded" : "Rate Exceeded.",
                messageKey: .lower,
                type: "User",
                reason: reason.rawValue
            )
        case .recursiveInvocation:
            return user(400, "RecursiveInvocationException", Self.recursion, .upper)
        case .snapStartNotReady:
            return user(
                409,
                "SnapStartNotReadyException",
                "Lambda is initializing your function. It will be ready to invoke once your function state becomes ACTIVE.",
                .upper
            )
        case .snapStart:
            return user(
                400,
                "SnapStartException",
                "The afterRestore() runtime hook encountered an error. The function's log says which.",
                .upper
            )
        case .snapStartTimeout:
            return user(
                408,
                "SnapStartTimeoutException",
                "The runtime hooks took too long after the snapshot was restored: they have 10 seconds.",
                .upper
            )
        case .service(let message):
            return Wire(
                status: 500,
                name: "ServiceException",
                message: message,
                messageKey: .upper,
                type: "Service",
                reason: nil
            )
        case .accessDenied(let name, let message):
            return Wire(status: 403, name: name, message: message, messageKey: .lower, type: nil, reason: nil)
        case .unknownOperation(let message):
            return Wire(
                status: 404,
                name: "UnknownOperationException",
                message: message,
                messageKey: .upper,
                type: nil,
                reason: nil
            )
        }
    }
}

/// Why an invocation was throttled, in AWS's words.
package enum ThrottleReason: String, Sendable {
    /// It asks for more environments than it may have so soon.
    case functionInvocationRateLimitExceeded = "FunctionInvocationRateLimitExceeded"
    /// The same of a function with a reservation.
    case reservedFunctionInvocationRateLimitExceeded = "ReservedFunctionInvocationRateLimitExceeded"
    case concurrentInvocationLimitExceeded = "ConcurrentInvocationLimitExceeded"
    case reservedFunctionConcurrentInvocationLimitExceeded = "ReservedFunctionConcurrentInvocationLimitExceeded"
    case callerRateLimitExceeded = "CallerRateLimitExceeded"
}
