// SPDX-License-Identifier: Apache-2.0

/// The version that an interpreter says it has.
package struct InterpreterVersion: Hashable, Sendable, CustomStringConvertible {
    package var major: Int
    package var minor: Int
    package var patch: Int

    /// Reads `3.12.1` or `v20.20.2`; what follows the third number (`3.14.0rc1`, `-nightly`) is left out.
    init?(_ text: some StringProtocol) {
        let numbers = (text.hasPrefix("v") ? text.dropFirst() : text[...])
            .split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard numbers.count == 3, let major = Int(numbers[0]), let minor = Int(numbers[1]),
            let patch = Int(numbers[2].prefix { $0.isASCII && $0.isNumber })
        else { return nil }
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    package var description: String { "\(major).\(minor).\(patch)" }
}

/// One interpreter of the host, as it was found by running it.
package struct Interpreter: Hashable, Sendable {
    /// Where the directory of an interpreter that isn't under /usr is seen in a sandbox, as AWS has it.
    package static let directoryInside = "/var/lang"

    package var language: RuntimeLanguage
    package var version: InterpreterVersion
    /// The executable without symbolic links.
    package var path: String
    /// The directory that holds `bin` and `lib`, for example `/usr` or `/home/me/.pyenv/versions/3.12.1`.
    package var prefix: String
    /// Directories outside of `prefix` and the system's whose shared libraries it loads.
    package var libraryDirectories: [String]
    /// Whether it finds the AWS SDK by itself (boto3; `@aws-sdk/client-s3` for Node.js).
    package var hasSDK: Bool

    /// /usr is part of every sandbox, so that nothing needs to be mounted for what is below it.
    package var isSystem: Bool { path.isBelow("/usr") && prefix.isBelow("/usr") }

    /// The executable's path in a sandbox.
    package var pathInside: String {
        isSystem ? path : Self.directoryInside + path.dropFirst(prefix.count)
    }

    package var mounts: [RuntimeDefinition.Mount] {
        let own = isSystem ? [] : [RuntimeDefinition.Mount(host: prefix, inside: Self.directoryInside)]
        return own + libraryDirectories.map { RuntimeDefinition.Mount(host: $0, inside: $0) }
    }
}

extension String {
    /// Whether this absolute path is `directory` or below it; both without `..` and symbolic links.
    func isBelow(_ directory: String) -> Bool {
        self == directory || hasPrefix(directory == "/" ? "/" : directory + "/")
    }
}
