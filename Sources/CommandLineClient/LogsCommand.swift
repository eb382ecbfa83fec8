// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import ArgumentParser
import Foundation
import LambdaModel
import ServerConfiguration

/// `martlet logs`: a function's log events in the order of their time.
package struct LogsCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Print a function's log."
    )

    @Argument(help: "The function's name.")
    private var name: String

    @Flag(help: "Go on with new events until interrupted.")
    private var follow = false

    @Option(help: ArgumentHelp("How far back, such as 90s, 10m or 24h (default: 24h).", valueName: "time"))
    private var since: String?

    @Option(help: ArgumentHelp("Print only the last so many events (default: 10000).", valueName: "count"))
    private var limit = 10_000

    @Option(
        name: .customLong("filter-pattern"),
        help: ArgumentHelp(
            "Print only events that match it, in CloudWatch Logs' language, such as ERROR or '{ $.level = \"WARN\" }'.",
            valueName: "pattern"
        )
    )
    private var filter: String?

    @Option(help: ArgumentHelp("Only what ran as this version, such as 3 or $LATEST.", valueName: "version"))
    private var version: String?

    @Flag(help: "Print events as JSON, one a line.")
    private var json = false

    @OptionGroup private var connection: ConnectionOptions

    package init() {}

    package func validate() throws {
        guard (1...1_000_000).contains(limit) else { throw ValidationError("--limit is from 1 to 1000000.") }
        if let since, Duration(configured: since) == nil {
            throw ValidationError("--since is a time such as 90s, 10m or 24h.")
        }
    }

    package func run() async throws {
        try await reportingErrors {
            try await LambdaClient.with(connection.location()) { client in
                let reader = try await LogReader(client: client, function: name, filter: filter, version: version)
                var back = Duration.seconds(86_400)
                if let since, let given = Duration(configured: since) { back = given }
                var cursor = FollowCursor(start: Timestamp.now.advanced(by: .zero - back))
                let clock = ContinuousClock()
                let (kept, began) = try await events(reader, cursor)
                for event in kept where cursor.isNew(event) { try event.print(isJSON: json) }
                cursor.look(endedThatBegan: began)
                if kept.isEmpty, !follow {
                    Terminal.note("martlet: no log events of \(Terminal.harmless(name)) in the last \(since ?? "24h").")
                }
                var pause = FollowPace.pauseMin
                while follow {
                    try await Task.sleep(for: pause)
                    let start = clock.now
                    let (events, began) = try await events(reader, cursor)
                    pause = FollowPace.pause(after: clock.now - start)
                    for event in events where cursor.isNew(event) { try event.print(isJSON: json) }
                    cursor.look(endedThatBegan: began)
                }
            }
        }
    }

    /// None where the group is not there: it comes with the first event.
    private func events(_ reader: LogReader, _ cursor: FollowCursor) async throws -> ([LogLine], began: Timestamp?) {
        do {
            return try await reader.last(limit, from: cursor.start)
        } catch let error as ClientError where error.name == "ResourceNotFoundException" {
            return ([], nil)
        }
    }
}

/// One event as FilterLogEvents answers it.
struct LogLine: Equatable, Sendable {
    var id: String
    var timestamp: Timestamp
    var message: String
    var stream = ""

    init(id: String, timestamp: Timestamp, message: String) {
        self.id = id
        self.timestamp = timestamp
        self.message = message
    }

    init?(_ json: JSONValue) {
        guard let id = json["eventId"]?.string, let time = json["timestamp"]?.integer,
            let message = json["message"]?.string
        else { return nil }
        self.init(id: id, timestamp: Timestamp(millisecondsSinceEpoch: Int64(time)), message: message)
        stream = json["logStreamName"]?.string ?? ""
    }

    func print(isJSON: Bool) throws(ClientError) {
        guard !isJSON else {
            let members: [String: JSONValue] = [
                "eventId": .string(id), "timestamp": .integer(timestamp.millisecondsSinceEpoch),
                "message": .string(message), "logStreamName": .string(stream),
            ]
            return try Terminal.writeJSON(JSONValue.object(members).text)
        }
        let text = "\(timestamp.iso8601()) \(message.hasSuffix("\n") ? String(message.dropLast()) : message)"
        try Terminal.writeLine(Terminal.isOutputInteractive ? Terminal.harmless(text) : text)
    }
}

