// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import HTTPTypes
import Hummingbird
import LambdaModel
import Monitoring
import NIOCore

/// A request for CloudWatch, told by its target, by its path, or by what it is signed for.
struct CloudWatchRequest: Equatable {
    /// As a signature's scope has it.
    static let service = "monitoring"
    static let smithyProtocol = "rpc-v2-cbor"
    private static let pathPrefix = CloudWatchProtocol.path + "/operation/"

    var spoken: CloudWatchProtocol
    /// nil where the body has it.
    var operation: String?

    var name: String { operation.map { String($0.prefix(128)) } ?? "requested" }

    /// `isAlone`: operations that are not here are no other server's.
    init?(_ request: SigV4Request, target: String?, isAlone: Bool) {
        if let target {
            guard target.hasPrefix(CloudWatchProtocol.target) else { return nil }
            spoken = .json
            operation = String(target.dropFirst(CloudWatchProtocol.target.count))
        } else if request.path.hasPrefix(Self.pathPrefix) {
            spoken = .cbor
            operation = String(request.path.dropFirst(Self.pathPrefix.count))
        } else {
            // Of all requests of the API but few: the signature is read where it can be one of CloudWatch's.
            guard request.path == "/", StatedCredential(request)?.service == Self.service else { return nil }
            spoken = .query
        }
        guard isAlone || operation.map({ CloudWatchOperation(rawValue: $0) != nil }) ?? true else { return nil }
    }
}

extension LambdaAPI {
    /// Performs an operation of CloudWatch, with the caller's own policies asked first.
    func performCloudWatch(_ request: CloudWatchRequest, _ call: Call) async throws -> Response {
        guard call.request.method == .post else {
            throw CloudWatchError(.invalidAction, "\(call.request.method.rawValue) is not a method of CloudWatch's.")
        }
        var members = try request.spoken.input(call.body)
        var name = request.operation ?? ""
        if request.spoken == .query {
            name = members.removeValue(forKey: "Action")?.string ?? ""
            members.removeValue(forKey: "Version")
        }
        guard let operation = CloudWatchOperation(rawValue: name) else {
            throw CloudWatchError(
                .invalidAction,
                "CloudWatch's \(name.prefix(128)) is not available in this version of Martlet."
            )
        }
        try await authorize(call, [.init(operation.action)])
        let caller = CloudWatchCaller(accountID: call.caller.accountID, region: call.caller.region)
        let answer = try await metricsService.perform(operation, CloudWatchInput(members), caller)
        var headers: HTTPFields = [.contentType: request.spoken.contentType]
        if request.spoken == .cbor { headers[.smithyProtocol] = CloudWatchRequest.smithyProtocol }
        let bytes = request.spoken.bytes(of: answer, operation, requestID: call.requestID)
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
