// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel

/// Which of the function's own log events are kept, and when they happened.
///
/// In the JSON format Lambda looks at every event's level (AWS Lambda Developer Guide, "Log-level filtering"): a runtime's
/// frame names it, else a JSON object that has both a level and a timestamp; anything else counts as INFO.
struct ApplicationLogFilter: Sendable {
    /// A time that an event claims is believed if it is not in the future and at most this much in the past, in milliseconds.
    static let delayMax: Int64 = 300_000

    /// nil in the text format, where everything is kept as it is.
    var levelMin: LogLevel?

    /// The event's time; nil for an event that is left out.
    func time(
        of message: ArraySlice<UInt8>,
        frame: TelemetryFrames.Frame? = nil,
        readAt now: Timestamp
    ) -> Timestamp? {
        guard let levelMin else { return Self.believed(frame?.time, now) }
        if let frame, let level = frame.level { return level >= levelMin ? Self.believed(frame.time, now) : nil }
        let claim = Self.claim(message)
        guard (claim?.level ?? .info) >= levelMin else { return nil }
        return Self.believed(frame?.time ?? claim?.time, now)
    }

    private static func believed(_ time: Timestamp?, _ now: Timestamp) -> Timestamp {
        guard let time, time <= now,
            now.millisecondsSinceEpoch - max(0, time.millisecondsSinceEpoch) <= delayMax
        else { return now }
        return time
    }

    /// The names are those that the loggers of Lambda's own runtimes use.
    private static func claim(_ message: ArraySlice<UInt8>) -> (level: LogLevel, time: Timestamp)? {
        guard message.first(where: { $0 != UInt8(ascii: " ") }) == UInt8(ascii: "{") else { return nil }
        let value: JSONValue
        do { value = try JSONValue(parsing: Array(message)) } catch { return nil }
        func member(_ names: String...) -> String? { names.lazy.compactMap { value[$0]?.string }.first }
        guard let time = member("timestamp", "Timestamp", "@timestamp", "time").flatMap(Timestamp.init(rfc3339:)),
            let level = member("level", "Level", "LogLevel").flatMap(LogLevel.init(spelling:))
        else { return nil }
        return (level, time)
    }
}
