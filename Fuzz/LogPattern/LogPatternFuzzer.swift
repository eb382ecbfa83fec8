// SPDX-License-Identifier: Apache-2.0

@testable import LogPattern

/// A filter pattern in the first line, a message in what follows.
func fuzz(_ bytes: [UInt8]) {
    let end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
    let message = Array(bytes[end...].dropFirst())
    guard let text = String(validating: bytes[..<end], as: UTF8.self) else { return }
    let pattern: LogPattern
    do { pattern = try LogPattern(text) } catch {
        expect(!error.reason.isEmpty, "a refusal has a reason")
        expect(error.reason.utf8.count <= 2 * text.utf8.count + 256, "a refusal has its bounds: \(error.reason)")
        return
    }
    expect((try? LogPattern(" \(text) ")) == pattern || text.utf16.count > 1_022, "spaces around it change nothing")
    let isMatch = message.withUnsafeBytes(pattern.matches)
    expect(message.withUnsafeBytes(pattern.matches) == isMatch, "a pattern matches or not")
    switch pattern.form {
    case .everything: expect(isMatch, "no pattern matches everything")
    case .terms(let terms):
        // What is found stays found in a longer message, but for what is at its edges and what is excluded.
        let isPlain = (terms.required + terms.alternatives).allSatisfy { if case .text = $0 { true } else { false } }
        if isMatch, isPlain, terms.excluded.isEmpty {
            let longer = Array("x".utf8) + message + Array("y".utf8)
            expect(longer.withUnsafeBytes(pattern.matches), "a term is found wherever it is")
        }
    case .object:
        let spaced = Array(" \n".utf8) + message + Array("\t".utf8)
        expect(spaced.withUnsafeBytes(pattern.matches) == isMatch, "spaces around an object change nothing")
    case .fields(let fields):
        let spaced = Array("  ".utf8) + message + Array(" ".utf8)
        expect(spaced.withUnsafeBytes(pattern.matches) == isMatch, "spaces around fields change nothing")
        if isMatch { expect(fields.tail != nil || !fields.head.isEmpty, "a pattern has a field") }
    }
}
