// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import HTTPTypes
import Hummingbird
import InvocationCore
import LambdaModel
import NIOCore
import QueueCore
import Queues

/// A request for SQS, told by its target or by what it is signed for.
struct QueueRequest: Equatable {
    private static let prefix = "AmazonSQS."
    /// A message of a mebibyte, or a batch of as much, has three times its size at the most when all of it is escaped; attributes in base64 less.
    static let bodyBytesMax = 4 << 20

    /// As `X-Amz-Target` has it; nil for the older Query protocol.
    var operation: String?

    /// Whether it is of the protocol that is spoken here.
    var isSpoken: Bool { operation != nil }

    var name: String { operation.map { String($0.prefix(128)) } ?? "requested" }

    init?(_ request: SigV4Request, target: String?) {
        if let target {
            guard target.hasPrefix(Self.prefix) else { return nil }
            operation = String(target.dropFirst(Self.prefix.count))
        } else {
            guard StatedCredential(request)?.service == "sqs" else { return nil }
        }
    }
}

extension LambdaAPI {
    /// Performs an operation of SQS, with the caller's own policies asked first.
    func performQueue(_ request: QueueRequest, _ call: Call) async throws -> Response {
        guard let queues else { preconditionFailure("requests for queues are told apart where there are queues") }
        guard let name = request.operation else {
            throw LambdaError.unknownOperation(
                message:
                    "SQS's Query protocol is not available in this version of Martlet: use an SDK that speaks its JSON "
                    + "protocol, as all do since the end of 2023."
            )
        }
        guard call.request.method == .post else {
            throw QueueError(.invalidAction, "\(call.request.method.rawValue) is not a method of SQS's JSON protocol.")
        }
        guard let operation = QueueOperation(rawValue: name) else {
            throw QueueError(.invalidAction, "The action \(name.prefix(128)) is not valid for this endpoint.")
        }
        let input = try QueueInput(body: call.body)
        let caller = call.caller
        let grant = try await authorize(operation, input, call)
        let who = QueueCaller(
            accountID: caller.accountID,
            region: caller.region,
            senderID: caller.identity == .root(of: caller.accountID) ? caller.accountID : caller.identity.arn,
            origin: try origin(of: call.request),
            grant: grant
        )
        let answer: JSONValue?
        if operation == .receiveMessage, let connection = call.connection {
            do {
                answer = try await connection.whileConnected { try await queues.perform(operation, input, who) }
            } catch is ClientGone {
                // Whoever ended only its own side is told that nothing came.
                answer = .object([:])
            }
        } else {
            answer = try await queues.perform(operation, input, who)
        }
        var response = Response(status: .ok, headers: [.contentType: "application/x-amz-json-1.0"])
        if let answer { response.body = .init(byteBuffer: ByteBuffer(bytes: answer.bytes)) }
        return response
    }

    /// What a queue's policy says: of what is its owner's, only what it denies counts.
    ///
    /// One that is not understood may deny anything: until it is set anew, it does, and it grants nothing.
    private static func decision(
        of policy: String,
        on request: AccessRequest,
        _ operation: QueueOperation,
        isOwn: Bool
    ) -> AccessDecision {
        guard let policy = try? PolicyDocument.parse(Array(policy.utf8), isOfResource: true) else {
            let mends = operation == .getQueueAttributes || operation == .setQueueAttributes
            return isOwn && !mends ? .explicitDeny : .noMatch
        }
        let decision = policy.decision(on: request)
        return operation.isShared || decision == .explicitDeny ? decision : .noMatch
    }

    /// By the caller's own policies and, where they don't decide, the queue's.
    ///
    /// - Returns: a queue of another account that both let the caller use; without, it does not exist for the caller.
    private func authorize(_ operation: QueueOperation, _ input: QueueInput, _ call: Call) async throws -> QueueKey? {
        let caller = call.caller
        guard let queues,
            let key = operation.queue(input, accountID: caller.accountID, region: caller.region)
        else {
            let resource = operation.resource(input, accountID: caller.accountID, region: caller.region)
            try await authorize(call, [.init(operation.action, resource)])
            return nil
        }
        let isOwn = key.accountID == caller.accountID
        // Most keys have no policy, and then there is nothing to find out.
        guard caller.policy != nil || !isOwn else { return nil }
        let request = AccessRequest(
            principal: .identity(caller.identity),
            action: operation.action,
            resource: key.arn,
            context: globalContext(caller, call.request, from: call.clientAddress)
        )
        let identity = caller.decision(on: request)
        var shared = AccessDecision.noMatch
        if identity != .explicitDeny, let text = try await queues.policy(of: key) {
            shared = Self.decision(of: text, on: request, operation, isOwn: isOwn)
        }
        guard let refusal = AccessDecision.refusal(identity: identity, resource: shared, sameAccount: isOwn) else {
            return isOwn ? nil : key
        }
        guard refusal != .noResourcePolicy else { return nil }
        throw caller.denied(operation.action, on: key.arn, refusal.reason(action: operation.action))
    }
}
