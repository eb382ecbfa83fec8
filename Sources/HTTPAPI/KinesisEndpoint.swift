// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import HTTPTypes
import Hummingbird
import LambdaModel
import NIOCore
import StreamCore
import Streams

/// A request for Kinesis Data Streams, told by its target or by what it is signed for.
struct StreamRequest: Equatable {
    private static let prefix = "Kinesis_20131202."
    /// Ten mebibytes of data in base64, and 500 partition keys of 256 characters, all of them escaped.
    static let bodyBytesMax = 16 << 20

    /// As `X-Amz-Target` has it; nil where there is none.
    var operation: String?

    var name: String { operation.map { String($0.prefix(128)) } ?? "requested" }

    init?(_ request: SigV4Request, target: String?) {
        if let target {
            guard target.hasPrefix(Self.prefix) else { return nil }
            operation = String(target.dropFirst(Self.prefix.count))
        } else {
            guard StatedCredential(request)?.service == "kinesis" else { return nil }
        }
    }
}

extension LambdaAPI {
    /// Performs an operation of Kinesis, with the caller's own policies asked first.
    func performStream(_ request: StreamRequest, _ call: Call) async throws -> Response {
        guard let streams else {
            preconditionFailure("requests for streams are told apart where there are streams")
        }
        guard let name = request.operation, let operation = StreamOperation(rawValue: name) else {
            throw StreamError(.unknownOperation, "\(request.name) is none of Kinesis's operations.")
        }
        guard call.request.method == .post else {
            throw StreamError(.unknownOperation, "Kinesis's protocol has no method but POST.")
        }
        guard call.request.headers[.contentType]?.hasPrefix("application/x-amz-cbor") != true else {
            throw StreamError(
                .serialization,
                "CBOR is not available in this version of Martlet: let the SDK speak JSON (AWS_CBOR_DISABLE=true, or "
                    + "-Daws.cborEnabled=false)."
            )
        }
        let input = try StreamInput(body: call.body)
        let caller = StreamCaller(accountID: call.caller.accountID, region: call.caller.region)
        try await authorize(call, streams.access(operation, input, caller).map { .init($0.action, $0.resource) })
        var response = Response(status: .ok, headers: [.contentType: "application/x-amz-json-1.1"])
        if let answer = try await streams.perform(operation, input, caller) {
            response.body = .init(byteBuffer: ByteBuffer(bytes: answer.bytes))
        }
        return response
    }
}
