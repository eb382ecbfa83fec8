// SPDX-License-Identifier: Apache-2.0
import AWSWire

/// What a JSON object has at some places, found in one pass that builds nothing of the rest.
///
/// Does not tell whether a text is JSON, but for what `JSONValue` refuses of JSON; of what is none it says anything. Only what was found to
/// be JSON before may have a backslash in it.
struct ObjectScan {
    struct Value {
        enum Kind: UInt8 { case missing, null, yes, no, number, text, container }

        var kind = Kind.missing
        /// Of a text what is between the quotation marks.
        var start = 0
        var end = 0
        /// In `unescaped`, and not in the message.
        var isUnescaped = false
    }

    private let places: [ObjectPlaces.Place]
    /// One for each place.
    private let values: UnsafeMutableBufferPointer<Value>
    /// Texts that have escapes in the message.
    private var unescaped: [UInt8] = []
    private var offset = 0
    private var count = 0

    /// `values` are overwritten, and outlive this.
    init(_ places: ObjectPlaces, _ values: UnsafeMutableBufferPointer<Value>) {
        self.places = places.all
        self.values = values
        values.initialize(repeating: Value())
    }

    /// False for what is no JSON value that the parser takes.
    mutating func run(_ bytes: Span<UInt8>) -> Bool {
        skipSpace(bytes)
        return value(bytes, at: 0, depth: 0)
    }

    /// Where a value's bytes are.
    func withBytes<T>(
        of value: Value,
        in message: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) -> T
    ) -> T {
        guard value.isUnescaped else {
            return body(UnsafeRawBufferPointer(rebasing: message[value.start..<value.end]))
        }
        return unescaped.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[value.start..<value.end])) }
    }

    // MARK: - Values

    /// Goes over the value at `offset`; `place` is nil where nothing of it is asked for.
    private mutating func value(_ bytes: Span<UInt8>, at place: Int?, depth: Int) -> Bool {
        count += 1
        guard depth < JSONValue.depthMax, count <= JSONValue.valuesMax, offset < bytes.count else { return false }
        switch bytes[offset] {
        case UInt8(ascii: "{"):
            put(Value(kind: .container), at: place)
            return object(bytes, at: place, depth: depth)
        case UInt8(ascii: "["):
            put(Value(kind: .container), at: place)
            return array(bytes, at: place, depth: depth)
        case UInt8(ascii: "\""):
            guard let text = self.text(bytes) else { return false }
            put(text, at: place)
            return true
        case UInt8(ascii: "t"): return run(bytes, .yes, at: place)
        case UInt8(ascii: "f"): return run(bytes, .no, at: place)
        case UInt8(ascii: "n"): return run(bytes, .null, at: place)
        default: return run(bytes, .number, at: place)
        }
    }

    /// Of two members with one name the later one counts, with all that it has or does not have.
    private func put(_ value: Value, at place: Int?) {
        guard let place else { return }
        var below = values[place].kind == .container ? place + 1 : places[place].end
        values[place] = value
        while below < places[place].end {
            if values[below].kind == .missing {
                // Nothing is below it either.
                below = places[below].end
            } else {
                values[below] = Value()
                below += 1
            }
        }
    }

    /// A number or a word.
    private mutating func run(_ bytes: Span<UInt8>, _ kind: Value.Kind, at place: Int?) -> Bool {
        let start = offset
        var end = start
        while end < bytes.count {
            let byte = bytes[end]
            guard byte != UInt8(ascii: ","), byte != UInt8(ascii: "}"), byte != UInt8(ascii: "]"),
                !Self.isSpace(byte)
            else { break }
            end += 1
        }
        offset = end
        put(Value(kind: kind, start: start, end: end), at: place)
        return true
    }

    private mutating func object(_ bytes: Span<UInt8>, at place: Int?, depth: Int) -> Bool {
        offset += 1
        skipSpace(bytes)
        if take(UInt8(ascii: "}"), bytes) { return true }
        repeat {
            skipSpace(bytes)
            guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\""), let name = text(bytes) else {
                return false
            }
            skipSpace(bytes)
            guard take(UInt8(ascii: ":"), bytes) else { return false }
            skipSpace(bytes)
            let below = place.flatMap { member(of: $0, name, bytes) }
            guard value(bytes, at: below, depth: depth + 1) else { return false }
            skipSpace(bytes)
        } while take(UInt8(ascii: ","), bytes)
        return take(UInt8(ascii: "}"), bytes)
    }

    private mutating func array(_ bytes: Span<UInt8>, at place: Int?, depth: Int) -> Bool {
        offset += 1
        skipSpace(bytes)
        if take(UInt8(ascii: "]"), bytes) { return true }
        var number = 0
        repeat {
            skipSpace(bytes)
            let below = place.flatMap { element(of: $0, number) }
            guard value(bytes, at: below, depth: depth + 1) else { return false }
            skipSpace(bytes)
            number += 1
        } while take(UInt8(ascii: ","), bytes)
        return take(UInt8(ascii: "]"), bytes)
    }

    private func element(of place: Int, _ number: Int) -> Int? {
        places[place].elements.first { $0.number == number }?.place
    }

    private func member(of place: Int, _ name: Value, _ bytes: Span<UInt8>) -> Int? {
        let count = name.end - name.start
        for index in places[place].members.indices {
            // Most are told apart by their lengths.
            guard places[place].members[index].name.count == count else { continue }
            if isName(name, of: places[place].members[index], bytes) { return places[place].members[index].place }
        }
        return nil
    }

    /// Where they are equally long.
    private func isName(_ name: Value, of member: ObjectPlaces.Member, _ bytes: Span<UInt8>) -> Bool {
        for index in member.name.indices where byte(name.start + index, of: name, bytes) != member.name[index] {
            return false
        }
        return true
    }

    private func byte(_ index: Int, of name: Value, _ bytes: Span<UInt8>) -> UInt8 {
        name.isUnescaped ? unescaped[index] : bytes[index]
    }

    // MARK: - Texts

    /// The text at `offset`; nil where it has no end.
    private mutating func text(_ bytes: Span<UInt8>) -> Value? {
        let start = offset + 1
        var end = start
        while end < bytes.count {
            let byte = bytes[end]
            if byte == UInt8(ascii: "\"") {
                offset = end + 1
                return Value(kind: .text, start: start, end: end)
            }
            if byte == UInt8(ascii: "\\") {
                offset = end
                return escapedText(bytes, from: start)
            }
            end += 1
        }
        return nil
    }

    private mutating func escapedText(_ bytes: Span<UInt8>, from start: Int) -> Value? {
        let begin = unescaped.count
        for index in start..<offset { unescaped.append(bytes[index]) }
        while bytes[offset] != UInt8(ascii: "\"") {
            if bytes[offset] == UInt8(ascii: "\\") {
                do { try JSONSyntax.unescape(bytes, &offset, into: &unescaped) } catch { return nil }
            } else {
                unescaped.append(bytes[offset])
                offset += 1
            }
        }
        offset += 1
        return Value(kind: .text, start: begin, end: unescaped.count, isUnescaped: true)
    }

    // MARK: - Bytes

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte <= 0x20 && (byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D)
    }

    private mutating func skipSpace(_ bytes: Span<UInt8>) {
        while offset < bytes.count, Self.isSpace(bytes[offset]) { offset += 1 }
    }

    private mutating func take(_ byte: UInt8, _ bytes: Span<UInt8>) -> Bool {
        guard offset < bytes.count, bytes[offset] == byte else { return false }
        offset += 1
        return true
    }
}
