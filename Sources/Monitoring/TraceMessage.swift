// SPDX-License-Identifier: Apache-2.0
import AWSWire
import MetricCore

/// Spans as a collector takes them: OTLP's ExportTraceServiceRequest in JSON (https://opentelemetry.io/docs/specs/otlp/).
enum TraceMessage {
    static let path = "/v1/traces"

    /// A function is a resource, and a service by its name.
    static func bytes(_ spans: [Span]) -> [UInt8] {
        let functions = Dictionary(grouping: spans, by: \.function).sorted { $0.key < $1.key }
        let resources = functions.map { function, spans in
            JSONValue.object([
                "resource": .object([
                    "attributes": .array([
                        attribute("service.name", .text(spans[0].service)),
                        attribute("faas.name", .text(spans[0].service)),
                        attribute("cloud.platform", .text("aws_lambda")),
                        attribute("cloud.resource_id", .text(function)),
                        attribute("cloud.region", .text(part(3, of: function))),
                        attribute("cloud.account.id", .text(part(4, of: function))),
                    ])
                ]),
                "scopeSpans": .array([
                    .object(["scope": .object(["name": .string("martlet")]), "spans": .array(spans.map(json))])
                ]),
            ])
        }
        return JSONValue.object(["resourceSpans": .array(resources)]).bytes
    }

    private static func part(_ number: Int, of arn: String) -> String {
        let parts = arn.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count > number ? String(parts[number]) : ""
    }

    private static func json(_ span: Span) -> JSONValue {
        var members: [String: JSONValue] = [
            "traceId": .string(span.traceID), "spanId": .string(span.id), "name": .string(span.name),
            "kind": .integer(span.kind.rawValue), "startTimeUnixNano": .string(String(span.start)),
            "endTimeUnixNano": .string(String(span.end)),
            "attributes": .array(span.attributes.map { attribute($0.name, $0.value) }),
        ]
        members["parentSpanId"] = span.parent.map(JSONValue.string)
        if let error = span.error {
            members["status"] = .object(["code": .integer(2), "message": .string(error)])
        }
        return .object(members)
    }

    private static func attribute(_ name: String, _ value: Span.Value) -> JSONValue {
        let value: (String, JSONValue) =
            switch value {
            case .text(let text): ("stringValue", .string(text))
            // 64 bits are texts in protobuf's JSON.
            case .integer(let number): ("intValue", .string(String(number)))
            case .flag(let flag): ("boolValue", .bool(flag))
            }
        return .object(["key": .string(name), "value": .object([value.0: value.1])])
    }

    /// How many of a batch's spans the collector did not take, by its answer.
    static func rejectedCount(_ answer: [UInt8]) -> Int {
        guard let partial = (try? JSONValue(parsing: answer))?["partialSuccess"]?["rejectedSpans"] else { return 0 }
        return max(0, partial.integer ?? partial.string.flatMap { Int($0) } ?? 0)
    }
}

/// What becomes of a batch after the collector's answer, or for want of one.
struct ExportRetry: Equatable {
    static let delayMin = Duration.seconds(1)
    static let delayMax = Duration.seconds(30)

    enum Decision: Equatable {
        case done
        /// It is not taken, and never will be.
        case drop
        case retry(after: Duration)
    }

    private var delay = delayMin

    /// `status` is nil where no answer came.
    mutating func decide(status: Int?) -> Decision {
        switch status {
        case .some(200..<300):
            delay = Self.delayMin
            return .done
        // Those that OTLP calls retryable.
        case nil, 429, 502, 503, 504:
            defer { delay = min(delay * 2, Self.delayMax) }
            return .retry(after: delay)
        default: return .drop
        }
    }
}
