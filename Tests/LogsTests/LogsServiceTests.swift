// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import LogStore
import TestSupport
import Testing

@testable import Logs

struct LogsServiceTests {
    private let day: Int64 = 86_400_000

    @Test func `groups are made, listed by name in pages, and deleted`() async throws {
        let fixture = try LogsFixture()
        for name in ["/aws/lambda/b", "/aws/lambda/a", "other", "/aws/lambda/c"] {
            try await fixture.call(.createLogGroup, ["logGroupName": .string(name)])
        }
        #expect(
            await fixture.refusal(.createLogGroup, ["logGroupName": .string("other")])
                == LogsError(.resourceAlreadyExists, "The specified log group already exists")
        )
        func names(_ members: [String: JSONValue]) async throws -> [String] {
            var members = members
            var names: [String] = []
            while true {
                let page = try await fixture.call(.describeLogGroups, members)
                names += page["logGroups"]?.array?.compactMap { $0["logGroupName"]?.string } ?? []
                guard let token = page["nextToken"] else { return names }
                members["nextToken"] = token
            }
        }
        for limit in 1...5 {
            #expect(
                try await names(["limit": .integer(limit)])
                    == ["/aws/lambda/a", "/aws/lambda/b", "/aws/lambda/c", "other"]
            )
        }
        let prefix = JSONValue.string("/aws/lambda/")
        #expect(try await names(["logGroupNamePrefix": prefix, "limit": .integer(2)]).count == 3)
        #expect(try await names(["logGroupNamePattern": .string("the")]) == ["other"])
        #expect(try await names(["logGroupNamePattern": .string("THE")]).isEmpty)
        let both = ["logGroupNamePrefix": prefix, "logGroupNamePattern": .string("a")]
        #expect(await fixture.refusal(.describeLogGroups, both)?.kind == .invalidParameter)
        try await fixture.call(.deleteLogGroup, ["logGroupName": .string("other")])
        #expect(await fixture.refusal(.deleteLogGroup, ["logGroupName": .string("other")]) == .noGroup)
        #expect(try await names([:]).count == 3)
    }

    @Test func `what breaks the model's rules is refused in AWS's words, all of it`() async throws {
        let fixture = try LogsFixture()
        let error = await fixture.refusal(
            .createLogStream,
            ["logGroupName": .string("a b"), "logStreamName": .string("x:y")]
        )
        #expect(error?.kind == .invalidParameter)
        #expect(
            error?.message == #"2 validation errors detected: Value 'a b' at 'logGroupName' failed to satisfy "#
                + #"constraint: Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+; Value 'x:y' at "#
                + #"'logStreamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*]*"#
        )
        #expect(
            await fixture.refusal(.putRetentionPolicy)?.message
                == "2 validation errors detected: Value null at 'logGroupName' failed to satisfy constraint: Member must "
                + "not be null; Value null at 'retentionInDays' failed to satisfy constraint: Member must not be null"
        )
        #expect(await fixture.refusal(.getLogEvents, ["limit": .string("x")])?.kind == .serialization)
        #expect(throws: LogsError.self) { try LogsInput(body: Array("[1]".utf8)) }
        #expect(throws: LogsError.self) { try LogsInput(body: Array("{".utf8)) }
    }

    @Test func `only AWS's retentions are taken, and what is older is not read`() async throws {
        let fixture = try LogsFixture()
        try await fixture.make()
        for days in [0, 2, 29, 366, -1, 4_000] {
            let members: [String: JSONValue] = ["logGroupName": .string("g"), "retentionInDays": .integer(days)]
            #expect(await fixture.refusal(.putRetentionPolicy, members)?.kind == .invalidParameter, "\(days)")
        }
        try await fixture.put(["old"], at: LogsFixture.start - 2 * day)
        try await fixture.put(["new"])
        func shown() async throws -> JSONValue? {
            try await fixture.call(.describeLogGroups)["logGroups"]?.array?.first?["retentionInDays"]
        }
        func messages() async throws -> [String] {
            try await fixture.call(.filterLogEvents, ["logGroupName": .string("g")]).messages
        }
        #expect(try await shown() == nil)
        #expect(try await messages() == ["old", "new"])
        try await fixture.call(.putRetentionPolicy, ["logGroupName": .string("g"), "retentionInDays": .integer(1)])
        #expect(try await shown() == .integer(1))
        #expect(try await messages() == ["new"])
        try await fixture.store.sweep()
        try await fixture.call(.deleteRetentionPolicy, ["logGroupName": .string("g")])
        #expect(try await shown() == nil)
        #expect(try await messages() == ["new"])
        #expect(await fixture.refusal(.deleteRetentionPolicy, ["logGroupName": .string("x")]) == .noGroup)
    }

    @Test func `streams by name and by their last events, in pages`() async throws {
        let fixture = try LogsFixture()
        try await fixture.make(stream: "empty")
        for (index, name) in ["b", "a", "c"].enumerated() {
            try await fixture.call(.createLogStream, ["logGroupName": .string("g"), "logStreamName": .string(name)])
            try await fixture.put(["x"], at: LogsFixture.start + Int64(index), stream: name)
        }
        func names(_ members: [String: JSONValue]) async throws -> [String] {
            var members = members.merging(["logGroupName": .string("g")]) { $1 }
            var names: [String] = []
            while true {
                let page = try await fixture.call(.describeLogStreams, members)
                names += page["logStreams"]?.array?.compactMap { $0["logStreamName"]?.string } ?? []
                guard let token = page["nextToken"] else { return names }
                members["nextToken"] = token
            }
        }
        for limit in 1...5 {
            let limit = JSONValue.integer(limit)
            #expect(try await names(["limit": limit]) == ["a", "b", "c", "empty"])
            #expect(try await names(["limit": limit, "descending": .bool(true)]) == ["empty", "c", "b", "a"])
            let byTime = ["limit": limit, "orderBy": .string("LastEventTime")]
            #expect(try await names(byTime) == ["empty", "b", "a", "c"])
            #expect(try await names(byTime.merging(["descending": .bool(true)]) { $1 }) == ["c", "a", "b", "empty"])
        }
        #expect(try await names(["logStreamNamePrefix": .string("e")]) == ["empty"])
        let mixed: [String: JSONValue] = [
            "logGroupName": .string("g"), "orderBy": .string("LastEventTime"), "logStreamNamePrefix": .string("a"),
        ]
        #expect(
            await fixture.refusal(.describeLogStreams, mixed)?.message
                == "Cannot order by LastEventTime with a logStreamNamePrefix."
        )
        let forged: [String: JSONValue] = ["logGroupName": .string("g"), "nextToken": .string("x")]
        #expect(await fixture.refusal(.describeLogStreams, forged)?.message == "The specified nextToken is invalid.")
    }

    @Test func `events that are too old, expired or too new are rejected, the others taken`() async throws {
        let fixture = try LogsFixture()
        try await fixture.make()
        func put(_ times: [Int64]) async throws -> JSONValue? {
            let events = times.map { JSONValue.object(["timestamp": .integer($0), "message": .string("\($0)")]) }
            return try await fixture.call(
                .putLogEvents,
                ["logGroupName": .string("g"), "logStreamName": .string("s"), "logEvents": .array(events)]
            )["rejectedLogEventsInfo"]
        }
        let now = LogsFixture.start
        let (old, ahead) = (now - 14 * day, now + 2 * 3_600_000)
        #expect(try await put([old, old + 1]) == nil)
        #expect(try await put([old - 2, old - 1, old]) == .object(["tooOldLogEventEndIndex": .integer(2)]))
        #expect(try await put([now, ahead, ahead + 1]) == .object(["tooNewLogEventStartIndex": .integer(2)]))
        #expect(try await put([ahead + 1]) == .object(["tooNewLogEventStartIndex": .integer(0)]))
        try await fixture.call(.putRetentionPolicy, ["logGroupName": .string("g"), "retentionInDays": .integer(3)])
        #expect(try await put([now - 3 * day - 1, now - 3 * day]) == .object(["expiredLogEventEndIndex": .integer(1)]))
        let found = try await fixture.call(.filterLogEvents, ["logGroupName": .string("g")]).messages
        #expect(found == [now - 3 * day, now, ahead].map(String.init))
    }

    @Test func `the bounds of a put are AWS's`() async throws {
        let fixture = try LogsFixture()
        try await fixture.make()
        func refusal(_ events: [(Int64, String)], stream: String = "s", group: String = "g") async -> String? {
            let events = events.map { JSONValue.object(["timestamp": .integer($0), "message": .string($1)]) }
            return await fixture.refusal(
                .putLogEvents,
                ["logGroupName": .string(group), "logStreamName": .string(stream), "logEvents": .array(events)]
            )?.message
        }
        let now = LogsFixture.start
        #expect(await refusal([(now, String(repeating: "x", count: 1_048_576 - 26))]) == nil)
        #expect(
            await refusal([(now, String(repeating: "x", count: 1_048_576 - 25))])
                == "Upload too large: 1048577 bytes exceeds limit of 1048576"
        )
        #expect(await refusal(Array(repeating: (now, "x"), count: 10_000)) == nil)
        #expect(
            await refusal(Array(repeating: (now, "x"), count: 10_001))?.contains("less than or equal to 10000") == true
        )
        #expect(await refusal([])?.contains("greater than or equal to 1") == true)
        #expect(await refusal([(now, "")])?.contains("'logEvents.1.member.message'") == true)
        #expect(
            await refusal([(now, "a"), (now - 1, "b")])
                == "Log events in a single PutLogEvents request must be in chronological order."
        )
        #expect(
            await refusal([(now - day - 1, "a"), (now, "b")])
                == "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
        )
        #expect(await refusal([(now, "a")], stream: "t") == "The specified log stream does not exist.")
        #expect(await refusal([(now, "a")], group: "h") == "The specified log group does not exist.")
    }

    @Test func `tags of a group`() async throws {
        let fixture = try LogsFixture()
        try await fixture.call(.createLogGroup, ["logGroupName": .string("g"), "tags": .object(["a": .string("1")])])
        let arn = JSONValue.string("arn:aws:logs:us-east-1:000000000000:log-group:g")
        let tags = JSONValue.object(["b": .string("2"), "c": .string("ü /=")])
        try await fixture.call(.tagResource, ["resourceArn": arn, "tags": tags])
        try await fixture.call(.untagResource, ["resourceArn": arn, "tagKeys": .array([.string("b")])])
        let shown = try await fixture.call(.listTagsForResource, ["resourceArn": arn])["tags"]
        #expect(shown == .object(["a": .string("1"), "c": .string("ü /=")]))
        #expect(try await fixture.call(.listTagsLogGroup, ["logGroupName": .string("g")])["tags"] == shown)
        for tags in [["aws:x": "1"], ["a!": "1"], ["": "1"], ["a": String(repeating: "x", count: 257)]] {
            let members: [String: JSONValue] = ["resourceArn": arn, "tags": .object(tags.mapValues(JSONValue.string))]
            #expect(await fixture.refusal(.tagResource, members)?.kind == .invalidParameter, "\(tags)")
        }
        let many = Dictionary(uniqueKeysWithValues: (0..<49).map { ("t\($0)", JSONValue.string("")) })
        #expect(
            await fixture.refusal(.tagResource, ["resourceArn": arn, "tags": .object(many)])?.kind == .tooManyTags
        )
        for other in ["arn:aws:logs:us-east-1:111111111111:log-group:g", "arn:aws:s3:::g", "g"] {
            #expect(
                await fixture.refusal(.listTagsForResource, ["resourceArn": .string(other)])?.kind == .resourceNotFound
            )
        }
    }

    @Test(arguments: LogsOperation.allCases)
    func `a policy is asked for the operation's action on what it is done to`(operation: LogsOperation) throws {
        let fixture = try LogsFixture()
        let arn = "arn:aws:logs:us-east-1:000000000000:log-group:"
        let input = try LogsInput(
            body: Array(
                """
                {"logGroupName": "g", "logStreamName": "s", "resourceArn": "\(arn)g",
                 "logGroupIdentifiers": ["g", "\(arn)h"]}
                """.utf8
            )
        )
        let access = fixture.service.access(operation, input, LogsFixture.caller)
        #expect(access.allSatisfy { $0.action == operation.action })
        let resources = access.map(\.resource)
        switch operation {
        case .describeLogGroups: #expect(resources == [arn + ":log-stream:"])
        case .createLogStream, .deleteLogStream, .getLogEvents, .putLogEvents:
            #expect(resources == [arn + "g:log-stream:s"])
        case .startLiveTail: #expect(resources == [arn + "g:log-stream:", arn + "h:log-stream:"])
        case .tagResource, .untagResource, .listTagsForResource, .tagLogGroup, .untagLogGroup, .listTagsLogGroup:
            #expect(resources == [arn + "g"])
        default: #expect(resources == [arn + "g:log-stream:"])
        }
    }
}
