// SPDX-License-Identifier: Apache-2.0

/// The caller of an operation on logs is told no: AWS's exception, and the text it carries.
package struct LogsError: Error, Equatable, Sendable {
    /// By the name that AWS's JSON protocol has for it.
    package enum Kind: String, Equatable, Sendable {
        case invalidParameter = "InvalidParameterException"
        case resourceNotFound = "ResourceNotFoundException"
        case resourceAlreadyExists = "ResourceAlreadyExistsException"
        case limitExceeded = "LimitExceededException"
        case tooManyTags = "TooManyTagsException"
        case serialization = "SerializationException"
        case unknownOperation = "UnknownOperationException"
        /// Beyond what this server takes, now or at all.
        case serviceUnavailable = "ServiceUnavailableException"
    }

    package var kind: Kind
    package var message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    package var status: Int { kind == .serviceUnavailable ? 503 : 400 }

    static func parameter(_ message: String) -> LogsError { LogsError(.invalidParameter, message) }

    static let noGroup = LogsError(.resourceNotFound, "The specified log group does not exist.")
    static let noStream = LogsError(.resourceNotFound, "The specified log stream does not exist.")
}
