// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Testing

@testable import EventSources

struct ItemFailuresTests {
    /// Each row of https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html.
    @Test(arguments: [
        ("null", ItemFailures.none), ("{}", .none), (#"{"batchItemFailures":[]}"#, .none),
        (#"{"batchItemFailures":null}"#, .none), (#"{"other":1}"#, .none),
        (#"{"batchItemFailures":[{"itemIdentifier":"a"}]}"#, .some(["a"])),
        (#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"a"}]}"#, .some(["a"])),
        (#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b"}]}"#, .all),
        (#"{"batchItemFailures":[{"itemIdentifier":""}]}"#, .all),
        (#"{"batchItemFailures":[{"itemIdentifier":null}]}"#, .all),
        (#"{"batchItemFailures":[{"itemIdentifier":"c"}]}"#, .all),
        (#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"c"}]}"#, .all),
        (#"{"batchItemFailures":[{"bad":"a"}]}"#, .all), (#"{"batchItemFailures":["a"]}"#, .all),
        (#"{"batchItemFailures":{"itemIdentifier":"a"}}"#, .all), (#"{"batchItemFailures":"a"}"#, .all),
        ("\"done\"", .all), ("[]", .all), ("1", .all), ("", .all), ("{", .all),
    ])
    func `what a function says of its batch`(_ payload: String, _ expected: ItemFailures) {
        #expect(ItemFailures(parsing: Array(payload.utf8), identifiers: ["a", "b"]) == expected, "\(payload)")
    }

    @Test func `what else is in the answer may be of any number of values and depth`() {
        let many = "[" + String(repeating: "0,", count: 200_000) + "0]"
        let deep = String(repeating: "[", count: 900) + String(repeating: "]", count: 900)
        for other in [many, deep, #""\ud800""#] {
            let payload = #" {"state":{"o":\#(other)},"batchItemFailures":[{"itemIdentifier":"a"}]}"#
            #expect(ItemFailures(parsing: Array(payload.utf8), identifiers: ["a", "b"]) == .some(["a"]))
            #expect(ItemFailures(parsing: Array("{\"o\":\(other)}".utf8), identifiers: ["a", "b"]) == .none)
        }
    }
}
