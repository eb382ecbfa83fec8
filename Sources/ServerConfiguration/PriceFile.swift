// SPDX-License-Identifier: Apache-2.0
import Configuration
import Foundation
package import LambdaModel
import SystemPackage

/// A price list in a file, YAML or JSON by its name: examples/prices has two.
package enum PriceFile {
    private static let bytesMax = 1 << 20

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
        let text = try contents(path)
        let found = FoundKeys()
        let provider: any ConfigProvider
        do {
            if path.lowercased().hasSuffix(".json") {
                provider = try await FileProvider<JSONSnapshot>(
                    parsingOptions: .init(secretsSpecifier: .dynamic { key, _ in found.insert(key) }),
                    filePath: FilePath(path)
                )
            } else {
                provider = try await FileProvider<YAMLSnapshot>(
                    parsingOptions: .init(secretsSpecifier: .dynamic { key, _ in found.insert(key) }),
                    filePath: FilePath(path)
                )
            }
        } catch {
            let cause = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
            throw ConfigurationError("The price file \(path) can't be used: \(cause)")
        }
        let fields = Fields(path: path, lines: text.split(separator: "\n", omittingEmptySubsequences: false), provider)
        if let unknown = found.all.filter({ !keys.contains($0) }).sorted().first {
            throw fields.refusal(unknown, "is none of \(keys.joined(separator: ", "))")
        }
        if let missing = keys.first(where: { !found.all.contains($0) }) {
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

    private static func contents(_ path: String) throws(ConfigurationError) -> String {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw ConfigurationError("The price file \(path) can't be read: no such file, or no permission.")
        }
        defer { file.closeFile() }
        let data: Data
        do { data = try file.read(upToCount: bytesMax + 1) ?? Data() } catch {
            throw ConfigurationError("The price file \(path) can't be read: \(error.localizedDescription)")
        }
        guard !data.isEmpty, data.count <= bytesMax else {
            throw ConfigurationError("The price file \(path) is empty, or larger than \(bytesMax) bytes.")
        }
        return String(decoding: data, as: UTF8.self)
    }

    /// The file's values as what they have to be.
    private struct Fields {
        let path: String
        let lines: [Substring]
        let provider: any ConfigProvider

        init(path: String, lines: [Substring], _ provider: any ConfigProvider) {
            self.path = path
            self.lines = lines
            self.provider = provider
        }

        func text(_ key: String) throws(ConfigurationError) -> String {
            for type in [ConfigType.string, .int, .double, .bool] {
                let content: ConfigContent?
                do { content = try provider.value(forKey: Self.absolute(key), type: type).value?.content } catch {
                    continue
                }
                switch content {
                case .string(let text): return text
                case .int(let number): return String(number)
                case .double(let number): return String(number)
                case .bool(let flag): return String(flag)
                default: continue
                }
            }
            throw refusal(key, "is neither a text nor a number")
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
            let content: ConfigContent?
            do {
                // JSON's true is a number to its parser, if it is asked for one.
                content = try provider.value(forKey: Self.absolute(key), type: .bool).value?.content
            } catch {
                content = nil
            }
            guard case .bool(let flag)? = content else { throw refusal(key, "is true or false") }
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
