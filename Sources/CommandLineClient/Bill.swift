// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel

/// What Lambda costs in us-east-1, in dollars (AWS Lambda pricing page, 2025; docs/billing.md).
enum Prices {
    static let perMillionRequests = 0.20
    static let freeRequests = 1_000_000
    static let freeGBSeconds = 400_000.0

    static func perGBSecond(_ architecture: String) -> Double {
        architecture == Architecture.arm64.rawValue ? 0.0000133334 : 0.0000166667
    }
}

/// A month's use of one version with one memory size.
struct BillLine: Equatable, Sendable {
    var function: String
    var version: String
    var memoryMiB: Int
    var architecture: String
    var requests: Int
    var billedMilliseconds: Int
    /// Timeouts included.
    var errors: Int

    /// Nil for what is not a line of usage.
    init?(_ json: JSONValue) {
        guard let function = json["function"]?.string, let version = json["version"]?.string,
            let memory = json["memoryMiB"]?.integer, let architecture = json["architecture"]?.string,
            let requests = json["requests"]?.integer, let billed = json["billedMilliseconds"]?.integer
        else { return nil }
        self.function = function
        self.version = version
        memoryMiB = memory
        self.architecture = architecture
        self.requests = requests
        billedMilliseconds = billed
        errors = (json["errors"]?.integer ?? 0) + (json["timeouts"]?.integer ?? 0)
    }

    var gbSeconds: Double { Double(memoryMiB) * Double(billedMilliseconds) / 1_024_000 }
    var price: Double {
        Double(requests) * Prices.perMillionRequests / 1e6 + gbSeconds * Prices.perGBSecond(architecture)
    }
}

/// A month's bill.
struct Bill: Equatable, Sendable {
    var lines: [BillLine]
    /// Whether AWS's monthly allowance is taken off.
    var hasFreeTier: Bool

    /// The answer of `GET /_martlet/usage`: one JSON object a line.
    init(_ answer: [UInt8], hasFreeTier: Bool) throws(ClientError) {
        var lines: [BillLine] = []
        for text in answer.split(separator: UInt8(ascii: "\n")) {
            let json: JSONValue
            do { json = try JSONValue(parsing: Array(text)) } catch {
                throw ClientError("The server's usage record is not JSON.")
            }
            guard let line = BillLine(json) else { throw ClientError("The server's usage record lacks a member.") }
            lines.append(line)
        }
        self.lines = lines.sorted { ($0.function, $0.version, $0.memoryMiB) < ($1.function, $1.version, $1.memoryMiB) }
        self.hasFreeTier = hasFreeTier
    }

    var requests: Int { lines.reduce(0) { $0 + $1.requests } }
    var billedMilliseconds: Int { lines.reduce(0) { $0 + $1.billedMilliseconds } }
    var gbSeconds: Double { lines.reduce(0) { $0 + $1.gbSeconds } }

    /// The allowance goes to the dearer architecture first.
    var total: Double {
        guard hasFreeTier else { return lines.reduce(0) { $0 + $1.price } }
        var allowance = Prices.freeGBSeconds
        var total = Double(max(0, requests - Prices.freeRequests)) * Prices.perMillionRequests / 1e6
        for line in lines.sorted(by: { Prices.perGBSecond($0.architecture) > Prices.perGBSecond($1.architecture) }) {
            let free = min(allowance, line.gbSeconds)
            allowance -= free
            total += (line.gbSeconds - free) * Prices.perGBSecond(line.architecture)
        }
        return total
    }
}
