// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// Something that subscribers hear of.
package struct TelemetryEvent: Equatable, Sendable {
    package enum Content: Equatable, Sendable {
        case platform(PlatformLogLine)
        /// A log event of the function or of an extension.
        ///
        /// `isObject` says that the message is known to be a JSON object, and that the function logs JSON.
        case log(TelemetryCategory, message: String, isObject: Bool)
    }

    package var time: Timestamp
    package var content: Content

    package init(time: Timestamp, content: Content) {
        self.time = time
        self.content = content
    }

    package var category: TelemetryCategory {
        switch content {
        case .platform: .platform
        case .log(let category, _, _): category
        }
    }

    /// What it counts as where it is not encoded: about its size as text.
    var cost: Int {
        switch content {
        case .platform: 512
        case .log(_, let message, _): message.utf8.count + 64
        }
    }

    /// `{"time":…,"type":…,"record":…}` on one line; nil for what the schema does not have.
    package func text(_ schema: TelemetrySchema) -> String? {
        switch content {
        case .platform(let line):
            guard let (type, record) = line.record(for: schema) else { return nil }
            return text(type, record)
        case .log(let category, let message, let isObject):
            guard isObject, schema.hasObjects else { return text(category.rawValue, quoted(message)) }
            // Line ends stand outside strings only (RFC 8259, 7), where a blank means the same.
            let line = String(decoding: message.utf8.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }, as: UTF8.self)
            return text(category.rawValue, line)
        }
    }

    private func text(_ type: String, _ record: String) -> String {
        "{\"time\":\"\(time.iso8601())\",\"type\":\"\(type)\",\"record\":\(record)}"
    }
}
