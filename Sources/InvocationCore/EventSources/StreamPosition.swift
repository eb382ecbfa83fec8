// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// Where in a shard reading begins or goes on.
package enum StreamPosition: Equatable, Sendable {
    /// With the oldest record that is left.
    case trimHorizon
    /// With what comes from now on, which is the time given.
    case latest(Timestamp)
    /// With the first record of that time or later.
    case since(Timestamp)
    /// With the record after that sequence number.
    case after(String)
    /// Nowhere: the shard is closed, and was read to its end.
    case end

    /// As it is kept; `latest` is kept as the time that it was.
    package var text: String {
        switch self {
        case .trimHorizon: "start"
        case .latest(let time), .since(let time): "since \(time.millisecondsSinceEpoch)"
        case .after(let sequence): "after \(sequence)"
        case .end: "end"
        }
    }

    /// Reads `text`; nil for anything else.
    package init?(text: String) {
        let words = text.split(separator: " ", maxSplits: 1)
        switch words.first {
        case "start" where words.count == 1: self = .trimHorizon
        case "end" where words.count == 1: self = .end
        case "after" where words.count == 2: self = .after(String(words[1]))
        case "since" where words.count == 2:
            guard let time = Int64(words[1]) else { return nil }
            self = .since(Timestamp(millisecondsSinceEpoch: time))
        default: return nil
        }
    }
}
