// SPDX-License-Identifier: Apache-2.0
import Configuration
import Foundation
import Synchronization
import SystemPackage

/// What somebody has written into a file, YAML or JSON by its name.
struct HandWrittenFile: Sendable {
    /// A larger one is something else.
    static let bytesMax = 1 << 20

    let path: String
    /// As the provider spells them, members of a mapping after a dot.
    let keys: Set<String>
    private let provider: any ConfigProvider

    /// Throws when the file can't be read or parsed; `kind` is what it should be, such as `configuration file`.
    init(_ kind: String, path: String) async throws(ConfigurationError) {
        self.path = path
        let attributes: [FileAttributeKey: Any]
        do {
            attributes = try FileManager.default.attributesOfItem(atPath: path)
        } catch {
            throw ConfigurationError("The \(kind) \(path) can't be read: no such file, or no permission.")
        }
        guard let size = attributes[.size] as? NSNumber, size.intValue <= Self.bytesMax else {
            throw ConfigurationError("The \(kind) \(path) is larger than \(Self.bytesMax) bytes.")
        }
        guard size.intValue > 0 else { throw ConfigurationError("The \(kind) \(path) is empty.") }
        let found = FoundKeys()
        do {
            // The specifier is shown every key of the file: the only way to hear of those that nobody asks for. And
            // everything in the file is treated as secret.
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
            throw ConfigurationError("The \(kind) \(path) can't be used: \(cause)")
        }
        keys = found.all
    }

    /// One text, whatever it is written as, or several; nil for anything else.
    func texts(_ key: AbsoluteConfigKey) -> [String]? {
        // JSON's numbers are true or false to its parser, if it is asked for one of these.
        for type in [ConfigType.string, .int, .double, .bool, .stringArray] {
            switch content(key, as: type) {
            case .string(let text): return [text]
            case .int(let number): return [String(number)]
            case .bool(let flag): return [String(flag)]
            case .double(let number): return [String(number)]
            case .stringArray(let texts): return texts
            default: continue
            }
        }
        return nil
    }

    /// JSON's true is a number to its parser, if it is asked for one.
    func flag(_ key: AbsoluteConfigKey) -> Bool? {
        if case .bool(let flag) = content(key, as: .bool) { flag } else { nil }
    }

    /// nil where it is of another type.
    private func content(_ key: AbsoluteConfigKey, as type: ConfigType) -> ConfigContent? {
        do { return try provider.value(forKey: key, type: type).value?.content } catch { return nil }
    }
}

/// The keys of a file, collected while it is parsed.
private final class FoundKeys: Sendable {
    private let keys = Mutex<Set<String>>([])

    var all: Set<String> { keys.withLock { $0 } }

    /// Answers whether the key's value is secret: all are.
    func insert(_ key: String) -> Bool {
        keys.withLock { _ = $0.insert(key) }
        return true
    }
}
