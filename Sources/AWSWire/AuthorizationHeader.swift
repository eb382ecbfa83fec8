// SPDX-License-Identifier: Apache-2.0

/// An Authorization header in its parts: the algorithm, and fields `NAME=VALUE` with commas between them.
///
/// Read by bytes, as that of every request is: by characters it takes many times as long.
struct AuthorizationHeader {
    let algorithm: Substring
    /// The first that is no field; nothing is read behind it.
    let malformed: Substring?
    private let fields: [(name: Substring, value: Substring)]

    init(_ text: String) {
        let words = Substring(text.utf8.drop { $0 == UInt8(ascii: " ") })
        algorithm = Substring(words.utf8.prefix { $0 != UInt8(ascii: " ") })
        var fields: [(name: Substring, value: Substring)] = []
        var malformed: Substring?
        for part in words.utf8.dropFirst(algorithm.utf8.count).split(separator: UInt8(ascii: ",")) {
            let field = Substring(part).trimmed
            guard let separator = field.utf8.firstIndex(of: UInt8(ascii: "=")) else {
                malformed = field
                break
            }
            let value = field[field.utf8.index(after: separator)...]
            fields.append((field[..<separator].trimmed, value.trimmed))
        }
        self.fields = fields
        self.malformed = malformed
    }

    /// Where a field is there twice, the last of them.
    subscript(_ name: String) -> Substring? { fields.last { $0.name == name }?.value }
}

extension Substring {
    /// Without spaces and tabs at its ends.
    fileprivate var trimmed: Substring {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var bytes = utf8.drop(while: isBlank)
        while let last = bytes.last, isBlank(last) { bytes.removeLast() }
        return Substring(bytes)
    }
}
