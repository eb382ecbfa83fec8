// SPDX-License-Identifier: Apache-2.0

/// The caller of a queue's operation is told no: AWS's exception, and the text it carries.
package struct QueueError: Error, Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        case queueDoesNotExist
        case queueNameExists
        case invalidAttributeName
        case invalidAttributeValue
        case invalidParameterValue
        case missingParameter
        case invalidMessageContents
        case receiptHandleIsInvalid
        case messageNotInflight
        case overLimit
        case purgeQueueInProgress
        case emptyBatchRequest
        case tooManyEntriesInBatchRequest
        case batchEntryIdsNotDistinct
        case invalidBatchEntryId
        case batchRequestTooLong
        case unsupportedOperation
        case invalidAction
        case malformedInput
        /// Beyond what this server takes at once; worth trying again.
        case requestThrottled
        case internalError
    }

    package var kind: Kind
    package var message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// How an exception is written down in AWS's JSON protocol.
    package struct Wire: Equatable, Sendable {
        package var status: Int
        /// With its namespace, as `__type` has it.
        package var type: String
        /// Of the older Query protocol, by which boto3 and others still name errors.
        package var queryCode: String
    }

    package var wire: Wire {
        func own(_ name: String, _ code: String? = nil, _ status: Int = 400) -> Wire {
            Wire(status: status, type: "com.amazonaws.sqs#\(name)", queryCode: code ?? name)
        }
        func general(_ name: String, _ code: String, _ status: Int = 400) -> Wire {
            Wire(status: status, type: "com.amazon.coral.service#\(name)", queryCode: code)
        }
        func simple(_ name: String, _ status: Int = 400) -> Wire {
            own(name, "AWS.SimpleQueueService.\(name)", status)
        }
        switch kind {
        case .queueDoesNotExist: return own("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue")
        case .queueNameExists: return own("QueueNameExists", "QueueAlreadyExists")
        case .invalidAttributeName: return own("InvalidAttributeName")
        case .invalidAttributeValue: return own("InvalidAttributeValue")
        case .invalidParameterValue: return general("InvalidParameterValueException", "InvalidParameterValue")
        case .missingParameter: return general("MissingRequiredParameterException", "MissingParameter")
        case .invalidMessageContents: return own("InvalidMessageContents")
        case .receiptHandleIsInvalid: return own("ReceiptHandleIsInvalid", nil, 404)
        case .messageNotInflight: return simple("MessageNotInflight")
        case .overLimit: return own("OverLimit", nil, 403)
        case .purgeQueueInProgress: return simple("PurgeQueueInProgress", 403)
        case .emptyBatchRequest: return simple("EmptyBatchRequest")
        case .tooManyEntriesInBatchRequest: return simple("TooManyEntriesInBatchRequest")
        case .batchEntryIdsNotDistinct: return simple("BatchEntryIdsNotDistinct")
        case .invalidBatchEntryId: return simple("InvalidBatchEntryId")
        case .batchRequestTooLong: return simple("BatchRequestTooLong")
        case .unsupportedOperation: return simple("UnsupportedOperation")
        case .invalidAction: return general("UnknownOperationException", "InvalidAction")
        case .malformedInput: return general("SerializationException", "MalformedInput")
        case .requestThrottled: return own("RequestThrottled", nil, 403)
        case .internalError: return general("InternalFailure", "InternalFailure", 500)
        }
    }

    package var isSenderFault: Bool { wire.status < 500 }

    package static let noQueue = QueueError(.queueDoesNotExist, "The specified queue does not exist.")

    /// Characters of what a caller sent that come back in a text.
    private static let shownMax = 1_024

    package static func missing(_ parameter: String) -> QueueError {
        QueueError(.missingParameter, "The request must contain the parameter \(parameter).")
    }

    package static func value(_ value: String, _ parameter: String, _ reason: String) -> QueueError {
        QueueError(
            .invalidParameterValue,
            "Value \(value.prefix(Self.shownMax)) for parameter \(parameter) is invalid. Reason: \(reason)"
        )
    }

    package static func wrongType(_ value: String, _ parameter: String) -> QueueError {
        .value(value, parameter, "The request include parameter that is not valid for this queue type.")
    }

    package static func attribute(_ name: String) -> QueueError {
        QueueError(.invalidAttributeValue, "Invalid value for the parameter \(name).")
    }

    package static func badHandle(_ handle: String) -> QueueError {
        QueueError(
            .receiptHandleIsInvalid,
            "The input receipt handle \"\(handle.prefix(shownMax))\" is not a valid receipt handle."
        )
    }
}
