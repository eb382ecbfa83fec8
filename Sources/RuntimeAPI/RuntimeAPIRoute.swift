// SPDX-License-Identifier: Apache-2.0
import NIOHTTP1

/// Where a request goes, decided from method, path and headers alone.
enum RuntimeAPIRoute: Equatable {
    case next
    case response(id: String, streamed: Bool)
    case error(id: String)
    case initError
    case restoreNext
    case restoreError
    case registerExtension
    case extensionNext
    case extensionError(isInit: Bool)
    case subscribe(isLogs: Bool)
    /// Answered here, without the handler.
    case immediate(HTTPAnswer)

    /// Longest request target, in bytes.
    static let targetBytesMax = 8 * 1_024

    private static let version = "/2018-06-01/"
    private static let extensionVersion = "/2020-01-01/extension/"

    /// True for the calls that wait until there is something to say.
    var isPoll: Bool { self == .next || self == .restoreNext || self == .extensionNext }

    /// True for a response whose body is handed on as it arrives.
    var isStreamed: Bool {
        if case .response(_, streamed: true) = self { true } else { false }
    }

    init(_ head: HTTPRequestHead) {
        guard head.uri.utf8.count <= Self.targetBytesMax else {
            self = .immediate(.empty(414, closes: true))
            return
        }
        let path = Self.path(of: head.uri)
        let found =
            if let subscription = Self.subscription(path) {
                subscription
            } else if path.hasPrefix(Self.extensionVersion) {
                Self.extensionEndpoint(path.dropFirst(Self.extensionVersion.count))
            } else if path.hasPrefix(Self.version) {
                Self.endpoint(path.dropFirst(Self.version.count), head)
            } else {
                nil as (method: HTTPMethod, route: RuntimeAPIRoute)?
            }
        guard let found else {
            self = .immediate(.notFound)
            return
        }
        self = found.method == head.method ? found.route : .immediate(.empty(405))
    }

    private static func endpoint(
        _ path: Substring,
        _ head: HTTPRequestHead
    ) -> (method: HTTPMethod, route: RuntimeAPIRoute)? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        switch (parts.count, parts.first, parts.dropFirst().first, parts.last) {
        case (1, "ping", _, _): return (.GET, .immediate(.pong))
        case (3, "runtime", "invocation", "next"): return (.GET, .next)
        case (3, "runtime", "init", "error"): return (.POST, .initError)
        case (3, "runtime", "restore", "next"): return (.GET, .restoreNext)
        case (3, "runtime", "restore", "error"): return (.POST, .restoreError)
        case (4, "runtime", "invocation", "response") where !parts[2].isEmpty:
            return (.POST, response(id: String(parts[2]), head.headers))
        case (4, "runtime", "invocation", "error") where !parts[2].isEmpty:
            return (.POST, .error(id: String(parts[2])))
        default: return nil
        }
    }

    private static func extensionEndpoint(_ path: Substring) -> (method: HTTPMethod, route: RuntimeAPIRoute)? {
        switch path {
        case "register": (.POST, .registerExtension)
        case "event/next": (.GET, .extensionNext)
        case "init/error": (.POST, .extensionError(isInit: true))
        case "exit/error": (.POST, .extensionError(isInit: false))
        default: nil
        }
    }

    /// The guide writes these with and without a slash at the end.
    private static func subscription(_ path: Substring) -> (method: HTTPMethod, route: RuntimeAPIRoute)? {
        switch path.hasSuffix("/") ? path.dropLast() : path {
        case "/2020-08-15/logs": (.PUT, .subscribe(isLogs: true))
        case "/2022-07-01/telemetry": (.PUT, .subscribe(isLogs: false))
        default: nil
        }
    }

    private static func response(id: String, _ headers: HTTPHeaders) -> RuntimeAPIRoute {
        switch headers.first(name: "Lambda-Runtime-Function-Response-Mode")?.lowercased() {
        case nil, "": .response(id: id, streamed: false)
        case "streaming": .response(id: id, streamed: true)
        default:
            .immediate(
                .refused(
                    400,
                    errorType: "InvalidFunctionResponseMode",
                    errorMessage: "Invalid function response mode"
                )
            )
        }
    }

    /// The path of an origin-form (`/a?b`) or absolute-form (`http://host/a`) request target.
    private static func path(of target: String) -> Substring {
        var rest = target[...]
        if rest.hasPrefix("http://") {
            rest = rest.dropFirst("http://".count).drop { $0 != "/" }
        }
        return rest.prefix { $0 != "?" && $0 != "#" }
    }
}
