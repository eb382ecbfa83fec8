// SPDX-License-Identifier: Apache-2.0

/// The caller of an operation of CloudWatch is told no: AWS's exception, and the text it carries.
package struct CloudWatchError: Error, Equatable, Sendable {
    package enum Kind: Sendable {
        case validation, invalidParameterValue, invalidParameterCombination, missingParameter, invalidNextToken
        case invalidAction, serialization
    }

    package var status: Int
    /// By the name that the model has for it.
    package var type: String
    /// By that of the Query protocol, by which all clients know it.
    package var code: String
    package var message: String

    package init(_ kind: Kind, _ message: String) {
        (status, self.message) = (400, message)
        (type, code) =
            switch kind {
            case .validation: ("ValidationException", "ValidationError")
            case .invalidParameterValue: ("InvalidParameterValueException", "InvalidParameterValue")
            case .invalidParameterCombination: ("InvalidParameterCombinationException", "InvalidParameterCombination")
            case .missingParameter: ("MissingRequiredParameterException", "MissingParameter")
            case .invalidNextToken: ("InvalidNextToken", "InvalidNextToken")
            case .invalidAction: ("InvalidAction", "InvalidAction")
            case .serialization: ("SerializationException", "MalformedInput")
            }
    }

    /// What is not CloudWatch's own: signatures, policies, sizes, and the machine.
    package init(_ status: Int, _ name: String, _ message: String) {
        (self.status, self.message) = (status, message)
        type = name == "ServiceException" ? "InternalServiceFault" : name
        code =
            switch name {
            case "ServiceException": "InternalServiceError"
            case "InvalidSignatureException": "SignatureDoesNotMatch"
            case "UnrecognizedClientException": "InvalidClientTokenId"
            default: name.hasSuffix("Exception") ? String(name.dropLast(9)) : name
            }
    }
}

/// CloudWatch's operations that are there.
package enum CloudWatchOperation: String, CaseIterable, Sendable {
    case getMetricData = "GetMetricData"
    case getMetricStatistics = "GetMetricStatistics"
    case listMetrics = "ListMetrics"

    /// The action under which IAM knows it.
    package var action: String { "cloudwatch:\(rawValue)" }
}

/// Who asks, where.
package struct CloudWatchCaller: Sendable {
    package var accountID: String
    package var region: String

    package init(accountID: String, region: String) {
        self.accountID = accountID
        self.region = region
    }
}
