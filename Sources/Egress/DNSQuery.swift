// SPDX-License-Identifier: Apache-2.0

/// A DNS query of exactly one question (RFC 1035), read from bytes that may be anything.
struct DNSQuery: Equatable {
    enum Refusal: Error, Equatable {
        /// No query at all: it gets no answer, so that two servers never answer each other.
        case ignored
        /// An answer of this code, to the id given.
        case code(DNSResponseCode, id: UInt16)
    }

    static let headerBytes = 12
    /// Largest query that is read; a question and its options need a few hundred bytes.
    static let bytesMax = 4_096
    /// Smallest size that every client takes over UDP (RFC 1035, 4.2.1), and the largest that is sent.
    static let datagramBytes = 512...4_096

    let id: UInt16
    /// The labels in lower case (letters of ASCII only); empty for the root.
    let labels: [[UInt8]]
    let type: UInt16
    let `class`: UInt16
    /// The question as it was asked, name, type and class.
    let question: [UInt8]
    let recursionDesired: Bool
    /// What the client takes over UDP.
    let datagramBytesMax: Int

    init(_ bytes: [UInt8]) throws(Refusal) {
        guard bytes.count >= Self.headerBytes, bytes[2] & 0x80 == 0 else { throw .ignored }
        let id = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
        let malformed = Refusal.code(.formatError, id: id)
        guard bytes.count <= Self.bytesMax else { throw malformed }
        guard bytes[2] & 0x78 == 0 else { throw .code(.notImplemented, id: id) }
        func word(_ at: Int) -> Int { Int(bytes[at]) << 8 | Int(bytes[at + 1]) }
        guard word(4) == 1, word(6) == 0, word(8) == 0, word(10) <= 1 else { throw malformed }
        guard let name = Self.name(in: bytes), bytes.count >= name.end + 4 else { throw malformed }
        self.id = id
        labels = name.labels
        type = UInt16(word(name.end))
        `class` = UInt16(word(name.end + 2))
        let end = name.end + 4
        question = Array(bytes[Self.headerBytes..<end])
        recursionDesired = bytes[2] & 1 == 1
        guard word(10) == 1 else {
            guard bytes.count == end else { throw malformed }
            datagramBytesMax = Self.datagramBytes.lowerBound
            return
        }
        // The one additional record that a query may have: EDNS options (RFC 6891), of the root's name.
        guard bytes.count >= end + 11, bytes[end] == 0, word(end + 1) == 41, bytes.count == end + 11 + word(end + 9)
        else {
            throw malformed
        }
        datagramBytesMax = min(max(word(end + 3), Self.datagramBytes.lowerBound), Self.datagramBytes.upperBound)
    }

    /// A name without compression, which a first question has no use for.
    private static func name(in bytes: [UInt8]) -> (labels: [[UInt8]], end: Int)? {
        var labels: [[UInt8]] = []
        var at = headerBytes
        while at < bytes.count, at - headerBytes < 255 {
            let length = Int(bytes[at])
            guard length > 0 else { return (labels, at + 1) }
            guard length <= 63, at + 1 + length < bytes.count else { return nil }
            labels.append(bytes[(at + 1)...(at + length)].map { (65...90).contains($0) ? $0 + 32 : $0 })
            at += 1 + length
        }
        return nil
    }

    func isNamed(_ name: String) -> Bool {
        labels.elementsEqual(name.split(separator: ".")) { $0.elementsEqual($1.utf8) }
    }

    func isBelow(_ name: String) -> Bool {
        let suffix = name.split(separator: ".")
        return labels.count > suffix.count
            && labels.suffix(suffix.count).elementsEqual(suffix) { $0.elementsEqual($1.utf8) }
    }
}

enum DNSResponseCode: UInt8 {
    case noError = 0
    case formatError = 1
    case serverFailure = 2
    case nameError = 3
    case notImplemented = 4
    case refused = 5
}

/// The answers that Martlet makes itself.
enum DNSAnswer {
    /// Seconds that a made-up address may be cached.
    private static let timeToLive: UInt32 = 60

    /// An answer without records.
    static func of(_ code: DNSResponseCode, to query: DNSQuery) -> [UInt8] {
        header(query.id, flags: flags(query, code), questions: 1, answers: 0) + query.question
    }

    /// An answer to what could not be read: only the id is known.
    static func of(_ code: DNSResponseCode, id: UInt16) -> [UInt8] {
        header(id, flags: 0x8000 | UInt16(code.rawValue), questions: 0, answers: 0)
    }

    /// The address whose family the question asks for; no record if it asks for something else.
    static func addresses(_ addresses: [IPAddress], to query: DNSQuery) -> [UInt8] {
        let records = addresses.map(\.bytes).filter {
            query.type == DNSRecordType.a && $0.count == 4 || query.type == DNSRecordType.aaaa && $0.count == 16
        }
        var bytes = header(query.id, flags: flags(query, .noError), questions: 1, answers: UInt16(records.count))
        bytes += query.question
        for address in records {
            // The name is where the question has it.
            bytes += [0xC0, UInt8(DNSQuery.headerBytes)] + query.question.suffix(4)
            bytes += withUnsafeBytes(of: timeToLive.bigEndian, Array.init)
            bytes += [0, UInt8(address.count)] + address
        }
        return bytes
    }

    /// The header and the question of an answer that is too long for UDP: the client asks again over TCP.
    static func truncated(_ answer: [UInt8], to query: DNSQuery) -> [UInt8] {
        var bytes = header(query.id, flags: flags(query, .noError), questions: 1, answers: 0) + query.question
        bytes[2] |= 0x02
        bytes[3] = answer[3]
        return bytes
    }

    private static func flags(_ query: DNSQuery, _ code: DNSResponseCode) -> UInt16 {
        // Response, recursion desired as asked, recursion available.
        0x8080 | (query.recursionDesired ? 0x0100 : 0) | UInt16(code.rawValue)
    }

    private static func header(_ id: UInt16, flags: UInt16, questions: UInt16, answers: UInt16) -> [UInt8] {
        [id, flags, questions, answers, 0, 0].flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    }
}

enum DNSRecordType {
    static let a: UInt16 = 1
    static let aaaa: UInt16 = 28
    /// Zone transfers (RFC 5936, RFC 1995).
    static let transfers: ClosedRange<UInt16> = 251...252
    static let internet: UInt16 = 1
}
