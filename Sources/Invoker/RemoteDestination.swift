// SPDX-License-Identifier: Apache-2.0
package import AWSClient
import InvocationCore
import LambdaModel

/// Destinations of one service behind an endpoint of AWS's protocols.
package struct RemoteDestination: DestinationService {
    /// All that is read of an answer.
    static let answerBytesMax = 1 << 20

    private let client: ServiceClient

    /// `client` gives up within a minute, and tries no request twice: who sends decides that.
    package init(client: ServiceClient) { self.client = client }

    package func deliver(_ message: DestinationMessage) async throws(DeliveryFailure) {
        guard let request = Self.request(message, endpoint: client.endpoint.url) else {
            throw DeliveryFailure(reason: "\(message.target.text) can't be sent to", mayPass: false)
        }
        do {
            let answer = try await client.perform(request, bytesMax: Self.answerBytesMax)
            if message.target.service == .events { try ServiceRequest.checkEntries(answer) }
        } catch let failure as ServiceFailure {
            throw DeliveryFailure(reason: Self.reason(failure, message), mayPass: failure.mayPass)
        } catch {
            throw DeliveryFailure(reason: "\(error)", mayPass: true)
        }
    }

    private static func reason(_ failure: ServiceFailure, _ message: DestinationMessage) -> String {
        let service = message.target.service.title
        return switch failure {
        case .refused(let status, let code, let text):
            "\(service) answered \(status), \(code): \(text.hasSuffix(".") ? String(text.dropLast()) : text)"
        case .tooLarge: "\(service) answered with more than \(answerBytesMax) bytes"
        case .unreachable: "\(service) could not be reached"
        }
    }

    /// nil for what is no destination.
    static func request(_ message: DestinationMessage, endpoint: String) -> ServiceRequest? {
        let target = message.target
        var resource = ServiceResource(
            arn: target.text,
            region: target.region,
            accountID: target.accountID,
            name: target.resource
        )
        switch target.service {
        case .lambda: return nil
        case .sqs:
            return .sendMessage(
                message.body,
                to: resource,
                at: endpoint,
                attributes: attributes(message),
                traceHeader: message.traceHeader
            )
        case .sns:
            return .publish(
                message.body,
                to: resource,
                attributes: attributes(message),
                traceHeader: message.traceHeader
            )
        case .events:
            guard case .record(let isSuccess) = message.content, target.resource.hasPrefix(busPrefix) else {
                return nil
            }
            resource.name = String(target.resource.dropFirst(busPrefix.count))
            let entry = BusEntry(
                source: "lambda",
                detailType: "Lambda Function Invocation Result - \(isSuccess ? "Success" : "Failure")",
                detail: message.body,
                resources: [target.text, message.functionARN]
            )
            return .putEvent(entry, on: resource, traceHeader: message.traceHeader)
        case .s3:
            return .putObject(
                S3Object(bucket: target.resource, key: objectKey(message)),
                json: message.body,
                traceHeader: message.traceHeader
            )
        }
    }

    private static let busPrefix = "event-bus/"

    /// What SQS and SNS get beside a message's body.
    package static func attributes(_ message: DestinationMessage) -> [MessageAttribute] {
        guard case .deadLetter(let errorCode, let errorMessage) = message.content else { return [] }
        return [
            MessageAttribute("RequestID", .string, message.requestID),
            MessageAttribute("ErrorCode", .number, String(errorCode)),
            MessageAttribute("ErrorMessage", .string, errorMessage),
        ]
    }

    /// `aws/lambda/async/NAME/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-UUID`; of a stream's records, `MAPPING/SHARD` for `async/NAME`.
    static func objectKey(_ message: DestinationMessage) -> String {
        let second = String(message.created.iso8601().prefix(19))
        let day = second.prefix(10).replacing("-", with: "/")
        return "aws/lambda/\(message.objectFolder)/\(day)/\(second.replacing(":", with: "."))-\(message.id)"
    }
}
