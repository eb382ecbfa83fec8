// SPDX-License-Identifier: Apache-2.0
import Configuration
import Foundation
import Synchronization
import SystemPackage

/// A configuration file, YAML or JSON by its name.
struct ConfigurationFile: Sendable {
    /// A configuration file is written by hand: a larger one is something else.
    static let bytesMax = 1 << 20

    var path: String
    private let provider: any ConfigProvider
    /// As the provider spells them, members of a mapping after a dot.
    private let keys: Set<String>

    /// Throws when the file can't be read or parsed, and when it has a key that is none of ours.
    init(path: String) async throws(ConfigurationError) {
        self.path = path
        let attributes: [FileAttributeKey: Any]
        do {
            attributes = try FileManager.default.attributesOfItem(atPath: path)
        } catch {
            throw ConfigurationError("The configuration file \(path) can't be read: no such file, or no permission.")
        }
        guard let size = attributes[.size] as? NSNumber, size.intValue <= Self.bytesMax else {
            throw ConfigurationError("The configuration file \(path) is larger than \(Self.bytesMax) bytes.")
        }
        guard size.intValue > 0 else {
            throw ConfigurationError("The configuration file \(path) is empty.")
        }
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
            throw ConfigurationError("The configuration file \(path) can't be used: \(cause)")
        }
        keys = found.all
        let unknown = keys.filter { !Self.isKnown($0) }.sorted()
        guard unknown.isEmpty else {
            let known = Setting.allCases.compactMap(\.fileKey).joined(separator: ", ")
            let list = unknown.map { "'\($0.debugEscaped)'" }.joined(separator: ", ")
            throw ConfigurationError("The configuration file \(path) has the unknown key \(list). Known are: \(known).")
        }
    }

    func values(_ setting: Setting) throws(ConfigurationError) -> GivenValues? {
        guard let key = setting.fileKey else { return nil }
        if setting.isPair {
            let members = keys.filter { $0.hasPrefix("\(key).") }.sorted()
            if !members.isEmpty {
                var texts: [String] = []
                for member in members {
                    let name = String(member.dropFirst(key.count + 1))
                    guard let value = try read(AbsoluteConfigKey([key, name]), setting), value.count == 1 else {
                        throw ConfigurationError("'\(member.debugEscaped)' in \(path) is not one text.")
                    }
                    texts.append("\(name)=\(value[0])")
                }
                return GivenValues(setting: setting, texts: texts, source: .file(path))
            }
        }
        guard keys.contains(key) else { return nil }
        guard let texts = try read(AbsoluteConfigKey([key]), setting) else { return nil }
        return GivenValues(setting: setting, texts: texts, source: .file(path))
    }

    private func read(_ key: AbsoluteConfigKey, _ setting: Setting) throws(ConfigurationError) -> [String]? {
        let types: [ConfigType] = [.string, .int, .bool, .double, .stringArray]
        for type in types {
            let content: ConfigContent?
            do {
                content = try provider.value(forKey: key, type: type).value?.content
            } catch {
                continue  // Of another type.
            }
            switch content {
            case .string(let text): return [text]
            case .int(let number): return [String(number)]
            case .bool(let flag): return [String(flag)]
            case .double(let number): return [String(number)]
            case .stringArray(let texts): return texts
            default: continue
            }
        }
        throw ConfigurationError(
            "'\(setting.rawValue)' in \(path) is neither a text, nor a number, nor a list of texts (\(setting.names))."
        )
    }

    private static func isKnown(_ key: String) -> Bool {
        Setting.allCases.contains { setting in
            guard let fileKey = setting.fileKey else { return false }
            return key == fileKey || (setting.isPair && key.hasPrefix("\(fileKey)."))
        }
    }
}

/// The keys of a file, collected while it is parsed.
final class FoundKeys: Sendable {
    private let keys = Mutex<Set<String>>([])

    var all: Set<String> { keys.withLock { $0 } }

    /// Answers whether the key's value is secret: all are.
    func insert(_ key: String) -> Bool {
        keys.withLock { _ = $0.insert(key) }
        return true
    }
}
