// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// The log stream of one execution environment: `2025/11/24/[$LATEST]0123456789abcdef0123456789abcdef`.
///
/// In a log group that functions may share, the function's name stands before the bracket.
package struct LogStreamName: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// `random` makes it unique; `function` is nil in the function's own group.
    package init(startedAt time: Timestamp, function: String? = nil, version: String, random: (UInt64, UInt64)) {
        let (year, month, day) = time.civilDate
        let date = [decimal(Int64(year), width: 4), decimal(Int64(month), width: 2), decimal(Int64(day), width: 2)]
        description =
            "\(date.joined(separator: "/"))/\(function ?? "")[\(version)]\(hexadecimal(random.0))\(hexadecimal(random.1))"
    }
}

private func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
