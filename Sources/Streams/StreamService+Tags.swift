// SPDX-License-Identifier: Apache-2.0
import AWSWire
import StreamCore
import StreamStore

/// The operations on tags, by a stream's name or by its ARN.
extension StreamService {
    static func check(
        _ tags: [String: String],
        beside present: [String: String],
        _ key: StreamKey
    ) throws(StreamError) {
        for (name, value) in tags.sorted(by: { $0.key < $1.key }) {
            guard (1...128).contains(name.utf16.count), value.utf16.count <= 256 else {
                throw StreamError(
                    .validation,
                    "1 validation error detected: Value at 'tags' failed to satisfy constraint: Map keys must have 1 to 128 characters, "
                        + "and values 256 at most"
                )
            }
            guard (name + value).unicodeScalars.allSatisfy(isTagCharacter) else {
                throw .argument(
                    "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . : / = + - % @."
                )
            }
            guard !name.lowercased().hasPrefix("aws:") else {
                throw .argument("Tag keys that begin with aws: are reserved: \(name).")
            }
        }
        guard present.merging(tags, uniquingKeysWith: { $1 }).count <= StreamLimits.tagsMax else {
            throw .argument(
                "Failed to add tags to stream \(key.name) under account \(key.accountID) because a given stream cannot have more than "
                    + "\(StreamLimits.tagsMax) tags associated with it."
            )
        }
    }

    private static func isTagCharacter(_ scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        if properties.isAlphabetic || properties.numericType != nil || properties.generalCategory == .spaceSeparator {
            return true
        }
        return "_.:/=+-%@".unicodeScalars.contains(scalar) || properties.generalCategory == .nonspacingMark
    }

    func addTags(_ input: StreamInput, _ key: StreamKey) async throws {
        var input = input
        input.require("Tags")
        let tags = try input.texts("Tags", counts: 1...200) ?? [:]
        try input.check()
        try await store.update(key) { stream in
            try Self.check(tags, beside: stream.tags, key)
            stream.tags.merge(tags) { $1 }
        }
    }

    func removeTags(_ input: StreamInput, _ key: StreamKey) async throws {
        var input = input
        let names = try input.strings("TagKeys", counts: 1...StreamLimits.tagsMax)
        try input.check()
        try await store.update(key) { stream in
            for name in names { stream.tags[name] = nil }
        }
    }

    private static func json(_ tags: some Sequence<(key: String, value: String)>) -> JSONValue {
        .array(tags.map { .object(["Key": .string($0.key), "Value": .string($0.value)]) })
    }

    func listTagsForStream(_ input: StreamInput, _ key: StreamKey) async throws -> JSONValue {
        var input = input
        let limit = try input.integer("Limit", in: 1...StreamLimits.tagsMax) ?? StreamLimits.tagsMax
        let start = try input.string("ExclusiveStartTagKey", .init(lengths: 1...128))
        try input.check()
        let tags = try await existing(key).tags.sorted { $0.key < $1.key }.filter { $0.key > start ?? "" }
        return .object(["Tags": Self.json(tags.prefix(limit)), "HasMoreTags": .bool(tags.count > limit)])
    }

    func listTagsForResource(_ input: StreamInput, _ key: StreamKey) async throws -> JSONValue {
        let tags = try await existing(key).tags.sorted { $0.key < $1.key }
        return .object(["Tags": Self.json(tags)])
    }
}
