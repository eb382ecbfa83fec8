// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import Hummingbird
import InvocationCore
import LambdaModel

/// `/_martlet/s3-events`: notifications of buckets become asynchronous invocations.
///
/// As on AWS the function's resource policy has to permit it: its principal is the service `s3.amazonaws.com`, `AWS:SourceArn` the bucket.
extension LambdaAPI {
    /// The URL that an S3 server is to be given for a function of the caller's account.
    func s3EventURL(_ call: Call, _ caller: Caller) async throws -> Response {
        let (function, qualifier) = try controlPlane.invoked(
            call.query["FunctionName"] ?? "",
            qualifier: call.qualifier,
            caller: caller
        )
        guard function.accountID == caller.accountID else {
            throw LambdaError.resourceNotFound(message: "Function not found: \(function.arn(qualifier: qualifier))")
        }
        _ = try await controlPlane.invocable(function, qualifier: qualifier)
        let path = controlPlane.s3Events.path(of: function.arn(qualifier: qualifier))
        return Self.json(.object(["Url": .string(try origin(of: call.request) + path)]))
    }

    /// Throws for a path that was not made here: before a byte of the body is waited for.
    func checkS3Event(_ arn: String, token: String) throws(LambdaError) {
        guard controlPlane.s3Events.isToken(token, of: arn) else { throw Self.unknownPath }
    }

    /// Gives a notification to its function, whose path was checked; it is durable when this returns.
    func takeS3Event(_ arn: String, _ call: Call) async throws -> Response {
        guard let (function, qualifier) = ARN(arn)?.function else { throw Self.unknownPath }
        let notification = try S3Notification(parsing: call.body, region: function.region)
        let policy = try await controlPlane.resourcePolicy(of: function, qualifier: qualifier)
        for bucket in notification.buckets.sorted() {
            let source = S3Notification.arn(ofBucket: bucket)
            let request = AccessRequest(
                principal: .service("s3.amazonaws.com"),
                action: "lambda:InvokeFunction",
                resource: arn,
                context: ["aws:SourceArn": [source], "aws:SourceAccount": [function.accountID]]
            )
            guard policy.decision(on: request) == .allow else {
                throw Self.denied(
                    "the function's policy does not permit s3.amazonaws.com to invoke it for \(source); AddPermission does."
                )
            }
        }
        let payload = notification.event.bytes
        try Self.check(payload, bytesMax: LimitsProfile.eventPayloadBytesMax, "InvokeFunction")
        try await accept(
            InvocationRequest(
                requestID: call.requestID,
                function: function,
                qualifier: qualifier,
                payload: payload
            )
        )
        return Self.response(nil, status: .ok)
    }

    private static var unknownPath: LambdaError { denied("the path is none that 'martlet s3-url' has shown.") }

    private static func denied(_ reason: String) -> LambdaError {
        .accessDenied(name: "AccessDeniedException", message: "The notification is not taken: \(reason)")
    }
}
