// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import Testing

@testable import AWSWire

struct ModelTests {
    /// Every pattern is compiled, which a wrong one doesn't survive.
    private func visit(_ shape: Shape, depth: Int = 0, _ body: (Shape) -> Void) {
        guard depth < 16 else { return }
        body(shape)
        switch shape.kind {
        case .list(let item): visit(item, depth: depth + 1, body)
        case .map(let key, let value):
            visit(key, depth: depth + 1, body)
            visit(value, depth: depth + 1, body)
        case .structure(let members): for member in members { visit(member.shape, depth: depth + 1, body) }
        default: break
        }
    }

    @Test func `all operations are there, each at its place`() {
        #expect(LambdaOperation.allCases.count == 85)
        var patterns = 0
        for operation in LambdaOperation.allCases {
            let binding = operation.httpBinding
            if let input = binding.input {
                visit(input) { shape in
                    if case .string(_, let pattern?) = shape.kind, !pattern.source.isEmpty { patterns += 1 }
                }
            }
            let segments = binding.segments.map { segment in
                switch segment {
                case .literal(let text): text
                case .label(let member): "the-\(member)"
                }
            }
            let query = QueryParameters(binding.fixed.map { "\($0.name)=\($0.member)" } ?? "")
            let found = LambdaOperation.find(method: binding.method, segments: segments, query: query)
            #expect(found?.operation == operation)
            for (member, text) in found?.labels ?? [:] { #expect(text == "the-\(member)") }
        }
        #expect(patterns > 200)
    }

    @Test(arguments: [
        ("[0-9]+", "12", true), ("[0-9]+", "1a", false), ("[0-9]+", "", false), ("[0-9]+", "1\n", false),
        ("(?!^[0-9]+$)([a-zA-Z0-9-_]+)", "v1", true), ("(?!^[0-9]+$)([a-zA-Z0-9-_]+)", "11", false),
        ("a|b", "ab", false), (".*", "a\nb", false), ("[\\s\\S]*", "a\nb", true), ("\\d", "٣", false),
    ])
    func `a pattern has to match the whole value`(source: String, value: String, matches: Bool) {
        #expect(Pattern(source).matches(value) == matches)
    }

    @Test func `a match that would take for ever is none`() {
        #expect(!Pattern("(a+)+b").matches(String(repeating: "a", count: 60)))
    }

    private func refusal(_ operation: LambdaOperation, _ body: JSONValue, query: String = "") -> String? {
        do {
            _ = try operation.input(labels: ["FunctionName": "f"], query: QueryParameters(query), body: body.bytes)
            return nil
        } catch {
            return "\(error.wire.name): \(error.wire.message)"
        }
    }

    @Test func `all faults come in one text, in the model's order`() {
        #expect(
            refusal(.createAlias, .object(["Name": .string("1"), "FunctionVersion": .string("x")]))
                == "ValidationException: 2 validation errors detected: Value '1' at 'name' failed to satisfy constraint: "
                + "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+); Value 'x' at "
                + "'functionVersion' failed to satisfy constraint: Member must satisfy regular expression pattern: "
                + #"(\$LATEST(\.PUBLISHED)?|[0-9]+)"#
        )
    }

    @Test func `a map shows its entries as Java does`() {
        let weights = JSONValue.object(["AdditionalVersionWeights": .object(["2": .number("2.0")])])
        let alias = JSONValue.object([
            "Name": .string("a"), "FunctionVersion": .string("1"), "RoutingConfig": weights,
        ])
        #expect(
            refusal(.createAlias, alias)
                == "ValidationException: 1 validation error detected: Value '{2=2.0}' at "
                + "'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map value must satisfy "
                + "constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or "
                + "equal to 0.0, Member must not be null]"
        )
    }

    @Test func `a secret is not repeated`() {
        let variables = JSONValue.object(["Variables": .object(["X": .string("secret")])])
        let text = refusal(.updateFunctionConfiguration, .object(["Environment": variables])) ?? ""
        #expect(text.contains("Value '***' at 'environment.variables'") && !text.contains("secret"))
    }

    @Test(arguments: [
        ("MaxItems=0", "Value '0' at 'maxItems'"), ("MaxItems=x", "'MaxItems' must be an integer"),
        ("MaxItems=10001", "less than or equal to 10000"), ("FunctionVersion=1", "enum value set: [ALL]"),
    ])
    func `query parameters have their types and bounds`(query: String, text: String) {
        #expect(refusal(.listFunctions, .object([:]), query: query)?.contains(text) == true)
    }

    @Test func `what the model does not know is dropped`() throws {
        let input = try LambdaOperation.updateFunctionCode.input(
            labels: ["FunctionName": "f"],
            query: QueryParameters("Qualifier=live"),
            body: Array(#"{"Qualifier":"live","Tags":{"a":"b"},"DryRun":true}"#.utf8)
        )
        #expect(input == .object(["FunctionName": .string("f"), "DryRun": .bool(true)]))
    }

    @Test func `what belongs into the query is not read from the body`() throws {
        let input = try LambdaOperation.putProvisionedConcurrencyConfig.input(
            labels: ["FunctionName": "f"],
            query: QueryParameters("Qualifier=live"),
            body: Array(#"{"Qualifier":"other","FunctionName":"g","ProvisionedConcurrentExecutions":1}"#.utf8)
        )
        #expect(input["Qualifier"] == .string("live") && input["FunctionName"] == .string("f"))
    }
}
