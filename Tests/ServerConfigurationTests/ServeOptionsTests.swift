// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Testing

@testable import ServerConfiguration

@Suite struct ServeOptionsTests {
    private static let flags: Set<Setting> = [.insecureHTTP, .throttleAPI]

    /// A value for each option that takes one.
    private static let samples: [Setting: [String]] = {
        var samples: [Setting: [String]] = [:]
        for setting in Setting.allCases where setting.option != nil { samples[setting] = ["text of \(setting)"] }
        samples[.egress] = ["allow=10.0.0.0/8", "none"]
        samples[.runtime] = ["python3.12=/a", "nodejs22.x=/b"]
        for flag in flags { samples[flag] = ["true"] }
        return samples
    }()

    @Test func `each setting has its option, and each option arrives`() throws {
        var arguments: [String] = []
        for (setting, texts) in Self.samples {
            let option = try #require(setting.option)
            arguments += Self.flags.contains(setting) ? [option] : texts.flatMap { [option, $0] }
        }
        #expect(try ServeOptions.parse(arguments).values == Self.samples)
        #expect(try ServeOptions.parse([]).values.isEmpty)
    }

    @Test func `unknown options are refused`() {
        #expect(throws: (any Error).self) { try ServeOptions.parse(["--lisen", "127.0.0.1:1"]) }
        #expect(throws: (any Error).self) { try ServeOptions.parse(["--master-key", "AAAA"]) }
    }

    @Test func `an address to listen on is the whole text, also behind a NUL`() {
        #expect(ListenAddress("127.0.0.1\0.example:80") == nil && ListenAddress("[::1\0]:80") == nil)
    }
}
