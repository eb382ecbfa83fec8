// SPDX-License-Identifier: Apache-2.0
package import AWSWire

/// An event pattern of EventBridge, compiled: which JSON objects it matches.
///
/// All fields of the pattern have to match, each by any one of its listed values or comparisons. What is matched is
/// what AWS's reference implementation matches (https://github.com/aws/event-ruler, `rulesForJSONEvent`), which
/// Lambda's documentation calls "the same set of syntax and rules": an array in the event stands for its elements, and
/// fields below one array of objects have to match within one element of it.
///
/// Texts are compared by their UTF-8, without any normalisation. Numbers are compared by value up to ±5e9 with six
/// decimals, and by their digits beyond, as event-ruler does; AWS's pages say that 300, 300.0 and 3.0e2 differ, which
/// they don't there.
///
/// Names are literal: a dot in one is no step into an object. The length of a pattern is not looked at; Lambda allows
/// 4,096 characters. One match costs at most a pass over the event for each leaf of the pattern and combination of its
/// `$or`.
///
/// Sources: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html and event-ruler's
/// README.
package struct EventPattern: Equatable, Sendable {
    /// Ways through the `$or` of one pattern, EventBridge's limit: the product of their alternatives, nested ones added
    /// up first.
    package static let combinationsMax = 1_000
    /// Objects inside one another, alternatives of `$or` included.
    package static let depthMax = JSONValue.depthMax
    /// Leaves of a pattern whose `$or` has to be multiplied out.
    ///
    /// Ours: it bounds what one pattern takes of memory and time.
    package static let expandedLeavesMax = 200_000

    let root: PatternNode

    init(root: PatternNode) {
        self.root = root
    }

    package init(parsing text: String) throws(EventPatternError) {
        do {
            self = try EventPattern(JSONValue(parsing: Array(text.utf8)))
        } catch let failure as JSONSyntax.Failure {
            throw EventPatternError(reason: failure.description, path: "")
        } catch let error as EventPatternError {
            throw error
        } catch {
            throw EventPatternError(reason: "\(error)", path: "")
        }
    }

    package init(_ value: JSONValue) throws(EventPatternError) {
        var compiler = PatternCompiler()
        root = try compiler.compile(value)
    }

    /// Whether `event` has what the pattern asks for; what is no object matches no pattern.
    package func matches(_ event: JSONValue) -> Bool {
        guard case .object(let members) = event else { return false }
        var matcher = PatternMatcher(event: members)
        return matcher.matches(root)
    }
}

/// Why a text is no event pattern, in event-ruler's words where it has some.
package struct EventPatternError: Error, Equatable, CustomStringConvertible {
    package var reason: String
    /// Where in the pattern, such as `detail.$or[1].state[0]`; empty for the whole of it.
    package var path: String

    package init(reason: String, path: String) {
        self.reason = reason
        self.path = path
    }

    package var description: String { path.isEmpty ? reason : "\(reason) at \(path)" }
}
