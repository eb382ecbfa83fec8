// SPDX-License-Identifier: Apache-2.0

/// A subscription that was accepted.
package struct TelemetrySubscription: Equatable, Sendable {
    package var schema: TelemetrySchema
    /// In the order asked for.
    package var categories: [TelemetryCategory]
    package var buffering: TelemetryBuffering
    package var destination: TelemetryDestination

    package init(
        schema: TelemetrySchema,
        categories: [TelemetryCategory],
        buffering: TelemetryBuffering = TelemetryBuffering(),
        destination: TelemetryDestination
    ) {
        self.schema = schema
        self.categories = categories
        self.buffering = buffering
        self.destination = destination
    }
}

/// When a batch is sent: whichever comes first.
package struct TelemetryBuffering: Equatable, Sendable {
    static let itemsRange = 1_000...10_000
    static let bytesRange = 262_144...1_048_576
    static let timeoutRange = 25...30_000

    package var itemsMax = 10_000
    package var bytesMax = 262_144
    /// From the first event on.
    package var timeout = Duration.seconds(1)

    package init(itemsMax: Int = 10_000, bytesMax: Int = 262_144, timeout: Duration = .seconds(1)) {
        self.itemsMax = itemsMax
        self.bytesMax = bytesMax
        self.timeout = timeout
    }
}

/// A port on the sandbox's loopback, and how it is spoken to.
package enum TelemetryDestination: Equatable, Sendable {
    /// `method` is POST or PUT, `path` begins with a slash; all of it may stand in a request's head.
    case http(method: String, host: String, port: UInt16, path: String)
    case tcp(port: UInt16)

    package var port: UInt16 {
        switch self {
        case .http(_, _, let port, _), .tcp(let port): port
        }
    }
}

/// Why a subscription is refused.
package struct TelemetryRefusal: Error, Equatable, Sendable {
    package var status: Int
    package var errorType: String
    package var errorMessage: String

    private init(_ status: Int, _ api: TelemetryAPI, _ kind: String, _ message: String) {
        self.status = status
        errorType = "\(api.rawValue).\(kind)"
        errorMessage = message
    }

    /// The body is not of the form that is asked for.
    package static func malformed(_ api: TelemetryAPI, _ message: String) -> TelemetryRefusal {
        TelemetryRefusal(400, api, "DeserializationError", message)
    }

    /// All that is wrong, in one text.
    static func invalid(_ api: TelemetryAPI, _ messages: [String]) -> TelemetryRefusal {
        TelemetryRefusal(400, api, "ValidationError", messages.joined(separator: "; "))
    }

    static func denied(_ api: TelemetryAPI, _ message: String) -> TelemetryRefusal {
        TelemetryRefusal(403, api, "AccessDenied", message)
    }

    static func otherAPI(_ api: TelemetryAPI, name: String, has other: TelemetryAPI) -> TelemetryRefusal {
        let message =
            "The extension \(name) is already subscribed to the \(other.rawValue)API. "
            + "You must either subscribe to the LogsAPI or the TelemetryAPI"
        return TelemetryRefusal(400, api, "AccessDenied", message)
    }

    static func closed(_ api: TelemetryAPI) -> TelemetryRefusal {
        TelemetryRefusal(403, api, "SubscriptionClosed", "\(api.rawValue) API subscription is closed already")
    }
}

