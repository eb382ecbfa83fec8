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

    /// `payload` is the function's answer, `identifiers` are those of its batch.
    init(parsing payload: [UInt8], identifiers: Set<String>) {
        guard let answer = try? JSONValue(parsing: payload) else {
            self = .all
            return
        }
        switch answer {
        case .null: self = .none
        case .object(let members):
            switch members["batchItemFailures"] {
            case nil, .null: self = .none
            case .array(let items): self.init(items, identifiers)
            default: self = .all
            }
        case .bool, .number, .string, .array: self = .all
        }
    }

    private init(_ items: [JSONValue], _ identifiers: Set<String>) {
        var failed: Set<String> = []
        for item in items {
            guard let identifier = item["itemIdentifier"]?.string, identifiers.contains(identifier) else {
                self = .all
                return
            }
            failed.insert(identifier)
        }
        self = failed.isEmpty ? .none : failed == identifiers ? .all : .some(failed)
    }
}
