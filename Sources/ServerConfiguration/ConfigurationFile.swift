// SPDX-License-Identifier: Apache-2.0
import Configuration

/// A configuration file, YAML or JSON by its name.
struct ConfigurationFile: Sendable {
    private let file: HandWrittenFile

    var path: String { file.path }

    /// Throws when the file can't be read or parsed, and when it has a key that is none of ours.
    init(path: String) async throws(ConfigurationError) {
        file = try await HandWrittenFile("configuration file", path: path)
        let unknown = file.keys.filter { !Self.isKnown($0) }.sorted()
        guard unknown.isEmpty else {
            let known = Setting.allCases.compactMap(\.fileKey).joined(separator: ", ")
            let list = unknown.map { "'\($0.debugEscaped)'" }.joined(separator: ", ")
            throw ConfigurationError("The configuration file \(path) has the unknown key \(list). Known are: \(known).")
        }
    }

    func values(_ setting: Setting) throws(ConfigurationError) -> GivenValues? {
        guard let key = setting.fileKey else { return nil }
        if setting.isPair {
            let members = file.keys.filter { $0.hasPrefix("\(key).") }.sorted()
            if !members.isEmpty {
                var texts: [String] = []
                for member in members {
                    let name = String(member.dropFirst(key.count + 1))
                    let value = try read(AbsoluteConfigKey([key, name]), setting)
                    guard value.count == 1 else {
                        throw ConfigurationError("'\(member.debugEscaped)' in \(path) is not one text.")
                    }
                    texts.append("\(name)=\(value[0])")
                }
                return GivenValues(setting: setting, texts: texts, source: .file(path))
            }
        }
        guard file.keys.contains(key) else { return nil }
        return GivenValues(setting: setting, texts: try read(AbsoluteConfigKey([key]), setting), source: .file(path))
    }

    private func read(_ key: AbsoluteConfigKey, _ setting: Setting) throws(ConfigurationError) -> [String] {
        guard let texts = file.texts(key) else {
            throw ConfigurationError(
                "'\(setting.rawValue)' in \(path) is neither a text, nor a number, nor a list of texts (\(setting.names))."
            )
        }
        return texts
    }

    private static func isKnown(_ key: String) -> Bool {
        Setting.allCases.contains { setting in
            guard let fileKey = setting.fileKey else { return false }
            return key == fileKey || (setting.isPair && key.hasPrefix("\(fileKey)."))
        }
    }
}
