// SPDX-License-Identifier: Apache-2.0

/// `X-Amzn-Trace-Id` as a function gets it: `Root=1-8hex-24hex;Parent=16hex;Sampled=0;Lineage=1:8hex:0`.
///
/// Every part is checked or made here, so that nothing of a caller's goes further than what this form allows (AWS X-Ray
/// Developer Guide, "Tracing header").
package struct TraceHeader: Hashable, Sendable, CustomStringConvertible {
    /// `1-`, the seconds since 1970 in 8 hexadecimal digits, `-`, 24 digits by chance.
    package var root: String
    /// 16 hexadecimal digits: the segment that the function's own work belongs to.
    package var parent: String
    package var isSampled: Bool
    package var lineage: Lineage

    /// Which functions a trace has come through, counted.
    package struct Lineage: Hashable, Sendable, CustomStringConvertible {
        package static let requestsMax = 32_767
        package static let loopsMax = 255

        /// Invocations in this trace, 0 to `requestsMax`.
        package var requests: Int
        /// Of one resource, 8 hexadecimal digits: the trace's first, until it is known not to be part of a loop.
        package var resource: String
        /// How often the trace has come back to that resource, 0 to `loopsMax`.
        package var loops: Int

        package var description: String { "\(requests):\(resource):\(loops)" }

        init(resource: String) {
            requests = 1
            self.resource = resource
            loops = 0
        }

        init?(_ text: Substring) {
            let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
                .map { Substring($0) }
            guard parts.count == 3, let requests = Self.count(parts[0], max: Self.requestsMax),
                isHexadecimal(parts[1], digits: 8), let loops = Self.count(parts[2], max: Self.loopsMax)
            else { return nil }
            self.requests = requests
            resource = String(parts[1])
            self.loops = loops
        }

        private static func count(_ text: Substring, max: Int) -> Int? {
            guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
                return nil
            }
            return Int(text).flatMap { $0 <= max ? $0 : nil }
        }

        /// The lineage of a further invocation.
        ///
        /// A trace that has not come back to its resource watches another one from its 16th invocation on, and from
        /// each that is twice as far (Brent's way to find a cycle): so a loop that its beginning is no part of is seen too.
        mutating func pass(_ resource: String) {
            requests = min(requests + 1, Self.requestsMax)
            if resource == self.resource {
                loops = min(loops + 1, Self.loopsMax)
            } else if loops == 0, requests >= Self.firstWatch, requests & (requests - 1) == 0 {
                self.resource = resource
            }
        }

        private static let firstWatch = 16
    }

    /// Invocations of one function in one trace after which Lambda takes the trace for a loop.
    package static let invocationsMax = 16

    /// Longest header of a caller's that is looked at, in bytes.
    package static let lengthMax = 1_024

    /// The header of an invocation of `function`.
    ///
    /// A caller's trace goes on where `caller` has a well-formed `Root`; its `Parent` and `Lineage` are kept if they are
    /// well-formed too. Anything else in it is left out. Where the caller did not say whether the trace is sampled,
    /// `isActive` (TracingConfig) says it.
    package init(
        continuing caller: String?,
        function: FunctionKey,
        isActive: Bool,
        at time: Timestamp,
        using random: inout some RandomNumberGenerator
    ) {
        let fields = Self.fields(caller)
        let resource = Self.resource(function)
        let known = fields["Root"].flatMap { Self.isRoot($0) ? String($0) : nil }
        root = known ?? Self.newRoot(at: time, using: &random)
        let parent = known == nil ? nil : fields["Parent"]
        self.parent =
            parent.flatMap { isHexadecimal($0, digits: 16) ? String($0) : nil }
            ?? hexadecimal(UInt64.random(in: 1...UInt64.max, using: &random), digits: 16)
        switch known == nil ? nil : fields["Sampled"] {
        case "1": isSampled = true
        case "0": isSampled = false
        default: isSampled = isActive
        }
        if known != nil, var lineage = fields["Lineage"].flatMap(Lineage.init) {
            lineage.pass(resource)
            self.lineage = lineage
        } else {
            lineage = Lineage(resource: resource)
        }
    }

    /// X-Ray's form of W3C's `traceparent`, which has the same parts: `00-32hex-16hex-2hex`; nil for anything else
    /// (https://www.w3.org/TR/trace-context/, 3.2).
    package static func header(traceparent text: String) -> String? {
        guard text.utf8.count <= lengthMax else { return nil }
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false).map {
            Substring($0)
        }
        guard parts.count >= 4, isHexadecimal(parts[0], digits: 2), parts[0] != "ff",
            parts[0] != "00" || parts.count == 4,
            isHexadecimal(parts[1], digits: 32), isHexadecimal(parts[2], digits: 16),
            isHexadecimal(parts[3], digits: 2),
            let flags = UInt8(parts[3], radix: 16)
        else { return nil }
        // Nothing but zeros is no trace, and no span.
        guard parts[1].contains(where: { $0 != "0" }), parts[2].contains(where: { $0 != "0" }) else { return nil }
        return "Root=1-\(parts[1].prefix(8))-\(parts[1].dropFirst(8));Parent=\(parts[2]);Sampled=\(flags & 1)"
    }

    /// The trace's id as W3C has it: 32 hexadecimal digits.
    package var traceID: String { String(root.dropFirst(2).filter { $0 != "-" }).lowercased() }

    /// 16 hexadecimal digits by chance.
    package static func newSpan(using random: inout some RandomNumberGenerator) -> String {
        hexadecimal(UInt64.random(in: 1...UInt64.max, using: &random), digits: 16)
    }

    /// Whether a header names that span as its parent.
    package static func names(_ parent: String, in header: String?) -> Bool {
        fields(header)["Parent"].map { $0 == parent } ?? false
    }

    /// Reads what `description` writes; nil for anything else.
    package init?(_ text: String) {
        let fields = Self.fields(text)
        guard let root = fields["Root"], Self.isRoot(root), let parent = fields["Parent"],
            isHexadecimal(parent, digits: 16), let sampled = fields["Sampled"],
            let lineage = fields["Lineage"].flatMap(Lineage.init)
        else { return nil }
        self.root = String(root)
        self.parent = String(parent)
        isSampled = sampled == "1"
        self.lineage = lineage
        // By bytes: two strings are equal in Swift where Unicode has two spellings of one text.
        guard description.utf8.elementsEqual(text.utf8) else { return nil }
    }

    /// Whether this is the header of an invocation that goes beyond `invocationsMax`.
    package func isLoop(of function: FunctionKey) -> Bool {
        lineage.resource == Self.resource(function) && lineage.loops >= Self.invocationsMax
    }

    package var description: String {
        "Root=\(root);Parent=\(parent);Sampled=\(isSampled ? 1 : 0);Lineage=\(lineage)"
    }

    /// Whether a header that `description` wrote is of a sampled trace, which is seen without reading the rest of it.
    package static func isSampled(_ description: String) -> Bool {
        description.utf8.dropFirst(sampledOffset).first == UInt8(ascii: "1")
    }

    private static let sampledOffset = "Root=;Parent=;Sampled=".utf8.count + 35 + 16

    /// By name; of two with one name the first counts.
    private static func fields(_ text: String?) -> [Substring: Substring] {
        guard let text, text.utf8.count <= lengthMax else { return [:] }
        var fields: [Substring: Substring] = [:]
        for field in text.utf8.split(separator: UInt8(ascii: ";")) {
            guard let separator = field.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let name = Substring(field[..<separator].drop { $0 == UInt8(ascii: " ") })
            if fields[name] == nil { fields[name] = Substring(field[separator...].dropFirst()) }
        }
        return fields
    }

    private static func isRoot(_ text: Substring) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false).map {
            Substring($0)
        }
        return parts.count == 3 && parts[0] == "1" && isHexadecimal(parts[1], digits: 8)
            && isHexadecimal(parts[2], digits: 24)
    }

    private static func newRoot(at time: Timestamp, using random: inout some RandomNumberGenerator) -> String {
        let seconds = UInt64(clamping: time.millisecondsSinceEpoch / 1_000) & 0xFFFF_FFFF
        let (high, low) = (
            UInt64.random(in: 0...0xFFFF_FFFF, using: &random), UInt64.random(in: 0...(.max), using: &random)
        )
        return "1-\(hexadecimal(seconds, digits: 8))-\(hexadecimal(high, digits: 8))\(hexadecimal(low, digits: 16))"
    }

    /// Eight digits that stand for a function: FNV-1a of its ARN, the same ones always.
    private static func resource(_ function: FunctionKey) -> String {
        let hash = function.arn.utf8.reduce(UInt32(0x811C_9DC5)) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
        return hexadecimal(UInt64(hash), digits: 8)
    }
}

private func isHexadecimal(_ text: Substring, digits: Int) -> Bool {
    text.utf8.count == digits
        && text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x61...0x66).contains($0) || (0x41...0x46).contains($0)
        }
}

private func hexadecimal(_ value: UInt64, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
}
