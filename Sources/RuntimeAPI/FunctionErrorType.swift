// SPDX-License-Identifier: Apache-2.0

/// How `Lambda-Runtime-Function-Error-Type` is understood.
package enum FunctionErrorType {
    /// Longest type that is kept; ours, so that log lines stay lines.
    static let lengthMax = 256

    /// The header's value if it is `Runtime.Xxx` or `Function.Xxx` (letters, the first one upper case).
    ///
    /// Anything else that starts with `Function.` is `Function.Unknown`, all the rest, no header too,
    /// `Runtime.Unknown`: as AWS's runtime interface emulator does, except that the whole value has to match, since
    /// it ends up in log lines.
    package static func understood(_ header: String?) -> String {
        guard let header else { return "Runtime.Unknown" }
        let isFunction = header.hasPrefix("Function.")
        guard isFunction || header.hasPrefix("Runtime.") else { return "Runtime.Unknown" }
        let word = header.utf8.drop { $0 != UInt8(ascii: ".") }.dropFirst()
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        let capitals = UInt8(ascii: "A")...UInt8(ascii: "Z")
        let kept =
            header.utf8.count <= lengthMax && word.count >= 2 && word.first.map(capitals.contains) == true
            && word.allSatisfy { letters.contains($0) || capitals.contains($0) }
        if kept { return header }
        return isFunction ? "Function.Unknown" : "Runtime.Unknown"
    }
}
