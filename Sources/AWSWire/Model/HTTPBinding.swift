// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// How an operation travels in HTTP (Smithy's `restJson1`): where each member of its input is.
package struct HTTPBinding: Sendable {
    package enum Segment: Equatable, Sendable {
        case literal(String)
        /// The input's member.
        case label(String)
    }

    /// A query parameter, and the member it is for; of `fixed`, its value.
    package struct Field: Sendable {
        var name: String
        var member: String

        init(_ name: String, _ member: String) {
            self.name = name
            self.member = member
        }
    }

    package var method: String
    package var segments: [Segment]
    /// What tells the operation from another one with this method and path.
    package var fixed: Field?
    package var query: [Field]
    /// The member that is the body itself.
    package var payload: String?
    /// Of an answer that is no error.
    package var status: Int
    package var input: Shape?

    init(
        _ method: String,
        _ segments: [Segment],
        fixed: Field? = nil,
        query: [Field] = [],
        payload: String? = nil,
        status: Int,
        input: Shape? = nil
    ) {
        self.method = method
        self.segments = segments
        self.fixed = fixed
        self.query = query
        self.payload = payload
        self.status = status
        self.input = input
    }
}

extension LambdaOperation {
    private struct Place: Hashable {
        var method: String
        var count: Int
    }

    private static let byPlace: [Place: [(operation: LambdaOperation, binding: HTTPBinding)]] = Dictionary(
        grouping: allCases.map { ($0, $0.httpBinding) },
        by: { Place(method: $0.1.method, count: $0.1.segments.count) }
    )

    /// The operation at that method and path, with the labels' values; nil when Lambda has none there.
    ///
    /// `segments` are decoded. Of two at one place that with the right fixed parameter is meant. An empty label is none.
    package static func find(
        method: String,
        segments: [String],
        query: QueryParameters
    ) -> (operation: LambdaOperation, labels: [String: String])? {
        var found: (LambdaOperation, [String: String])?
        for (operation, binding) in byPlace[Place(method: method, count: segments.count)] ?? [] {
            guard let labels = binding.labels(in: segments) else { continue }
            if let fixed = binding.fixed {
                if query[fixed.name] == fixed.member { return (operation, labels) }
            } else {
                found = (operation, labels)
            }
        }
        return found
    }

    /// What the operation answers with when it succeeds.
    package var successStatus: Int { httpBinding.status }

    /// The input of a request, checked against the model.
    ///
    /// - Throws: `LambdaError.invalidRequestContent` and `.validation`.
    package func input(
        labels: [String: String],
        query: QueryParameters,
        body: [UInt8]
    ) throws(LambdaError) -> JSONValue {
        let binding = httpBinding
        guard let shape = binding.input else { return .object([:]) }
        let value = try binding.value(labels: labels, query: query, body: body)
        try shape.validate(value)
        return value
    }
}

extension HTTPBinding {
    fileprivate func labels(in path: [String]) -> [String: String]? {
        var labels: [String: String] = [:]
        for (segment, text) in zip(segments, path) {
            switch segment {
            case .literal(let literal): guard literal == text else { return nil }
            case .label(let member):
                guard !text.isEmpty else { return nil }
                labels[member] = text
            }
        }
        return labels
    }

    fileprivate func value(
        labels: [String: String],
        query: QueryParameters,
        body: [UInt8]
    ) throws(LambdaError) -> JSONValue {
        var members: [String: JSONValue] = [:]
        let shapes = input?.members ?? []
        if method != "GET", method != "DELETE", !body.isEmpty {
            let parsed = try Self.parse(body)
            if let payload {
                members[payload] = parsed
            } else {
                // What the model doesn't know must decide nothing, least of all what the caller may do.
                let known = Set(shapes.map(\.name))
                members = (parsed.object ?? [:]).filter { known.contains($0.key) }
            }
        }
        for (member, text) in labels {
            members[member] = try Self.value(of: [text], member, shapes)
        }
        for field in self.query {
            let texts = query.values(field.name)
            // Of a member that belongs into the query, what the body has is nothing.
            members[field.member] = texts.isEmpty ? nil : try Self.value(of: texts, field.member, shapes)
        }
        return .object(members)
    }

    private static func parse(_ body: [UInt8]) throws(LambdaError) -> JSONValue {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: body)
        } catch {
            throw .invalidRequestContent(message: "Could not parse request body into json: \(error)")
        }
        guard value.object != nil else {
            throw .invalidRequestContent(message: "Could not parse request body into json: expected an object")
        }
        return value
    }

    /// A label's or parameter's text as the member's type.
    private static func value(
        of texts: [String],
        _ member: String,
        _ shapes: [Shape.Member]
    ) throws(LambdaError) -> JSONValue {
        let first = texts.first ?? ""
        switch shapes.first(where: { $0.name == member })?.shape.kind {
        case .integer:
            guard let number = Int(first) else {
                throw .invalidRequestContent(message: "'\(member)' must be an integer")
            }
            return .integer(number)
        case .boolean:
            guard let value = Bool(first.lowercased()) else {
                throw .invalidRequestContent(message: "'\(member)' must be true or false")
            }
            return .bool(value)
        case .list: return .array(texts.map(JSONValue.string))
        default: return .string(first)
        }
    }
}
