// SPDX-License-Identifier: Apache-2.0
import AWSWire

/// The error that a service answers with: `<Error><Code>…</Code><Message>…</Message>…</Error>`, or `__type` and `message` in JSON.
///
/// Services that spoke another protocol once, as SQS did, name the code of that time in a header, which SDKs show in place of the type.
/// Of XML it reads these two elements and no other; who sends it is not trusted.
package struct ServiceErrorBody: Equatable, Sendable {
    /// More of an answer is not read.
    package static let bytesMax = 64 << 10
    /// Longer texts are cut.
    static let textMax = 256

    package var code: String?
    package var message: String?

    /// - Parameters:
    ///   - body: its first 64 KiB are looked at.
    ///   - queryError: the header `x-amzn-query-error`: a code, a semicolon, and whose fault it is.
    package init(_ body: [UInt8], queryError: String? = nil) {
        let body = Array(body.prefix(Self.bytesMax))
        if body.first == UInt8(ascii: "{"), let value = try? JSONValue(parsing: body) {
            // `com.amazonaws.sqs#QueueDoesNotExist`
            code = value["__type"]?.string.map { Self.shown($0.split(separator: "#").last.map(String.init) ?? $0) }
            message = (value["message"] ?? value["Message"])?.string.map(Self.shown)
        } else {
            code = S3XML.elements("Code", of: body[...]).first.map(Self.shown)
            message = S3XML.elements("Message", of: body[...]).first.map(Self.shown)
        }
        let former = Self.shown(String((queryError ?? "").prefix { $0 != ";" }))
        if !former.isEmpty { code = former }
    }

    /// Without control characters, and cut.
    static func shown(_ text: String) -> String {
        let printable = text.unicodeScalars.filter { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) }
        return String(String(String.UnicodeScalarView(printable)).prefix(textMax))
    }
}
