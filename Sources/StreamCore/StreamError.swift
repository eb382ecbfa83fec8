// SPDX-License-Identifier: Apache-2.0

/// The caller of a stream's operation is told no: AWS's exception, and the text it carries.
package struct StreamError: Error, Equatable, Sendable {
    /// By the name that AWS's JSON protocol has for it.
    package enum Kind: String, Equatable, Sendable {
        case resourceNotFound = "ResourceNotFoundException"
        case resourceInUse = "ResourceInUseException"
        case invalidArgument = "InvalidArgumentException"
        case limitExceeded = "LimitExceededException"
        case expiredIterator = "ExpiredIteratorException"
        case expiredNextToken = "ExpiredNextTokenException"
        /// Beyond what this server takes, at once or in all.
        case provisionedThroughputExceeded = "ProvisionedThroughputExceededException"
        case validation = "ValidationException"
        case serialization = "SerializationException"
        case unknownOperation = "UnknownOperationException"
        case internalFailure = "InternalFailure"
    }

    package var kind: Kind
    package var message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    package var status: Int { kind == .internalFailure ? 500 : 400 }

    /// Characters of what a caller sent that come back in a text.
    package static let shownMax = 256

    package static func noStream(_ key: StreamKey) -> StreamError {
        noStream(key.name, accountID: key.accountID)
    }

    package static func noStream(_ name: String, accountID: String) -> StreamError {
        StreamError(.resourceNotFound, "Stream \(name.prefix(shownMax)) under account \(accountID) not found.")
    }

    package static func noShard(_ id: String, _ key: StreamKey) -> StreamError {
        StreamError(
            .resourceNotFound,
            "Could not find shard \(id.prefix(shownMax)) in stream \(key.name) under account \(key.accountID)."
        )
    }

    package static func argument(_ message: String) -> StreamError { StreamError(.invalidArgument, message) }
}