/// What a subscription's body says, once it is known to be of the right form.
package struct TelemetryRequest: Equatable, Sendable {
    package enum Destination: Equatable, Sendable {
        case http(uri: String, method: String)
        case tcp(port: Int)
    }

    /// Longest path and query of a destination, in bytes.
    static let pathBytesMax = 2_048
    /// Both stand for the sandbox's loopback.
    static let hosts = ["sandbox.localdomain", "sandbox"]

    package var schemaVersion: String?
    package var types: [String]
    package var itemsMax: Int?
    package var bytesMax: Int?
    package var timeoutMilliseconds: Int?
    package var destination: Destination

    package init(
        schemaVersion: String?,
        types: [String],
        itemsMax: Int? = nil,
        bytesMax: Int? = nil,
        timeoutMilliseconds: Int? = nil,
        destination: Destination
    ) {
        self.schemaVersion = schemaVersion
        self.types = types
        self.itemsMax = itemsMax
        self.bytesMax = bytesMax
        self.timeoutMilliseconds = timeoutMilliseconds
        self.destination = destination
    }

    /// `reserved` are ports that the platform itself uses inside the sandbox.
    package func validated(
        for api: TelemetryAPI,
        reserved: Set<UInt16>
    ) throws(TelemetryRefusal) -> TelemetrySubscription {
        let schema = try schema(for: api)
        var problems: [String] = []
        let destination = try destination(for: api, reserved: reserved, &problems)
        let categories = categories(&problems)
        func number(_ name: String, _ value: Int?, _ range: ClosedRange<Int>, default usual: Int) -> Int {
            guard let value else { return usual }
            if !range.contains(value) {
                problems.append("\(name) should be between \(range.lowerBound) and \(range.upperBound)")
            }
            return value
        }
        let usual = TelemetryBuffering()
        let buffering = TelemetryBuffering(
            itemsMax: number("maxItems", itemsMax, TelemetryBuffering.itemsRange, default: usual.itemsMax),
            bytesMax: number("maxBytes", bytesMax, TelemetryBuffering.bytesRange, default: usual.bytesMax),
            timeout: .milliseconds(
                number("timeoutMs", timeoutMilliseconds, TelemetryBuffering.timeoutRange, default: 1_000)
            )
        )
        guard problems.isEmpty, let destination else { throw .invalid(api, problems) }
        return TelemetrySubscription(
            schema: schema,
            categories: categories,
            buffering: buffering,
            destination: destination
        )
    }

    /// The Logs API has a default, the Telemetry API none.
    private func schema(for api: TelemetryAPI) throws(TelemetryRefusal) -> TelemetrySchema {
        if schemaVersion == nil, api == .logs { return .logs20200815 }
        guard let schema = schemaVersion.flatMap(TelemetrySchema.init), schema.api == api else {
            throw .invalid(
                api,
                [
                    api == .logs
                        ? "LogsAPI only supports the following SchemaVersion: 2020-08-15, 2021-03-18"
                        : "TelemetryAPI only supports the SchemaVersion released after 2021-03-18"
                ]
            )
        }
        return schema
    }

    private func categories(_ problems: inout [String]) -> [TelemetryCategory] {
        if types.isEmpty { problems.append("types should not be empty") }
        if Set(types).count < types.count { problems.append("types should be unique") }
        let categories = types.compactMap(TelemetryCategory.init)
        if categories.count < types.count { problems.append("Unrecognized enum variant") }
        return categories
    }

    private func destination(
        for api: TelemetryAPI,
        reserved: Set<UInt16>,
        _ problems: inout [String]
    ) throws(TelemetryRefusal) -> TelemetryDestination? {
        func checked(_ port: Int?) -> UInt16? {
            guard let port = port.flatMap(UInt16.init(exactly:)), port > 0 else {
                problems.append("port should be between 1 and 65535")
                return nil
            }
            if reserved.contains(port) { problems.append("port \(port) is reserved") }
            return port
        }
        switch destination {
        case .tcp(let port): return checked(port).map { .tcp(port: $0) }
        case .http(let uri, let method):
            let parts = try Self.parts(of: uri, api)
            if parts.port.isEmpty { problems.append("URI port is not provided") }
            if !Self.isAllowed(parts.path) { problems.append("URI is invalid") }
            guard !parts.port.isEmpty, let port = checked(Self.number(parts.port)) else { return nil }
            return .http(method: method, host: "\(parts.host):\(port)", port: port, path: parts.path)
        }
    }

    private static func number(_ digits: Substring) -> Int? {
        digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(digits) : nil
    }

    /// `http://HOST:PORT/PATH?QUERY`, where everything from the port on may be missing.
    private static func parts(
        of uri: String,
        _ api: TelemetryAPI
    ) throws(TelemetryRefusal) -> (host: String, port: Substring, path: String) {
        let scheme = "http://"
        guard uri.lowercased().hasPrefix(scheme) else { throw .denied(api, "Only 'http' scheme is supported.") }
        let rest = uri.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let host = authority.prefix { $0 != ":" }.lowercased()
        guard hosts.contains(host) else { throw .denied(api, "Only 'sandbox.localdomain' hostname is supported.") }
        let path = String(rest.dropFirst(authority.count))
        return (host, authority.dropFirst(host.count + 1), path.hasPrefix("/") ? path : "/" + path)
    }

    /// It goes into a request's first line: printable ASCII without blanks, and no fragment.
    private static func isAllowed(_ path: String) -> Bool {
        path.utf8.count <= pathBytesMax
            && path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }
    }
}
