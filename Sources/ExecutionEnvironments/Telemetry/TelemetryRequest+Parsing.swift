// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import InvocationCore

/// The body of a subscription.
///
/// Lambda's own service is strict: it refuses members that it does not know, and says so in the words of its parser.
extension TelemetryRequest {
    /// A subscription has a few hundred bytes.
    static let bodyBytesMax = 64 * 1_024
    private static let members = ["schemaVersion", "types", "buffering", "destination"]
    /// All that a type may be called, though only the last three are accepted.
    private static let types =
        [
            "start", "end", "report", "fault", "extension", "logsDropped", "logsSubscription", "telemetrySubscription",
            "runtimeDone", "initStart", "initRuntimeDone", "initReport", "restoreStart", "restoreRuntimeDone",
            "restoreReport",
        ].map { "platform.\($0)" } + ["platform", "function", "extension"]

    package init(parsing body: [UInt8], for api: TelemetryAPI) throws(TelemetryRefusal) {
        let reader = Reader(api: api)
        guard body.count <= Self.bodyBytesMax else { throw .malformed(api, "the body is too large") }
        let value: JSONValue
        do { value = try JSONValue(parsing: body) } catch {
            throw .malformed(api, "\(error.reason) at offset \(error.offset)")
        }
        guard let object = value.object else { throw .malformed(api, "invalid type, expected a subscription") }
        for name in object.keys.sorted() where !Self.members.contains(name) {
            throw .malformed(
                api,
                "unknown field `\(name.prefix(64))`, expected one of \(Reader.list(Self.members))"
            )
        }
        let destination = try reader.object(object, "destination")
        guard let destination else { throw .malformed(api, "missing field `destination`") }
        guard let types = object["types"] else { throw .malformed(api, "missing field `types`") }
        guard let words = types.array else { throw .malformed(api, "invalid type for `types`, expected a sequence") }
        let schemas = TelemetrySchema.allCases.map(\.rawValue)
        let buffering = try reader.object(object, "buffering") ?? [:]
        self.init(
            schemaVersion: try reader.word(object, "schemaVersion", among: schemas),
            types: try words.map { (word) throws(TelemetryRefusal) in try reader.variant(word, "types", Self.types) },
            itemsMax: try reader.number(buffering, "maxItems"),
            bytesMax: try reader.number(buffering, "maxBytes"),
            timeoutMilliseconds: try reader.number(buffering, "timeoutMs"),
            destination: try reader.destination(destination)
        )
    }

    private struct Reader {
        let api: TelemetryAPI

        static func list(_ words: [String]) -> String { words.map { "`\($0)`" }.joined(separator: ", ") }

        private func malformed(_ name: String, expected: String) -> TelemetryRefusal {
            .malformed(api, "invalid type for `\(name)`, expected \(expected)")
        }

        func object(
            _ members: [String: JSONValue],
            _ name: String
        ) throws(TelemetryRefusal) -> [String: JSONValue]? {
            guard let value = members[name] else { return nil }
            guard let object = value.object else { throw malformed(name, expected: "an object") }
            return object
        }

        func text(_ members: [String: JSONValue], _ name: String) throws(TelemetryRefusal) -> String? {
            guard let value = members[name] else { return nil }
            guard let text = value.string else { throw malformed(name, expected: "a string") }
            return text
        }

        func number(_ members: [String: JSONValue], _ name: String) throws(TelemetryRefusal) -> Int? {
            guard let value = members[name] else { return nil }
            guard let number = value.integer, number >= 0 else {
                throw malformed(name, expected: "an unsigned integer")
            }
            return number
        }

        func variant(
            _ value: JSONValue,
            _ name: String,
            _ variants: [String]
        ) throws(TelemetryRefusal) -> String {
            guard let word = value.string else { throw malformed(name, expected: "a string") }
            guard variants.contains(word) else {
                throw .malformed(api, "unknown variant `\(word.prefix(64))`, expected one of \(Self.list(variants))")
            }
            return word
        }

        func word(
            _ members: [String: JSONValue],
            _ name: String,
            among variants: [String]
        ) throws(TelemetryRefusal) -> String? {
            guard let value = members[name] else { return nil }
            return try variant(value, name, variants)
        }

        func destination(_ members: [String: JSONValue]) throws(TelemetryRefusal) -> TelemetryRequest.Destination {
            guard let name = try word(members, "protocol", among: ["HTTP", "TCP"]) else {
                throw .malformed(api, "missing field `protocol`")
            }
            _ = try word(members, "encoding", among: ["JSON"])
            guard name == "HTTP" else {
                guard let port = try number(members, "port") else { throw .malformed(api, "missing field `port`") }
                return .tcp(port: port)
            }
            guard let uri = try text(members, "URI") else { throw .malformed(api, "missing field `URI`") }
            return .http(uri: uri, method: try word(members, "method", among: ["POST", "PUT"]) ?? "POST")
        }
    }
}
