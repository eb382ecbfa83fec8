// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestSupport
import Testing

@testable import LogPattern

struct LimitedRegexTests {
    private func found(_ regex: String, _ text: String) throws -> Bool {
        let regex = try LimitedRegex(Array(regex.utf8)[...])
        return Array(text.utf8).withUnsafeBytes(regex.isFound)
    }

    @Test(
        arguments: [
            ("AUTHORIZED", "[ERROR 401] UNAUTHORIZED REQUEST", true), ("^[hc]at", "hat", true),
            ("^[hc]at", "a hat", false),
            ("[hc]at$", "a cat", true), ("[hc]at$", "cats", false), ("colou?r", "color", true),
            ("colou?r", "colour", true),
            ("[abcx-z]", "y", true), ("[abcx-z]", "d", false), ("^a{3,5}$", "aa", false), ("^a{3,5}$", "aaaa", true),
            ("^a{3,5}$", "aaaaaa", false), ("gra|ey", "gray", true), ("^10\\.10\\.0\\.1$", "10.10.0.1", true),
            ("^10\\.10\\.0\\.1$", "10x10.0.1", false), ("^a.c$", "abc", true), ("ab*c", "ac", true),
            ("ab+c", "ac", false),
            ("\\d{1,3}\\.\\d{1,3}", "at 10.255 now", true), ("^\\D+$", "12", false), ("\\s", "a b", true),
            ("^\\S+$", "a b", false), ("^\\w+$", "a_1", true), ("\\W", "a_1", false), ("\\x41B", "xAB", true),
            ("[^a-c]", "abc", false), ("[a-]", "-", true), ("[\\]]", "]", true), ("", "anything", true),
            ("^$", "", true),
            ("^$", "x", false), ("^|b$", "", true), ("a||b", "", true), ("^x*$", "xxxx", true), ("a{2}", "aa", true),
            ("a{2,}$", "baaaa", true), ("a{0,2}b", "b", true), ("^a{0,2}b", "aaab", false), ("x$|^y", "yx", true),
        ]
    )
    func `as the user guide has them`(regex: String, text: String, isFound: Bool) throws {
        #expect(try found(regex, text) == isFound)
    }

    @Test(arguments: [
        "a(b)", "something!", "[a", "[]", "a{", "a{2", "a{3,2}", "a{0}", "*a", "a**", "\\", "\\q", "\\x4", "\\x+1",
        "[b-a]",
        "ü", "a^b", "a$b", "\"", "a{1024}", "a{99999}", "[[]", "]", "}",
    ])
    func `what is not supported is refused`(regex: String) {
        #expect(throws: LogPatternFailure.self) { try LimitedRegex(Array(regex.utf8)[...]) }
    }

    /// Those that would keep a backtracking engine for longer than the universe is old.
    @Test(arguments: [
        String(repeating: "a*", count: 400) + "b",
        String(repeating: "a?", count: 400) + String(repeating: "a", count: 80),
        ".*.*.*.*.*.*.*.*.*.*=.*.*.*x", "[ab]*a[ab]{900}x", "a{0,1000}b",
    ])
    func `no text makes it slow`(regex: String) throws {
        let text = String(repeating: "a", count: 20_000)
        #expect(try found(regex, text) == (regex.hasSuffix("a")))
    }

    /// The same as ICU's, on random expressions and texts: 200 seeds of 20 texts.
    @Test(arguments: UInt64(0)..<200)
    func `like another engine`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let atoms = ["a", "b", ".", "[ab]", "[^a]", "\\d", "c"]
        let repetitions = ["", "", "?", "*", "+", "{2}", "{1,3}", "{0,2}", "{2,}"]
        let branches = (0...random.below(2)).map { _ in
            let items = (0..<random.below(7)).map { _ in
                (random.element(of: atoms) ?? "") + (random.element(of: repetitions) ?? "")
            }
            return (random.oneIn(4) ? "^" : "") + items.joined() + (random.oneIn(4) ? "$" : "")
        }
        let text = branches.joined(separator: "|")
        // The other one takes no empty expression.
        guard !text.isEmpty else { return }
        let other = try NSRegularExpression(pattern: text, options: .dotMatchesLineSeparators)
        for _ in 0..<20 {
            let subject = (0..<random.below(9)).map { _ in random.element(of: ["a", "b", "c", "1"]) ?? "" }.joined()
            let range = NSRange(location: 0, length: subject.utf16.count)
            let expected = other.firstMatch(in: subject, range: range) != nil
            #expect(try found(text, subject) == expected, "seed \(seed): \(text) in \(subject)")
        }
    }

    /// Longer than a word of 64 positions: the same as its short form in a text that is as much longer.
    @Test(arguments: UInt64(0)..<50)
    func `in several words as in one`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let pad = String(repeating: "z", count: 60 + random.below(100))
        let repetitions = ["", "?", "*", "+", "{0,3}"]
        let core = (0..<6).map { _ in
            (random.element(of: ["a", "b", "[ab]"]) ?? "") + (random.element(of: repetitions) ?? "")
        }.joined()
        for _ in 0..<20 {
            let subject = (0..<random.below(10)).map { _ in random.element(of: ["a", "b"]) ?? "" }.joined()
            let long = try found("^\(pad)\(core)\(pad)$", pad + subject + pad)
            #expect(try long == found("^\(core)$", subject), "seed \(seed): \(core) in \(subject)")
        }
    }
}
