// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import LogStore
import TestSupport
import Testing

@testable import Logs

struct LogsReadingTests {
    private func get(_ fixture: LogsFixture, _ members: [String: JSONValue] = [:]) async throws -> JSONValue {
        let own: [String: JSONValue] = ["logGroupName": .string("g"), "logStreamName": .string("s")]
        return try await fixture.call(.getLogEvents, own.merging(members) { $1 })
    }

    private func filter(_ fixture: LogsFixture, _ members: [String: JSONValue] = [:]) async throws -> [String] {
        var members = members.merging(["logGroupName": .string("g")]) { $1 }
        var messages: [String] = []
        while true {
            let page = try await fixture.call(.filterLogEvents, members)
            messages += page.messages
            guard let token = page["nextToken"] else { return messages }
            members["nextToken"] = token
        }
    }

    @Test func `a stream is read from its head or its end, and the end is told by the same token`() async throws {
        let fixture = try LogsFixture()
        try await fixture.make()
        try await fixture.put((0..<10).map { "\($0)" })
        let first = try await get(fixture, ["startFromHead": .bool(true), "limit": .integer(4)])
        #expect(first.messages == ["0", "1", "2", "3"])
        let second = try await get(fixture, ["nextToken": first["nextForwardToken"] ?? .null, "limit": .integer(100)])
        #expect(second.messages == ["4", "5", "6", "7", "8", "9"])
        let end = second["nextForwardToken"] ?? .null
        let third = try await get(fixture, ["nextToken": end])
        #expect(third.messages.isEmpty && third["nextForwardToken"] == end)
        let back = try await get(fixture, ["nextToken": third["nextBackwardToken"] ?? .null, "limit": .integer(3)])
        #expect(back.messages == ["7", "8", "9"])
        // What comes is behind the token.
        try await fixture.put(["new"], at: LogsFixture.start + 100)
        #expect(try await get(fixture, ["nextToken": end]).messages == ["new"])
        // From the end, where nothing is said.
        let last = try await get(fixture, ["limit": .integer(2)])
        #expect(last.messages == ["9", "new"])
        let before = try await get(fixture, ["nextToken": last["nextBackwardToken"] ?? .null])
        #expect(before.messages == (0..<9).map { "\($0)" })
        let beginning = before["nextBackwardToken"] ?? .null
        let none = try await get(fixture, ["nextToken": beginning])
        #expect(none.messages.isEmpty && none["nextBackwardToken"] == beginning)
        #expect(try await get(fixture, ["nextToken": last["nextForwardToken"] ?? .null]).messages.isEmpty)
    }

    @Test func `an empty stream has tokens, and what comes is read by them`() async throws {
        for startsFromHead in [true, false] {
            let fixture = try LogsFixture()
            try await fixture.make()
            let page = try await get(fixture, ["startFromHead": .bool(startsFromHead)])
            let token = try #require(page["nextForwardToken"])
            #expect(page.messages.isEmpty)
            #expect(try await get(fixture, ["nextToken": token])["nextForwardToken"] == token)
            try await fixture.put(["x"])
            #expect(try await get(fixture, ["nextToken": token]).messages == ["x"])
        }
    }

    /// Reads back and forth by whatever token there is: each step finds what lies on that side, next to where it was.
    @Test(arguments: UInt64(0)..<20)
    func `any walk by tokens stays in order`(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let fixture = try LogsFixture()
        try await fixture.make()
        var count = 0
        func grow(_ more: Int) async throws {
            // Events of one time too, in the order in which they came.
            for _ in 0..<more {
                try await fixture.put(["\(count)"], at: LogsFixture.start + Int64(count / 3))
                count += 1
            }
        }
        try await grow(20)
        var page = try await get(fixture, ["startFromHead": .bool(true), "limit": .integer(5)])
        // The reader stands between two events: the numbers on both sides.
        var (low, high) = (0, 5)
        #expect(page.messages == (0..<5).map(String.init))
        for _ in 0..<30 {
            if random.oneIn(5) { try await grow(1 + random.below(3)) }
            let limit = 1 + random.below(6)
            let isForward = random.oneIn(2)
            let token = page[isForward ? "nextForwardToken" : "nextBackwardToken"] ?? .null
            page = try await get(fixture, ["nextToken": token, "limit": .integer(limit)])
            let wanted = isForward ? high..<min(count, high + limit) : max(0, low - limit)..<low
            #expect(page.messages == wanted.map(String.init), "seed \(seed)")
            if wanted.isEmpty {
                (low, high) = isForward ? (high, high) : (low, low)
            } else {
                (low, high) = (wanted.lowerBound, wanted.upperBound)
            }
        }
    }

    @Test func `times bound a read, the end in one and out of the other`() async throws {
        let fixture = try LogsFixture()
        try await fixture.make()
        try await fixture.put((0..<10).map { "\($0)" })
        let times: [String: JSONValue] = [
            "startTime": .integer(LogsFixture.start + 2), "endTime": .integer(LogsFixture.start + 5),
        ]
        #expect(try await get(fixture, times).messages == ["2", "3", "4"])
        #expect(try await filter(fixture, times) == ["2", "3", "4", "5"])
    }

