// SPDX-License-Identifier: Apache-2.0
import Configuration
import Foundation

/// The places that values come from, asked in the order of their strength, and the forms that values have.
struct Layers: Sendable {
    private let options: [Setting: [String]]
    private let environment: EnvironmentVariablesProvider
    private let workingDirectory: String
    var file: ConfigurationFile?

    init(options: [Setting: [String]], environment: [String: String], workingDirectory: String) {
        self.options = options.filter { !$0.value.isEmpty }
        self.environment = EnvironmentVariablesProvider(environmentVariables: environment, secretsSpecifier: .all)
        self.workingDirectory = workingDirectory
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path)
    }

    // MARK: - Sources

    /// The values of the strongest source that has any; an empty variable counts as absent.
    func given(_ setting: Setting) throws(ConfigurationError) -> GivenValues? {
        if let values = optionValues(setting) { return values }
        if let values = try variableValues(setting) { return values }
        return try file?.values(setting)
    }

    private func optionValues(_ setting: Setting) -> GivenValues? {
        options[setting].map { GivenValues(setting: setting, texts: $0, source: .option) }
    }

    private func variableValues(_ setting: Setting) throws(ConfigurationError) -> GivenValues? {
        guard let text = try variable(AbsoluteConfigKey(["martlet", setting.rawValue])) else { return nil }
        guard setting.isRepeatable else { return GivenValues(setting: setting, texts: [text], source: .variable) }
        let texts = text.split(separator: setting.variableSeparator).map {
            setting.isSecret ? String($0) : $0.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        return GivenValues(setting: setting, texts: texts.filter { !$0.isEmpty }, source: .variable)
    }

    /// A variable's text; nil for an empty one.
    func variable(_ key: AbsoluteConfigKey) throws(ConfigurationError) -> String? {
        let content: ConfigContent?
        do {
            content = try environment.value(forKey: key, type: .string).value?.content
        } catch {
            throw ConfigurationError("The variable \(key) can't be read: \(error)")
        }
        guard case .string(let text) = content, !text.isEmpty else { return nil }
        return text
    }

    // MARK: - Forms

    /// The only value, or nil when the setting was not given.
    func one<Value>(
        _ setting: Setting,
        expected problem: String,
        _ parse: (String) -> Value?
    ) throws(ConfigurationError) -> Value? {
        guard let given = try given(setting) else { return nil }
        guard given.texts.count == 1, let text = given.texts.first else {
            throw given.refused(given.texts.joined(separator: ", "), "is given several times")
        }
        guard let value = parse(text) else { throw given.refused(text, problem) }
        return value
    }

    func choice<Value: RawRepresentable<String> & CaseIterable>(
        _ setting: Setting
    ) throws(ConfigurationError) -> Value? {
        let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
        return try one(setting, expected: "is none of \(names)") { Value(rawValue: $0) }
    }

    func number(
        _ setting: Setting,
        in range: ClosedRange<Int>,
        unit: String
    ) throws(ConfigurationError) -> Int? {
        let problem = "is not a whole number from \(range.lowerBound) to \(range.upperBound) (\(unit))"
        return try one(setting, expected: problem) { text in
            guard text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
            return Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    func flag(_ setting: Setting) throws(ConfigurationError) -> Bool {
        try one(setting, expected: "is neither true nor false") { text in
            switch text.lowercased() {
            case "true", "1", "yes": true
            case "false", "0", "no": false
            default: nil
            }
        } ?? false
    }

    /// A number of seconds, or a number with `ms`, `s`, `m` or `h`.
    func duration(_ setting: Setting, upTo max: Duration) throws(ConfigurationError) -> Duration? {
        let seconds = max.components.seconds
        return try one(setting, expected: "is not a time such as 90s, 10m or 1h, up to \(seconds)s") { text in
            Duration(configured: text).flatMap { $0 <= max ? $0 : nil }
        }
    }

    /// nil for `auto`, which is the default.
    func keepAlive() throws(ConfigurationError) -> Duration? {
        let given: Duration?? = try one(
            .keepAlive,
            expected: "is neither auto nor a time such as 90s, 10m or 1h, up to 24h"
        ) { text in
            guard text != "auto" else { return .some(nil) }
            return Duration(configured: text).flatMap { $0 <= .seconds(86_400) ? .some($0) : nil }
        }
        return given ?? nil
    }

    func texts(_ setting: Setting) throws(ConfigurationError) -> [String] {
        guard let given = try given(setting) else { return [] }
        for text in given.texts where text.isEmpty || text.unicodeScalars.contains(where: { $0.value < 0x20 }) {
            throw given.refused(text, "is empty or has control characters")
        }
        return given.texts
    }

    /// Addresses of name servers, on port 53 where none is named.
    func resolvers() throws(ConfigurationError) -> [ListenAddress] {
        guard let given = try given(.resolver) else { return [] }
        guard given.texts.count <= Self.resolversMax else {
            throw given.refused(given.texts.joined(separator: ", "), "are more than \(Self.resolversMax) name servers")
        }
        var found: [ListenAddress] = []
        for text in given.texts {
            let isIPv6 = text.hasPrefix("[") == false && text.contains("::")
            let whole = isIPv6 ? "[\(text)]:53" : text.hasSuffix("]") || !text.contains(":") ? "\(text):53" : text
            guard let address = ListenAddress(whole), address.port > 0 else {
                throw given.refused(text, "is not the address of a name server, such as 10.0.0.53 or 127.0.0.1:5353")
            }
            found.append(address)
        }
        return found
    }

    /// As in resolv.conf(5).
    private static let resolversMax = 3

    /// The address of an HTTP server, without a slash at its end.
    func endpoint(_ setting: Setting) throws(ConfigurationError) -> String? {
        try one(setting, expected: "is not the address of a server, such as http://127.0.0.1:5000") { text in
            guard text.utf8.allSatisfy({ (0x21..<0x7F).contains($0) }), let url = URLComponents(string: text),
                let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme),
                let host = url.host, !host.isEmpty, url.port.map({ (1...65_535).contains($0) }) ?? true,
                url.path.isEmpty || url.path == "/", url.query == nil, url.fragment == nil, url.user == nil
            else { return nil }
            return "\(scheme)://\(host)" + (url.port.map { ":\($0)" } ?? "")
        }
    }

    /// Absolute, without a trailing slash.
    func path(_ setting: Setting) throws(ConfigurationError) -> String? {
        guard let given = try given(setting) else { return nil }
        return try one(setting, expected: "is not a path") { absolute($0, given.source) }
    }

    /// `NAME=PATH` values.
    func paths(_ setting: Setting) throws(ConfigurationError) -> [String: String] {
        guard let given = try given(setting) else { return [:] }
        return try pairs(given, form: "NAME=PATH") { name, path in
            guard !name.isEmpty, name.utf8.allSatisfy(Self.isRuntimeNameByte) else { return nil }
            return absolute(path, given.source)
        }
    }

    /// `NAME=VALUE` values, with names of AWS's form for a function's variables.
    func functionEnvironment() throws(ConfigurationError) -> [String: String] {
        guard let given = try given(.functionEnvironment) else { return [:] }
        return try pairs(given, form: "NAME=VALUE, with a name of letters, digits and _") { name, value in
            let bytes = Array(name.utf8)
            guard bytes.count > 1, Self.isLetter(bytes[0]),
                bytes.allSatisfy({ Self.isLetter($0) || (48...57).contains($0) || $0 == UInt8(ascii: "_") }),
                !value.utf8.contains(0)
            else { return nil }
            return value
        }
    }

    private func pairs(
        _ given: GivenValues,
        form: String,
        _ parse: (String, String) -> String?
    ) throws(ConfigurationError) -> [String: String] {
        var pairs: [String: String] = [:]
        for text in given.texts {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, let value = parse(parts[0], parts[1]) else {
                throw given.refused(text, "is not \(form)")
            }
            guard pairs.updateValue(value, forKey: parts[0]) == nil else {
                throw given.refused(text, "gives '\(parts[0])' a second time")
            }
        }
        return pairs
    }

    /// One source in the strongest place that names any; two in one place are a mistake.
    func masterKey() throws(ConfigurationError) -> ServeConfiguration.MasterKeySource? {
        let settings = [Setting.masterKeyFile, .masterKeyCommand, .masterKey]
        for place in 0..<3 {
            var found: [GivenValues] = []
            for setting in settings {
                let values =
                    switch place {
                    case 0: optionValues(setting)
                    case 1: try variableValues(setting)
                    default: try file?.values(setting)
                    }
                if let values { found.append(values) }
            }
            guard let values = found.first else { continue }
            guard found.count == 1, values.texts.count == 1, let text = values.texts.first, !text.isEmpty else {
                let names = found.map { $0.setting.names }.joined(separator: "; ")
                throw ConfigurationError("The master key must have one source, and it must not be empty (\(names)).")
            }
            switch values.setting {
            case .masterKeyCommand: return .command(text)
            case .masterKey: return .base64(text)
            default:
                guard let path = absolute(text, values.source) else { throw values.refused(text, "is not a path") }
                return .file(path)
            }
        }
        return nil
    }

    // MARK: - Texts

    private func absolute(_ path: String, _ source: Setting.Source) -> String? {
        guard !path.isEmpty, !path.unicodeScalars.contains(where: { $0.value < 0x20 }) else { return nil }
        let start =
            if case .file(let file) = source { URL(filePath: file).deletingLastPathComponent().path } else {
                workingDirectory
            }
        let full = path.hasPrefix("/") ? path : "\(start)/\(path)"
        var parts: [Substring] = []
        // `..` stays, since what it means depends on links.
        for part in full.split(separator: "/") where part != "." { parts.append(part) }
        return "/" + parts.joined(separator: "/")
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (65...90).contains(byte) || (97...122).contains(byte)
    }

    private static func isRuntimeNameByte(_ byte: UInt8) -> Bool {
        (97...122).contains(byte) || (48...57).contains(byte) || byte == UInt8(ascii: ".")
    }
}

extension Duration {
    /// `90`, `90s`, `500ms`, `10m`, `1h`; nil for anything else and for what is over 100 years.
    package init?(configured text: String) {
        let digits = text.prefix { ("0"..."9").contains($0) }
        guard !digits.isEmpty, let count = Int64(digits), count < 3_200_000_000 else { return nil }
        switch text.dropFirst(digits.count) {
        case "ms": self = .milliseconds(count)
        case "", "s": self = .seconds(count)
        case "m": self = .seconds(count * 60)
        case "h": self = .seconds(count * 3_600)
        default: return nil
        }
    }
}
