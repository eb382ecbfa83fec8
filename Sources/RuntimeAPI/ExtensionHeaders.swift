// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import NIOHTTP1

/// What an extension says of itself in headers, and its registration's body.
struct ExtensionHeaders {
    private struct Body: Decodable {
        var events: [String]?
        var configurationKeys: [String]?
    }

    /// Events of one registration; there are two to register for.
    private static let eventsMax = 16
    /// Longest error type that goes into a log line.
    private static let errorTypeBytesMax = 128

    let name: String?
    let identifier: String?
    /// Without the characters that have no place in a log line.
    let errorType: String?
    private let features: [Substring]

    init(_ headers: HTTPHeaders) {
        name = headers.first(name: "Lambda-Extension-Name")
        identifier = headers.first(name: "Lambda-Extension-Identifier")
        features = headers[canonicalForm: "Lambda-Extension-Accept-Feature"]
        errorType = headers.first(name: "Lambda-Extension-Function-Error-Type").flatMap { value in
            let kept = value.unicodeScalars.filter { $0.isASCII && $0.value > 0x20 && $0.value < 0x7F }
            return kept.isEmpty ? nil : String(String.UnicodeScalarView(kept.prefix(Self.errorTypeBytesMax)))
        }
    }

    func registration(_ body: [UInt8]) -> ExtensionRegistration {
        do {
            let decoded = try JSONDecoder().decode(Body.self, from: Data(body))
            if decoded.configurationKeys?.isEmpty == false {
                return .malformed(reason: "configurationKeys are deprecated; use environment variables instead")
            }
            let events = decoded.events ?? []
            guard events.count <= Self.eventsMax else { return .malformed(reason: "too many events") }
            return .events(events, wantsAccountID: features.contains("accountId"))
        } catch {
            return .malformed(reason: "the body is not a registration in JSON")
        }
    }
}
