// SPDX-License-Identifier: Apache-2.0

/// A text of `--egress` that is not understood, in words for the operator.
package struct EgressPolicyError: Error, Equatable, CustomStringConvertible {
    package var description: String
}

extension EgressPolicy {
    /// More rules than anybody writes by hand; each connection looks at all of them.
    static let rulesMax = 1_024

    /// Reads `--egress`, which may be given several times.
    ///
    ///     policy  = item *( ";" item )
    ///     item    = "none" / ( "allow=" / "deny=" ) rule *( "," rule )
    ///     rule    = target [ ":" ports ]
    ///     target  = IPv4 [ "/" prefix ] / "[" IPv6 [ "/" prefix ] "]" / "host.martlet.internal"
    ///     ports   = port [ "-" port ]
    ///
    /// An IPv6 target without ports needs no brackets. Deny wins over allow. `none` closes all that no allow rule
    /// opens. An allow rule without `none` only opens what is refused by default. Blanks around items and rules do
    /// not count.
    package init(parsing texts: [String]) throws(EgressPolicyError) {
        self.init()
        for item in texts.flatMap({ $0.split(separator: ";", omittingEmptySubsequences: false) }) {
            let item = Self.trimmed(item)
            if item == "none" {
                isClosed = true
            } else if item.hasPrefix("allow=") {
                allowed += try Self.rules(item.dropFirst("allow=".count))
            } else if item.hasPrefix("deny=") {
                denied += try Self.rules(item.dropFirst("deny=".count))
            } else {
                throw EgressPolicyError(
                    description: "--egress: \"\(item)\" is neither \"none\" nor \"allow=…\" nor \"deny=…\""
                )
            }
        }
        guard allowed.count + denied.count <= Self.rulesMax else {
            throw EgressPolicyError(description: "--egress: more than \(Self.rulesMax) rules")
        }
    }

    private static func rules(_ text: Substring) throws(EgressPolicyError) -> [Rule] {
        var rules: [Rule] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            rules.append(try rule(trimmed(part)))
        }
        return rules
    }

    private static func rule(_ text: Substring) throws(EgressPolicyError) -> Rule {
        var target = text
        var ports: Substring?
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { throw error(text, "has \"[\" without \"]\"") }
            target = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.first == ":" else {
                throw error(text, "has something other than a port behind \"]\"")
            }
            ports = rest.isEmpty ? nil : rest.dropFirst()
            guard target.contains(":") else { throw error(text, "has brackets around what is no IPv6 address") }
        } else if let colon = text.firstIndex(of: ":"), colon == text.lastIndex(of: ":") {
            target = text[..<colon]
            ports = text[text.index(after: colon)...]
        }
        return Rule(network: try network(target, in: text), ports: try portRange(ports, in: text))
    }

    private static func network(_ target: Substring, in text: Substring) throws(EgressPolicyError) -> IPNetwork {
        if target == hostName { return .single(hostLoopback) }
        let parts = target.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(first) else {
            throw error(text, "has no IP address: write 10.0.0.0/8, [fd00::/8] or \(hostName)")
        }
        guard parts.count == 2 else { return .single(address.unmapped) }
        guard let length = number(parts[1]), length <= address.bytes.count * 8 else {
            throw error(text, "has no prefix length from 0 to \(address.bytes.count * 8) behind \"/\"")
        }
        guard let network = IPNetwork(address, prefixLength: length) else {
            let meant = IPNetwork.masked(address, length)
            throw error(text, "has bits beyond its prefix: write \(meant)/\(length)")
        }
        return network
    }

    private static func portRange(
        _ ports: Substring?,
        in text: Substring
    ) throws(EgressPolicyError) -> ClosedRange<UInt16> {
        guard let ports else { return 1...UInt16.max }
        let bounds = ports.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map(number)
        guard let low = bounds.first ?? nil, let high = bounds.last ?? nil, 1 <= low, low <= high, high <= 65_535 else {
            throw error(text, "has no port or range of ports from 1 to 65535 behind \":\"")
        }
        return UInt16(low)...UInt16(high)
    }

    /// Digits only: `Int` would take a sign.
    private static func number(_ text: Substring) -> Int? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int(text)
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return text
    }

    private static func error(_ rule: Substring, _ problem: String) -> EgressPolicyError {
        EgressPolicyError(description: "--egress: the rule \"\(rule)\" \(problem)")
    }
}
