// SPDX-License-Identifier: Apache-2.0
import LambdaModel

/// The states that Lambda's Runtime API names in its refusals, spelt as it does.
package enum RuntimeState: String, Sendable {
    case started = "Started"
    case initError = "InitError"
    case ready = "Ready"
    case running = "Running"
    case invocationResponse = "InvocationResponse"
    case invocationErrorResponse = "InvocationErrorResponse"
    case responseSent = "RuntimeResponseSentState"
}

/// What a runtime or an extension is told in answer to its call.
package enum RuntimeAPIReply: Equatable, Sendable {
    case accepted
    /// An extension has registered, and goes by that identifier.
    case registered(identifier: String)
    case extensionRefused(ExtensionRefusal)
    /// Not the id of the invocation in hand, or the invocation has its answer already.
    case invalidRequestID
    case invalidStateTransition(from: RuntimeState, to: RuntimeState)
    case payloadTooLarge

    package struct Refusal: Equatable, Sendable {
        package var status: Int
        package var errorType: String
        package var errorMessage: String
    }

    /// nil for `accepted` and `registered`.
    package var refusal: Refusal? {
        switch self {
        case .accepted, .registered: nil
        case .extensionRefused(let refusal):
            Refusal(status: 403, errorType: refusal.errorType, errorMessage: refusal.errorMessage)
        case .invalidRequestID:
            Refusal(status: 400, errorType: "InvalidRequestID", errorMessage: "Invalid request ID")
        case .invalidStateTransition(let from, let to):
            Refusal(
                status: 403,
                errorType: "InvalidStateTransition",
                errorMessage: "State transition from \(from.rawValue) to \(to.rawValue) failed for runtime. "
                    + "Error: State transition is not allowed"
            )
        case .payloadTooLarge:
            Refusal(
                status: 413,
                errorType: "RequestEntityTooLarge",
                errorMessage: "Exceeded maximum allowed payload size (\(LimitsProfile.responsePayloadBytesMax) bytes)."
            )
        }
    }
}
