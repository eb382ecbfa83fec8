// SPDX-License-Identifier: Apache-2.0
import AWSWire

/// What a function with `ReportBatchItemFailures` says of its batch.
///
/// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html: nothing, null, and a list that is empty or missing
/// mean that all is done; what can't be understood, that nothing is.
enum ItemFailures: Equatable, Sendable {
    case none
    case all
    /// Those of the batch, and at least one.
    case some(Set<String>)

    /// `payload` is the function's answer, `identifiers` are those of its batch, as `name` makes them of what the function names.
    init(
        parsing payload: [UInt8],
        identifiers: Set<String>,
        name: (JSONValue) -> String? = { $0.string }
    ) {
        do {
            guard let list = try JSONSyntax.member("batchItemFailures", of: payload) else {
                let first = payload.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
                self = first == UInt8(ascii: "{") || first == UInt8(ascii: "n") ? .none : .all
                return
            }
            // The rest of the answer may be larger, and nested more deeply: a window's state is in it.
            switch try JSONValue(parsing: list) {
            case .null: self = .none
            case .array(let items): self.init(items, identifiers, name)
            case .bool, .number, .string, .object: self = .all
            }
        } catch {
            self = .all
        }
    }

    private init(_ items: [JSONValue], _ identifiers: Set<String>, _ name: (JSONValue) -> String?) {
        var failed: Set<String> = []
        for item in items {
            guard let identifier = item["itemIdentifier"].flatMap(name), identifiers.contains(identifier) else {
                self = .all
                return
            }
            failed.insert(identifier)
        }
        self = failed.isEmpty ? .none : failed == identifiers ? .all : .some(failed)
    }
}
