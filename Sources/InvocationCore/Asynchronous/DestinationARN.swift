// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// What a destination or a dead-letter queue is named by: `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE`.
package struct DestinationARN: Hashable, Sendable {
    package enum Service: String, CaseIterable, Sendable {
        case lambda, sqs, sns, events, s3

        /// As texts for people name it.
        package var title: String {
            switch self {
            case .lambda: "Lambda"
            case .sqs: "SQS"
            case .sns: "SNS"
            case .events: "EventBridge"
            case .s3: "S3"
            }
        }
    }

    package var text: String
    package var service: Service
    private var arn: ARN

    /// Empty for a bucket's.
    package var region: String { arn.region }
    /// Empty for a bucket's.
    package var accountID: String { arn.accountID }
    /// All that follows: `orders`, `event-bus/default`, `function:f:live`.
    package var resource: String { arn.resource }

    /// nil for what names nothing that could be sent to.
    package init?(_ text: String) {
        guard let arn = ARN(text), let service = Service(rawValue: arn.service) else { return nil }
        self.text = text
        self.service = service
        self.arn = arn
    }

    /// Lambda sends to standard queues and topics only (AWS Lambda Developer Guide, "Capturing records").
    package var isFIFO: Bool { (service == .sqs || service == .sns) && resource.hasSuffix(".fifo") }

    /// The function and, where the ARN has one, its version or alias; nil for other services.
    package var function: (key: FunctionKey, qualifier: String?)? { arn.function }
}
