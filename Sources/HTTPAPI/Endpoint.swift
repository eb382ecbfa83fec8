// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import LambdaModel

/// What a request's method, path and target ask for.
enum Endpoint: Equatable {
    case createFunction
    case listFunctions
    case getFunction(String)
    case deleteFunction(String)
    case getFunctionConfiguration(String)
    case updateFunctionConfiguration(String)
    case updateFunctionCode(String)
    case invoke(String)
    case stream(String)
    case filterLogEvents
    case usage
    case downloadCode(objectID: String)
    case health
    /// Of Lambda or CloudWatch Logs, but not in this version.
    case unavailable(operation: String)
    case unknown(String)

    private static let functions = "2015-03-31"
    private static let logsTarget = "Logs_20140328."

    /// Finds the endpoint.
    ///
    /// `path` is as on the request line, without the query; a slash at the end makes no difference. `target` is the
    /// `X-Amz-Target` header, by which JSON services name their operations.
    init(method: String, path: String, target: String?) {
        if let target {
            self = Self.json(method: method, path: path, target: target)
            return
        }
        let segments = path.utf8.split(separator: UInt8(ascii: "/")).map { segment in
            String(decoding: PercentEncoding.decodeBytes(Substring(segment)), as: UTF8.self)
        }
        switch (method, segments.count) {
        case ("POST", 4) where Self.isFunction(segments) && segments[3] == "invocations": self = .invoke(segments[2])
        case ("POST", 4)
        where segments[0] == "2021-11-15" && segments[1] == "functions" && !segments[2].isEmpty
            && segments[3] == "response-streaming-invocations":
            self = .stream(segments[2])
        case ("POST", 2) where Self.isFunctions(segments): self = .createFunction
        case ("GET", 2) where Self.isFunctions(segments): self = .listFunctions
        case ("GET", 3) where Self.isFunction(segments): self = .getFunction(segments[2])
        case ("DELETE", 3) where Self.isFunction(segments): self = .deleteFunction(segments[2])
        case ("GET", 4) where Self.isFunction(segments) && segments[3] == "configuration":
            self = .getFunctionConfiguration(segments[2])
        case ("PUT", 4) where Self.isFunction(segments) && segments[3] == "configuration":
            self = .updateFunctionConfiguration(segments[2])
        case ("PUT", 4) where Self.isFunction(segments) && segments[3] == "code":
            self = .updateFunctionCode(segments[2])
        case ("GET", 3) where path.hasPrefix(CodeLocation.pathPrefix): self = .downloadCode(objectID: segments[2])
        case ("GET", 2) where segments == ["_martlet", "usage"]: self = .usage
        case ("GET", 1) where segments == ["healthz"]: self = .health
        default:
            if let operation = OperationTable.operation(method: method, segments: segments) {
                self = .unavailable(operation: operation)
            } else {
                self = .unknown("Unable to determine the operation: \(method) \(path.prefix(256)) is none of Lambda's.")
            }
        }
    }

    private static func json(method: String, path: String, target: String) -> Endpoint {
        guard method == "POST", path == "/", target.hasPrefix(logsTarget) else {
            return .unknown("\(target.prefix(256)) is not served here: this is the API of AWS Lambda.")
        }
        let operation = target.dropFirst(logsTarget.count)
        return operation == "FilterLogEvents"
            ? .filterLogEvents : .unavailable(operation: "CloudWatch Logs \(operation.prefix(256))")
    }

    private static func isFunctions(_ segments: [String]) -> Bool {
        segments[0] == functions && segments[1] == "functions"
    }

    private static func isFunction(_ segments: [String]) -> Bool {
        isFunctions(segments) && !segments[2].isEmpty
    }

    /// The service that a signature's scope must name.
    var service: String { self == .filterLogEvents ? "logs" : "lambda" }

    /// AWS's name, for error texts.
    var operation: String {
        switch self {
        case .createFunction: "CreateFunction"
        case .listFunctions: "ListFunctions"
        case .getFunction: "GetFunction"
        case .deleteFunction: "DeleteFunction"
        case .getFunctionConfiguration: "GetFunctionConfiguration"
        case .updateFunctionConfiguration: "UpdateFunctionConfiguration"
        case .updateFunctionCode: "UpdateFunctionCode"
        case .invoke: "InvokeFunction"
        case .stream: "InvokeWithResponseStream"
        case .filterLogEvents: "FilterLogEvents"
        case .usage, .downloadCode, .health, .unknown: "requested"
        case .unavailable(let operation): operation
        }
    }

    /// Most bytes of a request's body.
    var bodyBytesMax: Int {
        switch self {
        case .createFunction, .updateFunctionCode: LimitsProfile.codeRequestBytesMax
        case .invoke, .stream: LimitsProfile.synchronousPayloadBytesMax
        default: 1_048_576
        }
    }
}