    @Test func `a page has a mebibyte of messages at most, and one message at least`() async throws {
        let fixture = try LogsFixture()
        try await fixture.make()
        let large = String(repeating: "ü", count: 250_000)
        for index in 0..<5 { try await fixture.put([large], at: LogsFixture.start + Int64(index)) }
        #expect(try await get(fixture, ["startFromHead": .bool(true)]).messages.count == 2)
        #expect(try await get(fixture).messages.count == 2)
        let page = try await fixture.call(.filterLogEvents, ["logGroupName": .string("g")])
        #expect(page.messages.count == 2 && page["nextToken"] != nil)
        #expect(try await filter(fixture).count == 5)
    }

    @Test func `several streams are read together, by name or by what they begin with`() async throws {
        let fixture = try LogsFixture()
        try await fixture.make(stream: "a/1")
        for (index, name) in ["a/2", "b/1", "a/1"].enumerated() {
            if name != "a/1" {
                try await fixture.call(
                    .createLogStream,
                    ["logGroupName": .string("g"), "logStreamName": .string(name)]
                )
            }
            try await fixture.put([name, name], at: LogsFixture.start - Int64(index), stream: name)
        }
        #expect(try await filter(fixture, ["limit": .integer(1)]) == ["a/1", "b/1", "a/1", "a/2", "b/1", "a/2"])
        func named(_ names: String...) -> [String: JSONValue] {
            ["logStreamNames": .array(names.map(JSONValue.string)), "limit": .integer(2)]
        }
        #expect(try await filter(fixture, named("a/1", "b/1")) == ["a/1", "b/1", "a/1", "b/1"])
        #expect(try await filter(fixture, ["logStreamNamePrefix": .string("a/")]) == ["a/1", "a/1", "a/2", "a/2"])
        #expect(try await filter(fixture, ["logStreamNamePrefix": .string("c")]).isEmpty)
        let missing = named("a/1", "x").merging(["logGroupName": .string("g")]) { $1 }
        #expect(await fixture.refusal(.filterLogEvents, missing) == .noStream)
    }

    @Test func `a pattern filters, and one that is none is refused`() async throws {
        let fixture = try LogsFixture()
        try await fixture.make()
        try await fixture.put(["ERROR one", "fine", #"{"level": "error", "n": 5}"#, "ERROR two", "a b 404"])
        #expect(
            try await filter(fixture, ["filterPattern": .string("ERROR"), "limit": .integer(1)]) == [
                "ERROR one", "ERROR two",
            ]
        )
        #expect(
            try await filter(fixture, ["filterPattern": .string("{ $.n > 4 }")]) == [#"{"level": "error", "n": 5}"#]
        )
        #expect(try await filter(fixture, ["filterPattern": .string("[a, b, c = 4*]")]) == ["a b 404"])
        let members: [String: JSONValue] = ["logGroupName": .string("g"), "filterPattern": .string("a:b")]
        #expect(
            await fixture.refusal(.filterLogEvents, members)
                == LogsError(.invalidParameter, "Invalid character(s) in term 'a:b'")
        )
    }

    @Test(arguments: ["", "x", "f/", "f/1/1", "b/1/1/", "f/1/1/s/s", "f/1/-1/s", "g/1/1/s", "f//s", "f/s"])
    func `a token that was not given out is refused`(token: String) async throws {
        let fixture = try LogsFixture()
        try await fixture.make()
        let members: [String: JSONValue] = [
            "logGroupName": .string("g"), "logStreamName": .string("s"), "nextToken": .string(token),
        ]
        #expect(await fixture.refusal(.getLogEvents, members)?.kind == .invalidParameter)
        #expect(await fixture.refusal(.filterLogEvents, members)?.kind == .invalidParameter)
    }

    @Test func `a group may be named by its ARN`() async throws {
        let fixture = try LogsFixture()
        try await fixture.make()
        try await fixture.put(["x"])
        let arn = "arn:aws:logs:us-east-1:000000000000:log-group:g"
        for identifier in ["g", arn, arn + ":*"] {
            let members: [String: JSONValue] = [
                "logGroupIdentifier": .string(identifier), "logStreamName": .string("s"),
            ]
            #expect(try await fixture.call(.getLogEvents, members).messages == ["x"])
        }
        let both: [String: JSONValue] = ["logGroupIdentifier": .string(arn), "logGroupName": .string("g")]
        #expect(await fixture.refusal(.filterLogEvents, both)?.kind == .invalidParameter)
        let other = arn.replacing("us-east-1", with: "eu-west-1")
        #expect(await fixture.refusal(.filterLogEvents, ["logGroupIdentifier": .string(other)]) == .noGroup)
    }

    @Test func `where what came last can't be read the caller is told`() async throws {
        let fixture = try LogsFixture(pagesMax: 60)
        try await fixture.make()
        try await fixture.fill()
        let members: [String: JSONValue] = ["logGroupName": .string("g"), "logStreamName": .string("s")]
        for operation in [LogsOperation.filterLogEvents, .getLogEvents, .describeLogStreams, .putRetentionPolicy] {
            var members = members
            if operation == .filterLogEvents { members["logStreamName"] = nil }
            if operation == .putRetentionPolicy { members["retentionInDays"] = .integer(1) }
            let refusal = await fixture.refusal(operation, members)
            #expect(refusal?.kind == .serviceUnavailable && refusal?.status == 503)
            #expect(refusal?.message.contains("disk is full") == true)
        }
        // What makes room does not wait for it.
        try await fixture.store.sweep()
    }
}
