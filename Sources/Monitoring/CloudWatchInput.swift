// SPDX-License-Identifier: Apache-2.0
package import AWSWire
import LambdaModel

/// The members of a request, or of a structure in it, read as what they should be; in the Query protocol all of them are texts.
package struct CloudWatchInput {
    let members: [String: JSONValue]
    /// As far as the structure is in another: `MetricDataQueries.member.1.`.
    let path: String

    package init(_ members: [String: JSONValue]) { self.init(members, path: "") }

    private init(_ members: [String: JSONValue], path: String) {
        self.members = members
        self.path = path
    }

    private func given(_ name: String) -> JSONValue? {
        guard let value = members[name], value != .null else { return nil }
        return value
    }

    private func refuse(_ name: String, _ expected: String) -> CloudWatchError {
        CloudWatchError(.invalidParameterValue, "The parameter \(path)\(name) must be \(expected).")
    }

    func missing(_ name: String) -> CloudWatchError {
        CloudWatchError(.missingParameter, "The parameter \(path)\(name) is required.")
    }

    func text(_ name: String, max: Int = 1_024) throws(CloudWatchError) -> String? {
        guard let value = given(name) else { return nil }
        guard let text = value.string, (1...max).contains(text.utf8.count) else {
            throw refuse(name, "a text of 1 to \(max) bytes")
        }
        return text
    }

    func required(_ name: String) throws(CloudWatchError) -> String {
        guard let text = try text(name) else { throw missing(name) }
        return text
    }

    func integer(_ name: String) throws(CloudWatchError) -> Int? {
        guard let value = given(name) else { return nil }
        guard let integer = value.integer ?? value.string.flatMap({ Int($0) }) else {
            throw refuse(name, "a whole number")
        }
        return integer
    }

    func flag(_ name: String) throws(CloudWatchError) -> Bool? {
        guard let value = given(name) else { return nil }
        if let flag = value.bool { return flag }
        switch value.string {
        case "true": return true
        case "false": return false
        default: throw refuse(name, "true or false")
        }
    }

    /// Seconds since 1970, or a text of RFC 3339.
    func time(_ name: String) throws(CloudWatchError) -> Timestamp {
        guard let value = given(name) else { throw missing(name) }
        if let text = value.string, let time = Timestamp(rfc3339: text) { return time }
        let digits: String? = if case .number(let digits) = value { digits } else { value.string }
        guard let seconds = digits.flatMap({ Double($0) }), abs(seconds) < 1e11 else {
            throw refuse(name, "a timestamp")
        }
        return Timestamp(millisecondsSinceEpoch: Int64((seconds * 1_000).rounded()))
    }

    func texts(_ name: String) throws(CloudWatchError) -> [String] {
        guard let value = given(name) else { return [] }
        guard let values = list(value) else { throw refuse(name, "a list of texts") }
        let texts = values.compactMap(\.string)
        guard texts.count == values.count else { throw refuse(name, "a list of texts") }
        return texts
    }

    func structure(_ name: String) throws(CloudWatchError) -> CloudWatchInput? {
        guard let value = given(name) else { return nil }
        guard let members = value.object else { throw refuse(name, "a structure") }
        return CloudWatchInput(members, path: "\(path)\(name).")
    }

    func structures(_ name: String) throws(CloudWatchError) -> [CloudWatchInput] {
        guard let value = given(name) else { return [] }
        guard let values = list(value) else { throw refuse(name, "a list of structures") }
        var found: [CloudWatchInput] = []
        for (index, value) in values.enumerated() {
            guard let members = value.object else { throw refuse(name, "a list of structures") }
            found.append(CloudWatchInput(members, path: "\(path)\(name).member.\(index + 1)."))
        }
        return found
    }

    /// An empty text is an empty list of the Query protocol.
    private func list(_ value: JSONValue) -> [JSONValue]? {
        value == .string("") ? [] : value.array
    }

    /// By name; AWS refuses those that come twice.
    func dimensions(_ name: String) throws(CloudWatchError) -> [String: String] {
        var found: [String: String] = [:]
        for input in try structures(name) {
            let (key, value) = (try input.required("Name"), try input.required("Value"))
            guard found.updateValue(value, forKey: key) == nil else {
                throw CloudWatchError(.invalidParameterValue, "The dimension \(key) is given twice.")
            }
        }
        return found
    }
}
