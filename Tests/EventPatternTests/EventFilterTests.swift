// SPDX-License-Identifier: Apache-2.0
import AWSWire
import EventPattern
import Testing

/// Lambda's rules for a record's data, by the tables of its documentation.
@Suite struct EventFilterTests {
    enum Data: String, CaseIterable {
        case plain = "Result: 5"
        case json = #"{"a":1}"#
    }

    enum Asked: String, CaseIterable {
        case plain = #""KEY":[{"prefix":"Result"}],"#
        case json = #""KEY":{"a":[1]},"#
        case nothing = ""
    }

    private func passes(
        _ source: EventFilter.Source,
        _ patterns: [String],
        _ data: [UInt8]?,
        _ record: String = #"{"id":"m"}"#
    ) throws -> Bool {
        let patterns = patterns.map { $0.replacing("KEY", with: source.dataKey) }
        let record = try json(record)
        return try EventFilter(patterns: patterns, source: source).matches(record: record, data: data)
    }

    /// "Lambda filters based on your filter criteria", "(on the other metadata properties only)", or "drops the
    /// message".
    @Test(arguments: [EventFilter.Source.sqs, .kafka, .messageBroker], Data.allCases)
    func `each row of the table of formats`(_ source: EventFilter.Source, _ data: Data) throws {
        for asked in Asked.allCases {
            let isMismatch = asked != .nothing && (asked == .plain) != (data == .plain)
            let bytes = Array(data.rawValue.utf8)
            #expect(
                try passes(source, [#"{\#(asked.rawValue)"id":["m"]}"#], bytes) == (!isMismatch || source != .sqs),
                "\(asked)"
            )
            // What is said about the rest of the record has to hold in every row.
            #expect(try !passes(source, [#"{\#(asked.rawValue)"id":["n"]}"#], bytes), "\(asked)")
            guard asked != .nothing else { continue }
            // Data of the right kind but other content.
            let others = Array((data == .plain ? "Other" : #"{"a":2}"#).utf8)
            #expect(
                try passes(source, [#"{\#(asked.rawValue)"id":["m"]}"#], others) == (isMismatch && source != .sqs),
                "\(asked)"
            )
        }
    }

    /// In Lambda's words, "the filter pattern for data properties must be in a valid JSON format".
    @Test(arguments: [EventFilter.Source.kinesis, .dynamoDBStreams])
    func `streams have no patterns for plain text`(_ source: EventFilter.Source) throws {
        let key = source.dataKey
        let refused = EventPatternError(reason: "What is asked of \(key) must be an object", path: "[1].\(key)")
        #expect(throws: refused) {
            try EventFilter(patterns: [#"{"a":[1]}"#, #"{"\#(key)":["x"]}"#], source: source)
        }
        #expect(throws: refused) {
            try EventFilter(patterns: [#"{"a":[1]}"#, #"{"$or":[{"\#(key)":["x"]},{"b":[1]}]}"#], source: source)
        }
    }

    @Test func `Kinesis data in JSON is looked at, and other data dropped`() throws {
        let record = #"""
            {"kinesis":{"partitionKey":"1","sequenceNumber":"49","data":"eyJhIjoxfQ=="},
            "eventSource":"aws:kinesis","eventName":"aws:kinesis:record"}
            """#
        let pattern = #"{"partitionKey":["1"],"data":{"a":[1]},"eventSource":["aws:kinesis"]}"#
        #expect(try passes(.kinesis, [pattern], Array(#"{"a":1}"#.utf8), record))
        #expect(try !passes(.kinesis, [pattern], Array(#"{"a":2}"#.utf8), record))
        #expect(try !passes(.kinesis, [pattern], Array("plain".utf8), record))
        #expect(try passes(.kinesis, [#"{"kinesis":{"partitionKey":["1"]}}"#], Array("plain".utf8), record))
        #expect(try !passes(.kinesis, [#"{"partitionKey":["2"]}"#], Array("plain".utf8), record))
    }

    @Test func `a DynamoDB record is its own data`() throws {
        let record = #"""
            {"eventName":"INSERT","dynamodb":{"Keys":{"Id":{"N":"101"}},"NewImage":{"Message":{"S":"New item!"}},
            "StreamViewType":"NEW_AND_OLD_IMAGES"},"eventSource":"aws:dynamodb"}
            """#
        #expect(try passes(.dynamoDBStreams, [#"{"dynamodb":{"Keys":{"Id":{"N":["101"]}}}}"#], nil, record))
        #expect(try !passes(.dynamoDBStreams, [#"{"dynamodb":{"Keys":{"Id":{"N":["102"]}}}}"#], nil, record))
        #expect(
            try passes(
                .dynamoDBStreams,
                [#"{"eventName":["INSERT"],"dynamodb":{"a":[{"exists":false}]}}"#],
                nil,
                record
            )
        )
        #expect(try !passes(.dynamoDBStreams, [#"{"eventName":["REMOVE"]}"#], nil, record))
    }

    @Test func `one pattern of several is enough, and without any all pass`() throws {
        let patterns = [#"{"KEY":{"a":[1]}}"#, #"{"KEY":{"a":[2]}}"#, #"{"KEY":["x"]}"#]
        for data in [#"{"a":1}"#, #"{"a":2}"#, "x"] { #expect(try passes(.sqs, patterns, Array(data.utf8)), "\(data)") }
        for data in [#"{"a":3}"#, "y"] { #expect(try !passes(.sqs, patterns, Array(data.utf8)), "\(data)") }
        #expect(try passes(.sqs, [], Array("x".utf8)))
        #expect(throws: Never.self) {
            try EventFilter(patterns: Array(repeating: #"{"a":[1]}"#, count: 10), source: .sqs)
        }
        #expect(throws: EventPatternError(reason: "There are more than 10 patterns", path: "")) {
            try EventFilter(patterns: Array(repeating: #"{"a":[1]}"#, count: 11), source: .sqs)
        }
        #expect(throws: EventPatternError(reason: "Empty arrays are not allowed", path: "[1].a.b")) {
            try EventFilter(patterns: [#"{"a":[1]}"#, #"{"a":{"b":[]}}"#], source: .sqs)
        }
    }

    @Test func `objects and arrays are JSON, other values of it are plain text`() throws {
        for text in ["5", "true", "null", #""x""#, " 5 ", "{", #"{"a":1}}"#, "", "[1,]"] {
            let quoted = JSONValue.string(text).text
            #expect(try passes(.sqs, [#"{"KEY":[\#(quoted)]}"#], Array(text.utf8)), "\(text)")
            #expect(try !passes(.sqs, [#"{"KEY":{"a":[{"exists":false}]}}"#], Array(text.utf8)), "\(text)")
        }
        for text in [#" {"a":1}"#, #"[{"a":2},{"a":1}]"#, "\n[[{\"a\":1}]]"] {
            #expect(try passes(.sqs, [#"{"KEY":{"a":[1]}}"#], Array(text.utf8)), "\(text)")
            #expect(try !passes(.sqs, [#"{"KEY":[{"prefix":""}]}"#], Array(text.utf8)), "\(text)")
        }
    }

    /// In Lambda's words, "if your messages use another encoding … Lambda processes metadata filters only".
    @Test func `data that is no UTF-8 or too much JSON is of neither kind`() throws {
        let deep = Array((String(repeating: "[", count: 65) + String(repeating: "]", count: 65)).utf8)
        for data in [[0xFF, 0xFE], Array("a".utf8) + [0xC3], deep] as [[UInt8]] {
            for asked in [#"{"KEY":[{"prefix":""}]}"#, #"{"KEY":{"a":[{"exists":false}]}}"#] {
                #expect(try !passes(.sqs, [asked], data))
                #expect(try passes(.kafka, [asked], data))
                #expect(try passes(.messageBroker, [asked], data))
            }
            #expect(try passes(.sqs, [#"{"id":["m"]}"#], data))
        }
        // Kafka's tombstone.
        #expect(try passes(.kafka, [#"{"KEY":{"a":[1]}}"#], nil, #"{"topic":"t","value":null}"#))
        #expect(try !passes(.kafka, [#"{"KEY":{"a":[1]},"topic":["u"]}"#], nil, #"{"topic":"t"}"#))
    }

    @Test func `alternatives may ask for both kinds`() throws {
        let pattern = #"{"$or":[{"KEY":["x"]},{"KEY":{"a":[1]}}]}"#
        for source in [EventFilter.Source.sqs, .kafka] {
            #expect(try passes(source, [pattern], Array("x".utf8)))
            #expect(try passes(source, [pattern], Array(#"{"a":1}"#.utf8)))
            #expect(try !passes(source, [pattern], Array("y".utf8)))
            #expect(try !passes(source, [pattern], Array(#"{"a":2}"#.utf8)))
        }
        #expect(try passes(.kafka, [#"{"$or":[{"KEY":["x"]},{"id":["n"]}]}"#], Array("{}".utf8)))
    }

    @Test func `a record that is no object passes no pattern`() throws {
        #expect(try !passes(.sqs, [#"{"a":[{"exists":false}]}"#], nil, "[]"))
        #expect(try passes(.sqs, [], nil, "[]"))
    }
}
