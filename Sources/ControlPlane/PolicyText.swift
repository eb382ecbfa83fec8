// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore

/// Resource policies as the JSON texts that the API answers: compact, members in AWS's order.
enum PolicyText {
    /// Bytes of a policy's whole text.
    static let bytesMax = 20_480

    static func policy(_ statements: [ResourcePolicyStatement]) -> String {
        object([
            ("Version", quoted("2012-10-17")), ("Id", quoted("default")),
            ("Statement", "[\(statements.map(statement).joined(separator: ","))]"),
        ])
    }

    static func statement(_ statement: ResourcePolicyStatement) -> String {
        var members = [
            ("Sid", quoted(statement.sid)), ("Effect", quoted("Allow")), ("Principal", principal(statement.principal)),
            ("Action", quoted(statement.action)), ("Resource", quoted(statement.resource)),
        ]
        if !statement.conditions.isEmpty { members.append(("Condition", conditions(statement.conditions))) }
        return object(members)
    }

    private static func principal(_ principal: ResourcePolicyPrincipal) -> String {
        switch principal {
        case .everybody: quoted("*")
        case .aws(let arn): object([("AWS", quoted(arn))])
        case .service(let name): object([("Service", quoted(name))])
        }
    }

    private static func conditions(_ conditions: [PolicyCondition]) -> String {
        var operators: [(name: String, keys: [(String, String)])] = []
        for condition in conditions {
            let key = (condition.key, condition.values.map(quoted).joined(separator: ","))
            if operators.last?.name == condition.operation.text {
                operators[operators.count - 1].keys.append(key)
            } else {
                operators.append((condition.operation.text, [key]))
            }
        }
        return object(operators.map { ($0.name, object($0.keys)) })
    }

    private static func object(_ members: [(String, String)]) -> String {
        "{\(members.map { "\(quoted($0.0)):\($0.1)" }.joined(separator: ","))}"
    }

    private static func quoted(_ text: String) -> String { JSONValue.string(text).text }
}
