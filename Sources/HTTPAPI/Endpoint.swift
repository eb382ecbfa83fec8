// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import LambdaModel
import Logs

/// What a request's method, path and target ask for.
enum Endpoint: Equatable {
    case lambda(LambdaOperation, labels: [String: String])
    /// Of CloudWatch Logs.
    case logs(LogsOperation)
    case usage
    case metrics
    case environments
    case putBudget(name: String)
    case listBudgets
    case deleteBudget(name: String)
    case createAccessKey
    case listAccessKeys
    case deleteAccessKey(id: String)
    case downloadCode(objectID: String)
    case s3EventURL
    case s3Event(functionARN: String, token: String)
    case health
    /// Of a service that is not here, to be passed on.
    case elsewhere(ForeignService)
    /// Of SQS, which is here.
    case queue(QueueRequest)
    /// Of Kinesis Data Streams, which are here.
    case stream(StreamRequest)
    /// Of EventBridge or its Scheduler, which are here.
    case schedule(ScheduleRequest)
    /// Of CloudWatch, of which a part is here.
    case cloudWatch(CloudWatchRequest)
    /// Of CloudWatch Logs, but not in this version.
    case unavailable(operation: String)
    case unknown(String)

    private static let logsTarget = "Logs_20140328."

    /// Finds the endpoint.
    ///
    /// `path` is as on the request line, `query` what is after its question mark; a slash at the end makes no difference. `target` is the
    /// `X-Amz-Target` header, by which JSON services name their operations.
    init(method: String, path: String, query: QueryParameters, target: String?) {
        if let target {
            self = Self.json(method: method, path: path, target: target)
            return
        }
        let segments = path.utf8.split(separator: UInt8(ascii: "/")).map { segment in
            String(decoding: PercentEncoding.decodeBytes(Substring(segment)), as: UTF8.self)
        }
        if let (operation, labels) = LambdaOperation.find(method: method, segments: segments, query: query) {
            self = .lambda(operation, labels: labels)
            return
        }
        switch (method, segments.count) {
        case ("GET", 3) where path.hasPrefix(CodeLocation.pathPrefix): self = .downloadCode(objectID: segments[2])
        case ("GET", 2) where segments == ["_martlet", "usage"]: self = .usage
        case ("GET", 1) where segments == ["metrics"]: self = .metrics
        case ("GET", 2) where segments == ["_martlet", "environments"]: self = .environments
        case ("PUT", 3) where segments.starts(with: ["_martlet", "budgets"]): self = .putBudget(name: segments[2])
        case ("GET", 2) where segments == ["_martlet", "budgets"]: self = .listBudgets
        case ("DELETE", 3) where segments.starts(with: ["_martlet", "budgets"]):
            self = .deleteBudget(name: segments[2])
        case ("POST", 2) where segments == ["_martlet", "keys"]: self = .createAccessKey
        case ("GET", 2) where segments == ["_martlet", "keys"]: self = .listAccessKeys
        case ("DELETE", 3) where segments.starts(with: ["_martlet", "keys"]): self = .deleteAccessKey(id: segments[2])
        case ("GET", 2) where segments == S3EventAddress.segments: self = .s3EventURL
        case ("POST", 4) where segments.starts(with: S3EventAddress.segments):
            self = .s3Event(functionARN: segments[2], token: segments[3])
        case ("GET", 1) where segments == ["healthz"]: self = .health
        default:
            self = .unknown("Unable to determine the operation: \(method) \(path.prefix(256)) is none of Lambda's.")
        }
    }

    private static func json(method: String, path: String, target: String) -> Endpoint {
        guard method == "POST", path == "/", target.hasPrefix(logsTarget) else {
            return .unknown("\(target.prefix(256)) is not served here: this is the API of AWS Lambda.")
        }
        let operation = target.dropFirst(logsTarget.count)
        return LogsOperation(rawValue: String(operation)).map(Endpoint.logs)
            ?? .unavailable(operation: "CloudWatch Logs' \(operation.prefix(256))")
    }

    /// AWS's name, for error texts.
    var operation: String {
        switch self {
        case .lambda(.invoke, _): "InvokeFunction"
        case .lambda(let operation, _): operation.rawValue
        case .logs(let operation): operation.rawValue
        case .usage, .metrics, .environments, .putBudget, .listBudgets, .deleteBudget, .createAccessKey,
            .listAccessKeys, .deleteAccessKey, .downloadCode, .s3EventURL,
            .s3Event, .health, .unknown, .elsewhere:
            "requested"
        case .queue(let request): request.name
        case .stream(let request): request.name
        case .schedule(let request): request.name
        case .cloudWatch(let request): request.name
        case .unavailable(let operation): operation
        }
    }

    /// Most bytes of a request's body.
    var bodyBytesMax: Int {
        switch self {
        case .lambda(.createFunction, _), .lambda(.updateFunctionCode, _), .lambda(.publishLayerVersion, _):
            LimitsProfile.codeRequestBytesMax
        case .lambda(.invoke, _), .lambda(.invokeWithResponseStream, _): LimitsProfile.synchronousPayloadBytesMax
        case .queue: QueueRequest.bodyBytesMax
        case .stream: StreamRequest.bodyBytesMax
        case .schedule: ScheduleRequest.bodyBytesMax
        case .logs: LambdaAPI.logsBodyBytesMax
        // DynamoDB's largest.
        case .elsewhere: 16 << 20
        default: 1_048_576
        }
    }
}
