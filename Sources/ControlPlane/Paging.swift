// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel

/// Markers are opaque to callers: where the next page starts, in base64.
extension ControlPlane {
    /// Most items on one page, whatever `MaxItems` asks for.
    static let pageMax = 50

    static func pageLimit(_ maxItems: Int?) -> Int { min(pageMax, max(1, maxItems ?? pageMax)) }

    static func marker(_ text: String) -> String { Base64.encodeURL(Array(text.utf8)) }

    /// nil for none and for an empty one, which stand for the first page.
    static func text(marker: String?) throws(LambdaError) -> String? {
        guard let marker, !marker.isEmpty else { return nil }
        guard let bytes = Base64.decodeURL(marker), let text = String(validating: bytes, as: UTF8.self) else {
            throw invalidMarker
        }
        return text
    }

    static let invalidMarker = LambdaError.invalidParameterValue(message: "Invalid Marker.")

    /// One page of items that are in ascending order (byte by byte) of what `id` says.
    static func page<Item>(
        _ items: [Item],
        by id: (Item) -> String,
        after marker: String?,
        limit: Int?
    ) throws(LambdaError) -> (page: [Item], next: String?) {
        let start = try text(marker: marker)
        let rest =
            start.map { start in items.drop { !start.utf8.lexicographicallyPrecedes(id($0).utf8) } } ?? items[...]
        let page = Array(rest.prefix(pageLimit(limit)))
        return (page, page.count < rest.count ? page.last.map { Self.marker(id($0)) } : nil)
    }
}
