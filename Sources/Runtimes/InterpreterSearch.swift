// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// Where interpreters may be: the directories of PATH, the system's, and those of the usual version managers.
struct InterpreterSearch: Sendable {
    /// A machine may have many; each is run once at start.
    static let candidatesMax = 64

    var environment: [String: String]
    var home: String

    /// Paths of possible interpreters, the ones to prefer first, without two names of one file.
    func candidates(_ language: RuntimeLanguage) -> [String] {
        let names: [String] =
            switch language {
            case .python: language.runtimes.reversed() + ["python3"]
            case .nodejs: ["node", "nodejs"]
            }
        var seen = Set<String>()
        var found: [String] = []
        for directory in directories(language) where directory.hasPrefix("/") {
            for name in names where found.count < Self.candidatesMax {
                let path = directory + "/" + name
                guard FileManager.default.isExecutableFile(atPath: path),
                    seen.insert(URL(fileURLWithPath: path).resolvingSymlinksInPath().path).inserted
                else { continue }
                found.append(path)
            }
        }
        return found
    }

    private func directories(_ language: RuntimeLanguage) -> [String] {
        let path = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        var parents: [String] = []
        switch language {
        case .python:
            parents = [
                (environment["PYENV_ROOT"] ?? home + "/.pyenv") + "/versions",
                home + "/.local/share/uv/python",
                home + "/.local/share/mise/installs/python",
                home + "/.asdf/installs/python",
            ]
        case .nodejs:
            parents = [
                (environment["NVM_DIR"] ?? home + "/.nvm") + "/versions/node",
                home + "/.local/share/mise/installs/node",
                home + "/.asdf/installs/nodejs",
            ]
        }
        return path + ["/usr/bin", "/usr/local/bin"] + (parents + ["/opt"]).flatMap(versions)
    }

    /// The `bin` of every directory in `parent`, later versions first.
    private func versions(in parent: String) -> [String] {
        // Not there, or not to be read: nothing is installed for us.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
        return names.sorted { $0.compare($1, options: .numeric) == .orderedDescending }
            .map { parent + "/" + $0 + "/bin" }
    }
}
