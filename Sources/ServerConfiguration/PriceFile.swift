// SPDX-License-Identifier: Apache-2.0
import Configuration
import Foundation
package import LambdaModel

/// A price list in a file, YAML or JSON by its name: examples/prices has two.
package enum PriceFile {
    /// Keys as the file's parser spells them, members of a mapping after a dot; all have to be there.
    private static let keys =
        [
            "name", "currency", "rounding-milliseconds", "bills-initialization", "million-requests",
            "ephemeral-storage", "egress-gibibyte", "free-requests", "free-gigabyte-seconds",
        ]
        + Architecture.allCases.flatMap { architecture in
            ["duration", "provisioned-duration", "provisioned"].map { "\(architecture.rawValue).\($0)" }
        }

    /// - Throws: `ConfigurationError`, which names the file, the line where there is one, and the key.
    package static func read(_ path: String) async throws(ConfigurationError) -> PriceList {
        let file = try await HandWrittenFile("price file", path: path)
        let fields = Fields(file, lines: try lines(path))
        if let unknown = file.keys.filter({ !keys.contains($0) }).sorted().first {
            throw fields.refusal(unknown, "is none of \(keys.joined(separator: ", "))")
        }
        if let missing = keys.first(where: { !file.keys.contains($0) }) {
            throw ConfigurationError("\(path): '\(missing)' is missing.")
        }
        return try list(fields)
    }

    private static func list(_ fields: Fields) throws(ConfigurationError) -> PriceList {
        func compute(_ architecture: Architecture) throws(ConfigurationError) -> PriceList.Compute {
            PriceList.Compute(
                duration: try fields.price("\(architecture.rawValue).duration"),
                provisionedDuration: try fields.price("\(architecture.rawValue).provisioned-duration"),
                provisioned: try fields.price("\(architecture.rawValue).provisioned")
            )
        }
        let currency = try fields.text("currency")
        guard currency.utf8.count == 3, currency.utf8.allSatisfy({ (65...90).contains($0) }) else {
            throw fields.refusal("currency", "is three capital letters, such as USD")
        }
        let name = try fields.text("name")
        guard (1...100).contains(name.count), !name.unicodeScalars.contains(where: { $0.value < 0x20 }) else {
            throw fields.refusal("name", "is one line of 1 to 100 characters")
        }
        return PriceList(
            name: name,
            currency: currency,
            roundingMilliseconds: try fields.integer("rounding-milliseconds", 1...60_000),
            billsInitialization: try fields.flag("bills-initialization"),
            millionRequests: try fields.price("million-requests"),
            x86: try compute(.x86_64),
            arm: try compute(.arm64),
            ephemeralStorage: try fields.price("ephemeral-storage"),
            egressGibibyte: try fields.price("egress-gibibyte"),
            freeRequests: try fields.integer("free-requests", 0...1_000_000_000_000),
            freeGigabyteSeconds: try fields.integer("free-gigabyte-seconds", 0...1_000_000_000_000)
        )
    }

    /// For what a mistake is told with.
    private static func lines(_ path: String) throws(ConfigurationError) -> [Substring] {
        let text: String
        do { text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self) } catch {
            throw ConfigurationError("The price file \(path) can't be read: \(error.localizedDescription)")
        }
        return text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The file's values as what they have to be.
    private struct Fields {
        private let file: HandWrittenFile
        private let lines: [Substring]

        init(_ file: HandWrittenFile, lines: [Substring]) {
            self.file = file
            self.lines = lines
        }

        private var path: String { file.path }

        func text(_ key: String) throws(ConfigurationError) -> String {
            guard let texts = file.texts(Self.absolute(key)), texts.count == 1 else {
                throw refusal(key, "is neither a text nor a number")
            }
            return texts[0]
        }

        private static func absolute(_ key: String) -> AbsoluteConfigKey {
            AbsoluteConfigKey(key.split(separator: ".").map(String.init))
        }

        func price(_ key: String) throws(ConfigurationError) -> Price {
            guard let price = Price(try text(key)) else {
                throw refusal(
                    key,
                    "is a price: a number from 0 to \(Price.wholeMax) with at most \(Price.decimalsMax) decimals"
                )
            }
            return price
        }

        func integer(_ key: String, _ range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
            guard let value = Int(try text(key)), range.contains(value) else {
                throw refusal(key, "is a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            return value
        }

        func flag(_ key: String) throws(ConfigurationError) -> Bool {
            guard let flag = file.flag(Self.absolute(key)) else { throw refusal(key, "is true or false") }
            return flag
        }

        /// `problem` reads on after the key; the line is the first that has it, below its mapping's.
        func refusal(_ key: String, _ problem: String) -> ConfigurationError {
            var line = lines.startIndex
            for part in key.split(separator: ".") {
                guard let next = lines[line...].firstIndex(where: { Self.names($0, part) }) else {
                    return ConfigurationError("\(path): '\(key.debugEscaped)' \(problem).")
                }
                line = next
            }
            return ConfigurationError("\(path):\(line + 1): '\(key.debugEscaped)' \(problem).")
        }

        private static func names(_ line: Substring, _ key: Substring) -> Bool {
            line.split(whereSeparator: ":,{".contains)
                .contains { $0.trimmingCharacters(in: CharacterSet(charactersIn: " \t\"'")) == key }
        }
    }
}