/// How long a follower waits between two looks.
enum FollowPace {
    static let pauseMin = Duration.milliseconds(75)
    static let pauseMax = Duration.seconds(2)

    /// Four times as long as the look took: where there is much to look at, or the server has much else to do, it is asked more seldom.
    static func pause(after look: Duration) -> Duration { min(max(look * 4, pauseMin), pauseMax) }
}

/// Which events were printed already.
///
/// Environments write on their own, so an event may arrive after a later one: each look goes back over a window, and
/// what was seen within it is remembered by id.
struct FollowCursor: Equatable, Sendable {
    static let windowMilliseconds: Int64 = 10_000
    /// What arrives later than this is not waited for, where nothing matches.
    static let lateMilliseconds: Int64 = 60_000

    private(set) var start: Timestamp
    private var newest: Timestamp
    private var seen: [String: Timestamp] = [:]

    init(start: Timestamp) {
        self.start = start
        newest = start
    }

    /// All that there was has been looked at: a rare pattern is not sought again and again in what is old.
    mutating func look(endedThatBegan time: Timestamp?) {
        guard let time else { return }
        let edge = Timestamp(millisecondsSinceEpoch: time.millisecondsSinceEpoch - Self.lateMilliseconds)
        guard edge > start else { return }
        start = edge
        seen = seen.filter { $0.value >= edge }
    }

    mutating func isNew(_ event: LogLine) -> Bool {
        guard seen.updateValue(event.timestamp, forKey: event.id) == nil else { return false }
        if event.timestamp > newest {
            newest = event.timestamp
            let edge = Timestamp(millisecondsSinceEpoch: newest.millisecondsSinceEpoch - Self.windowMilliseconds)
            if edge > start {
                start = edge
                if seen.count > 4_096 { seen = seen.filter { $0.value >= edge } }
            }
        }
        return true
    }
}

/// Reads a function's log events by FilterLogEvents, page by page.
struct LogReader: Sendable {
    static let pageEvents = 5_000

    private let client: LambdaClient
    private let group: String
    private let filter: String?
    /// What the names of the wanted streams have in them; nil where the whole group is wanted.
    private let streamPart: String?

    /// Asks the server which group the function writes to; the log of one that was deleted is in the group of its name.
    init(client: LambdaClient, function name: String, filter: String?, version: String?) async throws {
        self.client = client
        self.filter = filter
        let own = "/aws/lambda/\(name)"
        do {
            let answer = try await client.send(.get, LambdaPath.configuration(name)).json()
            group = answer["LoggingConfig"]?["LogGroup"]?.string ?? own
        } catch let error as ClientError where error.name == "ResourceNotFoundException" {
            group = own
        }
        let prefix = group == own ? "" : "/\(name)"
        streamPart = version.map { "\(prefix)[\($0)]" } ?? (group == own ? nil : "\(prefix)[")
    }

    /// The last `count` events from `start`, in order, and when the look began by the server's clock, if it says.
    func last(_ count: Int, from start: Timestamp) async throws -> ([LogLine], began: Timestamp?) {
        var lines: [LogLine] = []
        let clock = ContinuousClock()
        let asked = clock.now
        var began: Timestamp?
        var token: String?
        repeat {
            var request: [String: JSONValue] = [
                "logGroupName": .string(group), "startTime": .integer(max(0, start.millisecondsSinceEpoch)),
                "limit": .integer(Self.pageEvents),
            ]
            if let filter { request["filterPattern"] = .string(filter) }
            if let token { request["nextToken"] = .string(token) }
            let response = try await client.send(
                .post,
                "/",
                headers: [
                    ("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", "Logs_20140328.FilterLogEvents"),
                ],
                body: JSONValue.object(request).bytes,
                service: "logs"
            )
            // Ours may differ, and then nothing would ever be found.
            if token == nil, let date = response.date { began = date.advanced(by: .zero - (clock.now - asked)) }
            let answer = try response.json()
            lines += (answer["events"]?.array ?? []).filter(isOwn).compactMap { LogLine($0) }
            if lines.count > count { lines.removeFirst(lines.count - count) }
            let next = answer["nextToken"]?.string
            // A server that repeats itself would keep us here for ever.
            token = next == token ? nil : next
        } while token != nil
        return (lines, began)
    }

    private func isOwn(_ event: JSONValue) -> Bool {
        guard let streamPart else { return true }
        return event["logStreamName"]?.string?.contains(streamPart) ?? false
    }
}
