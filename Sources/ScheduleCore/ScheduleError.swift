// SPDX-License-Identifier: Apache-2.0

/// The caller of an operation on schedules or rules is told no: AWS's exception, and the text it carries.
package struct ScheduleError: Error, Equatable, Sendable {
    package enum Kind: String, Sendable {
        case validation = "ValidationException"
        case notFound = "ResourceNotFoundException"
        case conflict = "ConflictException"
        case quotaExceeded = "ServiceQuotaExceededException"
        case throttled = "ThrottlingException"
        case internalServer = "InternalServerException"
        /// EventBridge's own.
        case limitExceeded = "LimitExceededException"
        case invalidEventPattern = "InvalidEventPatternException"
        case serialization = "SerializationException"
    }

    package var kind: Kind
    package var message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// Of the REST protocol; the other one has 400 for whatever the caller did.
    package var status: Int {
        switch kind {
        case .validation, .limitExceeded, .invalidEventPattern, .serialization: 400
        case .quotaExceeded: 402
        case .notFound: 404
        case .conflict: 409
        case .throttled: 429
        case .internalServer: 500
        }
    }
}
