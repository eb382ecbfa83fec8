// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import LambdaModel
import LogStore
import Logging
import MetadataStore

/// What the server has to say in a function's log, beside the function.
enum FunctionNotes {
    /// Warnings, in the form that the function's log has.
    ///
    /// `topic` ends the stream's name: `configuration` for `2025/11/24/[$LATEST]configuration`.
    static func entry(
        _ notes: [String],
        _ configuration: FunctionConfiguration,
        topic: String,
        at time: Timestamp
    ) -> JournalEntry {
        let key = configuration.key
        let day = time.iso8601(suffix: "Z").prefix(10).replacing("-", with: "/")
        let events = notes.map { note in
            let text =
                configuration.logging.format == .json
                ? JSONValue.object([
                    "level": .string("WARN"), "message": .string(note),
                    "timestamp": .string(time.iso8601(suffix: "Z")),
                ]).text
                : "[WARNING] \(note)"
            return LogEvent(timestamp: time, message: text)
        }
        return JournalEntry(
            group: LogGroupKey(accountID: key.accountID, region: key.region, name: configuration.logging.logGroup),
            stream: "\(day)/[\(configuration.version)]\(topic)",
            events: events,
            usage: nil
        )
    }
}

extension ControlPlane {
    /// Writes into the log of a function what became of its asynchronous events; nothing for one that is gone.
    package func noteOnEvents(_ text: String, of key: FunctionKey) async {
        do {
            guard let record = try await metadata.read({ try $0.record(key) }) else { return }
            await activator.write([text], record.configuration, topic: "asynchronous")
        } catch {
            logger.error("notes on a function not written", metadata: ["cause": "\(error)"])
        }
    }
}
