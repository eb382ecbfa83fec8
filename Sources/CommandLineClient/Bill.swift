// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel

/// What the lines of a bill are told apart by.
enum BillColumn: Hashable, Sendable {
    case function
    case version
    case day
    case memory
    case architecture
    case tag(String)

    /// `function`, `version`, `day`, `memory`, `architecture` or `tag:KEY`.
    init?(_ text: String) {
        switch text {
        case "function": self = .function
        case "version": self = .version
        case "day": self = .day
        case "memory": self = .memory
        case "architecture": self = .architecture
        default:
            guard text.hasPrefix("tag:"), text.utf8.count > 4 else { return nil }
            self = .tag(String(text.dropFirst(4)))
        }
    }

    /// For a table's heading.
    var title: String {
        switch self {
        case .function: "Function"
        case .version: "Version"
        case .day: "Day"
        case .memory: "MB"
        case .architecture: "Architecture"
        case .tag(let key): Terminal.harmless(key)
        }
    }

    /// For JSON and CSV.
    var name: String {
        switch self {
        case .function: "function"
        case .version: "version"
        case .day: "day"
        case .memory: "memoryMiB"
        case .architecture: "architecture"
        case .tag(let key): "tag:\(key)"
        }
    }
}

/// What has the same values in all columns.
struct BillLine: Equatable, Sendable {
    /// In the columns' order.
    var values: [String]
    var quantities: UsageQuantities
    var price: Money
}

/// The bill of a period.
struct Bill: Equatable, Sendable {
    /// Without any grouping that was asked for.
    static let columns = [BillColumn.function, .version, .memory, .architecture]

    let columns: [BillColumn]
    /// In ascending order of their values; numbers as such.
    let lines: [BillLine]
    let quantities: UsageQuantities
    let prices: PriceList
    /// Whether AWS's monthly allowance is taken off the total.
    let hasFreeTier: Bool

    /// The answer of `GET /_martlet/usage`: one JSON object a line.
    init(
        _ answer: [UInt8],
        by columns: [BillColumn] = Bill.columns,
        prices: PriceList = .current,
        hasFreeTier: Bool
    ) throws(ClientError) {
        var groups: [[String]: UsageQuantities] = [:]
        var sum = UsageQuantities()
        for text in answer.split(separator: UInt8(ascii: "\n")) {
            let json: JSONValue
            do { json = try JSONValue(parsing: Array(text)) } catch {
                throw ClientError("The server's usage record is not JSON.")
            }
            guard let quantities = UsageQuantities(json),
                let values = Self.values(json, columns)
            else { throw ClientError("The server's usage record lacks a member.") }
            groups[values, default: UsageQuantities()] += quantities
            sum += quantities
        }
        self.columns = columns
        self.prices = prices
        self.hasFreeTier = hasFreeTier
        quantities = sum
        lines = groups.sorted { Self.isBefore($0.key, $1.key) }
            .map { BillLine(values: $0.key, quantities: $0.value, price: $0.value.cost(prices)) }
    }

    /// Exact: rounded where it is shown.
    var total: Money { (hasFreeTier ? quantities.withoutFreeTier(prices) : quantities).cost(prices) }

    private static func values(_ json: JSONValue, _ columns: [BillColumn]) -> [String]? {
        var values: [String] = []
        for column in columns {
            let value: String?
            switch column {
            case .function: value = json["function"]?.string
            case .version: value = json["version"]?.string
            case .day: value = json["day"]?.string
            case .memory: value = json["memoryMiB"]?.integer.map { String($0) }
            case .architecture: value = json["architecture"]?.string
            case .tag(let key): value = json["tags"]?[key]?.string ?? ""
            }
            guard let value else { return nil }
            values.append(value)
        }
        return values
    }

    private static func isBefore(_ left: [String], _ right: [String]) -> Bool {
        for (left, right) in zip(left, right) where left != right {
            if let left = Int(left), let right = Int(right) { return left < right }
            return left < right
        }
        return false
    }
}

extension UsageQuantities {
    /// Nil for what is not a line of usage.
    init?(_ json: JSONValue) {
        guard let memory = json["memoryMiB"]?.integer, let requests = json["requests"]?.integer,
            let billed = json["billedMilliseconds"]?.integer, json["function"]?.string != nil,
            json["version"]?.string != nil,
            let architecture = json["architecture"]?.string.flatMap(Architecture.init(rawValue:))
        else { return nil }
        self.init()
        func number(_ member: String) -> Int64 { Int64(json[member]?.integer ?? 0) }
        let provisionedBilled = number("provisionedBilledMilliseconds")
        let compute = Compute(
            duration: Int64(memory) * (Int64(billed) - provisionedBilled),
            provisionedDuration: Int64(memory) * provisionedBilled,
            provisioned: Int64(memory) * number("provisionedMilliseconds")
        )
        switch architecture {
        case .x86_64: x86 = compute
        case .arm64: arm = compute
        }
        self.requests = Int64(requests)
        errors = number("errors") + number("timeouts")
        billedMilliseconds = Int64(billed)
        initMicroseconds = number("initMicroseconds")
        ephemeral = number("ephemeralMebibyteMilliseconds")
        egressBytes = number("egressBytes")
        ingressBytes = number("ingressBytes")
        asynchronous = number("asynchronousRequests")
        records = number("records")
    }
}
