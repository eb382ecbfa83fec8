// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// One call of a runtime or an extension, as it came over HTTP.
///
/// Every byte of it is the function's.
package enum RuntimeAPIRequest: Sendable, Equatable {
    /// GET `/runtime/invocation/next`.
    case next
    /// POST `/runtime/invocation/ID/response`, at most `LimitsProfile.responsePayloadBytesMax` bytes.
    case response(id: String, body: [UInt8], contentType: String?)
    /// The same in streaming mode: asked when the head has come, while the body still arrives.
    ///
    /// The answer is for after the end of `body`; one that is given before has the rest of the body thrown away.
    case streamedResponse(id: String, body: PayloadStream)
    /// A response or error post of more bytes than that; the body was thrown away.
    case responseTooLarge(id: String)
    /// A response whose body ended early.
    case truncatedResponse(id: String)
    /// POST `/runtime/invocation/ID/error`.
    ///
    /// `type` is the header as `FunctionErrorType` understood it; `xrayCause` is JSON text if the runtime keeps to
    /// the rules.
    case error(id: String, type: String, body: [UInt8], xrayCause: String?)
    /// POST `/runtime/init/error`.
    case initError(type: String, body: [UInt8])
    /// GET `/runtime/restore/next`.
    case restoreNext
    /// POST `/runtime/restore/error`.
    case restoreError(type: String, body: [UInt8])
    /// POST `/extension/register`.
    case registerExtension(name: String, ExtensionRegistration)
    /// GET `/extension/event/next`; nil without an identifier.
    case extensionNext(identifier: String?)
    /// POST `/extension/init/error` or `/extension/exit/error`; `type` is nil without the header.
    case extensionError(identifier: String?, isInit: Bool, type: String?)
    /// PUT `/logs` or `/telemetry`; nil without an identifier.
    case subscribe(identifier: String?, isLogs: Bool, body: [UInt8])
}

extension RuntimeAPIRequest {
    /// What an invocation consists of: answered so fast that it may be on the event loop.
    var isBrief: Bool {
        switch self {
        case .next, .response, .error: true
        default: false
        }
    }

    /// Says how an invocation ended.
    var isResponse: Bool {
        switch self {
        case .response, .streamedResponse, .error: true
        default: false
        }
    }
}

/// What an extension asks for when it registers.
package enum ExtensionRegistration: Sendable, Equatable {
    /// `events` are its words, not checked.
    case events([String], wantsAccountID: Bool)
    case malformed(reason: String)
}

/// What the runtime or the extension is told.
package enum RuntimeAPIAnswer: Sendable, Equatable {
    /// 200 with an event: the answer to `next`.
    case invocation(RuntimeInvocation)
    /// 200 without a body: the answer to `restoreNext`.
    case restored
    /// 202 `{"status":"OK"}`.
    case accepted
    /// 200 with `Lambda-Extension-Identifier` and JSON: the answer to `registerExtension`.
    case registered(identifier: String, body: [UInt8])
    /// 200 with that JSON: the answer to `subscribe`.
    case subscribed(json: String)
    /// 200 with `Lambda-Extension-Event-Identifier` and an event's JSON: the answer to `extensionNext`.
    case extensionEvent(identifier: String, body: [UInt8])
    /// An error status with `errorMessage` and `errorType` as JSON.
    case refused(status: Int, errorType: String, errorMessage: String)
}

/// An event with what the runtime is told about it in headers (AWS Lambda Developer Guide, Runtime API, "Next
/// invocation").
///
/// An absent or empty value has no header; nor has one with a control character.
package struct RuntimeInvocation: Sendable, Equatable {
    package var requestID: String
    /// Milliseconds since 1970.
    package var deadlineMilliseconds: Int64
    package var invokedFunctionARN: String
    /// `Root=…;Parent=…;Sampled=…`.
    package var traceID: String?
    /// JSON text, decoded from the caller's base64.
    ///
    /// Line ends in it become blanks.
    package var clientContextJSON: String?
    package var cognitoIdentityJSON: String?
    package var payload: [UInt8]

    package init(
        requestID: String,
        deadlineMilliseconds: Int64,
        invokedFunctionARN: String,
        traceID: String? = nil,
        clientContextJSON: String? = nil,
        cognitoIdentityJSON: String? = nil,
        payload: [UInt8]
    ) {
        self.requestID = requestID
        self.deadlineMilliseconds = deadlineMilliseconds
        self.invokedFunctionARN = invokedFunctionARN
        self.traceID = traceID
        self.clientContextJSON = clientContextJSON
        self.cognitoIdentityJSON = cognitoIdentityJSON
        self.payload = payload
    }
}

/// Who decides what a runtime is told: the execution environment that the socket belongs to.
package protocol RuntimeAPIHandler: Sendable {
    /// Answers one call.
    ///
    /// Calls of one connection come one after the other, those of several connections at once. `next`, `restoreNext` and
    /// `extensionNext` may wait for ever; when their connection goes away their task is cancelled, and they must
    /// return soon (what they return is thrown away). Other calls are never cancelled.
    func answer(_ request: RuntimeAPIRequest) async -> RuntimeAPIAnswer
}
