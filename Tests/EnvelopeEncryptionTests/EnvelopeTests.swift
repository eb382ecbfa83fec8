// SPDX-License-Identifier: Apache-2.0
import EnvelopeEncryption
import Testing

struct EnvelopeTests {
    private let master: MasterKey

    init() throws { master = try MasterKey(bytes: Array(0..<32)) }

    @Test(arguments: [0, 1, 1_000, 1_048_575, 1_048_576, 1_048_577, 2 * 1_048_576, 3 * 1_048_576 + 5])
    func `what was sealed opens again`(count: Int) throws {
        let plain = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let sealed = try Envelope.seal(plain, context: "object 1", with: master)
        #expect(sealed.count == 76 + count + 16 * max(1, (count + 1_048_575) / 1_048_576))
        #expect(try Envelope.open(sealed, context: "object 1", with: master) == plain)
    }

    @Test func `two envelopes of the same bytes have nothing but their prefix in common`() throws {
        let plain = [UInt8](repeating: 7, count: 100)
        let first = try Envelope.seal(plain, context: "", with: master)
        let second = try Envelope.seal(plain, context: "", with: master)
        #expect(first[..<16] == second[..<16])
        #expect(first[16..<76] != second[16..<76])
        #expect(first[76...] != second[76...])
    }

    @Test func `another context does not open it`() throws {
        let sealed = try Envelope.seal([1, 2, 3], context: "arn:a environment", with: master)
        #expect(throws: EnvelopeError.contentChanged) {
            try Envelope.open(sealed, context: "arn:b environment", with: master)
        }
    }

    @Test func `a wrong master key is named as such`() throws {
        let other = try MasterKey(bytes: [UInt8](repeating: 9, count: 32))
        let sealed = try Envelope.seal([1, 2, 3], context: "", with: master)
        #expect(throws: EnvelopeError.wrongMasterKey(sealedWith: master.id, given: other.id)) {
            try Envelope.open(sealed, context: "", with: other)
        }
    }

    @Test func `every single changed byte is noticed`() throws {
        let sealed = try Envelope.seal(Array("hello".utf8), context: "c", with: master)
        for index in sealed.indices {
            for mask: UInt8 in [0x01, 0x80, 0xFF] {
                var changed = sealed
                changed[index] ^= mask
                let error = #expect(throws: EnvelopeError.self) {
                    try Envelope.open(changed, context: "c", with: master)
                }
                switch index {
                case 0..<4: #expect(error == .notAnEnvelope)
                case 4: #expect(error == .unsupportedVersion(1 ^ mask))
                default: #expect(error == .contentChanged, "byte \(index)")
                }
            }
        }
    }

    @Test func `every truncation is noticed`() throws {
        let sealed = try Envelope.seal(Array("hello".utf8), context: "c", with: master)
        for count in 0..<sealed.count {
            #expect(throws: EnvelopeError.self, "\(count) bytes") {
                try Envelope.open(Array(sealed[..<count]), context: "c", with: master)
            }
        }
        #expect(throws: EnvelopeError.contentChanged) { try Envelope.open(sealed + [0], context: "c", with: master) }
        #expect(throws: EnvelopeError.contentChanged) {
            try Envelope.open(sealed + [UInt8](repeating: 0, count: 16), context: "c", with: master)
        }
    }

    @Test func `segments that are missing, swapped or added are noticed`() throws {
        let segment = Envelope.segmentBytes
        let plain = (0..<3 * segment).map { UInt8(truncatingIfNeeded: $0 / segment) }
        let sealed = try Envelope.seal(plain, context: "c", with: master)
        let header = Array(sealed[..<76])
        let segments = (0..<3).map { Array(sealed[76 + $0 * (segment + 16)..<76 + ($0 + 1) * (segment + 16)]) }
        for order in [[0], [0, 1], [0, 2], [1, 2], [1, 0, 2], [0, 2, 1], [0, 1, 2, 2], [0, 0, 1, 2]] {
            #expect(throws: EnvelopeError.contentChanged, "\(order)") {
                try Envelope.open(header + order.flatMap { segments[$0] }, context: "c", with: master)
            }
        }
        #expect(throws: EnvelopeError.contentChanged) { try Envelope.open(header, context: "c", with: master) }
        #expect(try Envelope.open(header + segments.flatMap { $0 }, context: "c", with: master) == plain)
    }

    @Test func `a segment of another object under the same key is noticed`() throws {
        let first = try Envelope.seal([1, 2, 3], context: "c", with: master)
        let second = try Envelope.seal([4, 5, 6], context: "c", with: master)
        #expect(throws: EnvelopeError.contentChanged) {
            try Envelope.open(Array(first[..<76] + second[76...]), context: "c", with: master)
        }
    }

    @Test func `bytes that are no envelope are refused`() {
        #expect(throws: EnvelopeError.notAnEnvelope) { try Envelope.open([], context: "", with: master) }
        #expect(throws: EnvelopeError.notAnEnvelope) {
            try Envelope.open([UInt8](repeating: 0x50, count: 4_096), context: "", with: master)
        }
    }

    @Test func `objects that are sealed together open in any order, together and by themselves`() throws {
        let plains = (0..<300).map { [UInt8](repeating: UInt8($0 & 255), count: $0) }
        let sealed = try Envelope.seal(plains, context: "c", with: master)
        let alone = try Envelope.seal([1, 2, 3], context: "c", with: master)
        #expect(Set(sealed.map { $0[16..<76] }).count == 1)
        var opening = Envelope.Opening(context: "c", with: master)
        for index in plains.indices.reversed() {
            #expect(try opening.open(sealed[index]) == plains[index])
            if index.isMultiple(of: 50) { #expect(try opening.open(alone) == [1, 2, 3]) }
            #expect(try Envelope.open(sealed[index], context: "c", with: master) == plains[index])
        }
        #expect(try Envelope.seal([[UInt8]](), context: "c", with: master).isEmpty)
    }

    /// Its key is known already when the changed one comes.
    @Test func `every changed byte of one of several is noticed, and so is another's header`() throws {
        let sealed = try Envelope.seal([Array("hello".utf8), Array("world".utf8)], context: "c", with: master)
        var opening = Envelope.Opening(context: "c", with: master)
        #expect(throws: EnvelopeError.contentChanged) { try opening.open(Array(sealed[0][..<76] + sealed[1][76...])) }
        for index in sealed[1].indices {
            #expect(try opening.open(sealed[0]) == Array("hello".utf8))
            var changed = sealed[1]
            changed[index] ^= 0x01
            #expect(throws: EnvelopeError.self, "byte \(index)") { try opening.open(changed) }
        }
        var other = Envelope.Opening(context: "d", with: master)
        #expect(throws: EnvelopeError.contentChanged) { try other.open(sealed[1]) }
        #expect(try opening.open(sealed[1]) == Array("world".utf8))
    }

    /// No two segments under one key have one nonce, which would give away both.
    @Test func `the same bytes are sealed differently each time, also under one key`() throws {
        let plain = [UInt8](repeating: 7, count: 100)
        let sealed = try Envelope.seal([[UInt8]](repeating: plain, count: 1_000), context: "c", with: master)
        #expect(Set(sealed.map { $0[76...] }).count == 1_000)
    }
}
