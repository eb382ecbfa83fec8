// SPDX-License-Identifier: Apache-2.0

/// The runtime identifiers that AWS Lambda knows.
package enum RuntimeName {
    /// Those that CreateFunction accepts, in the order in which we list them.
    package static let accepted = [
        "nodejs16.x", "nodejs18.x", "nodejs20.x", "nodejs22.x", "nodejs24.x",
        "python3.8", "python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14",
        "java8.al2", "java11", "java17", "java21", "java25",
        "ruby3.2", "ruby3.3", "ruby3.4",
        "dotnet6", "dotnet8", "dotnet10",
        "provided.al2", "provided.al2023",
    ]

    /// Those that AWS names in its API model and no longer accepts.
    package static let deprecated: Set<String> = [
        "nodejs", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x", "nodejs14.x",
        "python2.7", "python3.6", "python3.7",
        "java8", "ruby2.5", "ruby2.7", "go1.x", "provided",
        "dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1", "dotnet5.0",
    ]
}

/// The languages whose interpreter is the host's and whose bootstrap is ours.
package enum RuntimeLanguage: String, Sendable, CaseIterable {
    case python
    case nodejs

    /// The language of an accepted runtime; nil for those without an interpreter of ours (`provided.*`, `java21`, …).
    package init?(runtime: String) {
        guard RuntimeName.accepted.contains(runtime),
            let language = Self.allCases.first(where: { runtime.hasPrefix($0.rawValue) })
        else { return nil }
        self = language
    }

    /// The runtime that an interpreter of this version is, whether or not AWS has it: `python3.12`, `nodejs20.x`.
    func runtime(version: InterpreterVersion) -> String {
        switch self {
        case .python: "python\(version.major).\(version.minor)"
        case .nodejs: "nodejs\(version.major).x"
        }
    }

    /// Its accepted runtimes.
    package var runtimes: [String] { RuntimeName.accepted.filter { RuntimeLanguage(runtime: $0) == self } }

    /// As people write it.
    var title: String {
        switch self {
        case .python: "Python"
        case .nodejs: "Node.js"
        }
    }
}
