// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import HTTPTypes
import Hummingbird
import LambdaModel
import NIOCore
import ScheduleCore
import Schedules

/// A request for EventBridge, told by its target, or for EventBridge Scheduler, told by its path and by what it is signed for.
enum ScheduleRequest: Equatable {
    /// As `X-Amz-Target` has the operation.
    case rule(operation: String)
    case schedule(ScheduleOperation, label: String?)
    /// Signed for the Scheduler, but none of its operations.
    case unknown(method: String, path: String)

    private static let prefix = "AWSEvents."
    private static let services: (rules: String, schedules: String) = ("events", "scheduler")
    /// An input of a mebibyte, most of it escaped.
    static let bodyBytesMax = 4 << 20

    var isOfRules: Bool { if case .rule = self { true } else { false } }

    /// As a signature's scope has it.
    var service: String { isOfRules ? Self.services.rules : Self.services.schedules }

    var name: String {
        switch self {
        case .rule(let operation): String(operation.prefix(128))
        case .schedule(let operation, _): operation.rawValue
        case .unknown: "requested"
        }
    }

    init?(_ request: SigV4Request, target: String?) {
        if let target {
            guard target.hasPrefix(Self.prefix) else { return nil }
            self = .rule(operation: String(target.dropFirst(Self.prefix.count)))
            return
        }
        let stated = StatedCredential(request)?.service
        guard stated == nil || stated == Self.services.schedules else { return nil }
        let segments = request.path.utf8.split(separator: UInt8(ascii: "/")).map { segment in
            String(decoding: PercentEncoding.decodeBytes(Substring(segment)), as: UTF8.self)
        }
        if let (operation, label) = ScheduleOperation.find(method: request.method, segments: segments) {
            self = .schedule(operation, label: label)
        } else {
            guard stated != nil else { return nil }
            self = .unknown(method: request.method, path: request.path)
        }
    }
}

extension LambdaAPI {
    /// Performs an operation on schedules or rules, with the caller's own policies asked first.
    func performSchedules(_ request: ScheduleRequest, _ call: Call) async throws -> Response {
        guard let schedules else {
            preconditionFailure("requests for schedules are told apart where there are schedules")
        }
        let caller = ScheduleCaller(accountID: call.caller.accountID, region: call.caller.region)
        switch request {
        case .unknown(let method, let path):
            throw LambdaError.unknownOperation(
                message: "\(method) \(path.prefix(256)) is none of EventBridge Scheduler's operations."
            )
        case .schedule(let operation, let label):
            let input = try operation.input(label: label, query: call.query, body: call.body)
            let access = operation.access(input, accountID: caller.accountID, region: caller.region)
            let hasTarget = operation == .createSchedule || operation == .updateSchedule
            try await authorize(call, access, uses: hasTarget ? input.uses(ofRule: false) : [], request.service)
            return Self.json(try await schedules.perform(operation, input, caller))
        case .rule(let name):
            guard let operation = RuleOperation(rawValue: name) else {
                throw LambdaError.unknownOperation(
                    message: "EventBridge's \(name.prefix(128)) is not available in this version of Martlet."
                )
            }
            guard call.request.method == .post else {
                throw ScheduleError(.serialization, "EventBridge's protocol has no method but POST.")
            }
            let input = try ScheduleInput(body: call.body)
            let access = operation.access(input, accountID: caller.accountID, region: caller.region)
            let hasTarget = operation == .putRule || operation == .putTargets
            try await authorize(call, access, uses: hasTarget ? input.uses(ofRule: true) : [], request.service)
            var response = Response(status: .ok, headers: [.contentType: "application/x-amz-json-1.1"])
            if let answer = try await schedules.perform(operation, input, caller) {
                response.body = .init(byteBuffer: ByteBuffer(bytes: answer.bytes))
            }
            return response
        }
    }

    private func authorize(
        _ call: Call,
        _ access: (action: String, resource: String),
        uses: [(action: String, arn: String)],
        _ service: String
    ) async throws {
        let passed = ["iam:PassedToService": ["\(service).amazonaws.com"]]
        let others = uses.map { use in
            OperationAccess(use.action, use.arn, context: use.action == "iam:PassRole" ? passed : [:])
        }
        try await authorize(call, [OperationAccess(access.action, access.resource)] + others)
    }
}
