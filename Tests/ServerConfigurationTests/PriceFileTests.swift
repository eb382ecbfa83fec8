// SPDX-License-Identifier: Apache-2.0
import Foundation
import LambdaModel
import ServerConfiguration
import Testing

@Suite struct PriceFileTests {
    private static let examples = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "examples/prices")

    private func refusal(
        _ text: String,
        name: String = "prices.yaml",
        _ check: (PriceList) -> Void = { _ in }
    ) async throws -> String {
        let directory = NSTemporaryDirectory() + "martlet-prices-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        defer {
            do { try FileManager.default.removeItem(atPath: directory) } catch { Issue.record(error) }
        }
        let path = "\(directory)/\(name)"
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        do {
            check(try await PriceFile.read(path))
        } catch {
            return error.description.replacing(path, with: name)
        }
        return "accepted"
    }

    private func example() throws -> String {
        try String(contentsOf: Self.examples.appending(path: "aws-today.yaml"), encoding: .utf8)
    }

    @Test func `the shipped list of today is what is taken without a file`() async throws {
        let list = try await PriceFile.read(Self.examples.appending(path: "aws-today.yaml").path())
        #expect(list == PriceList.current)
    }

    @Test func `the shipped list of the first day rounds to 100 ms, without initialisation`() async throws {
        let list = try await PriceFile.read(Self.examples.appending(path: "aws-2014.yaml").path())
        #expect(list.roundingMilliseconds == 100 && !list.billsInitialization)
        #expect(list.x86.duration == Price("0.00001667") && list.millionRequests == Price("0.20"))
    }

    @Test func `JSON says the same`() async throws {
        let json = """
            {"name": "own", "currency": "EUR", "rounding-milliseconds": 1, "bills-initialization": true,
             "million-requests": 0.2, "ephemeral-storage": 3.09e-8, "egress-gibibyte": "0.09",
             "free-requests": 0, "free-gigabyte-seconds": 0,
             "x86_64": {"duration": 0.0000166667, "provisioned-duration": 0, "provisioned": 0},
             "arm64": {"duration": 0.0000133334, "provisioned-duration": 0, "provisioned": 0}}
            """
        let answer = try await refusal(json, name: "prices.json") { list in
            #expect(list.x86.duration == Price("0.0000166667") && list.millionRequests == Price("0.2"))
            #expect(list.ephemeralStorage == Price("0.0000000309") && list.egressGibibyte == Price("0.09"))
            #expect(list.billsInitialization)
        }
        #expect(answer == "accepted")
        let line = json.replacing("0.0000133334", with: "-1")
        #expect(try await refusal(line, name: "prices.json").hasPrefix("prices.json:5: 'arm64.duration' is a price"))
    }

    @Test func `an error names the line and the key`() async throws {
        let text = try example()
        for (old, new, expected) in [
            ("0.0000133334", "cheap", "prices.yaml:15: 'arm64.duration' is a price"),
            ("currency: USD", "currency: dollars", "prices.yaml:4: 'currency' is three capital letters"),
            ("milliseconds: 1\n", "milliseconds: 0\n", "prices.yaml:6: 'rounding-milliseconds' is a whole number"),
            ("initialization: true", "initialization: maybe", "prices.yaml:7: 'bills-initialization' is true or false"),
            ("egress-gibibyte: 0", "egress: 0", "prices.yaml:21: 'egress' is none of"),
            ("currency: USD\n", "", "prices.yaml: 'currency' is missing"),
            ("currency: USD", "currency: [USD", "The price file prices.yaml can't be used"),
        ] {
            let refusal = try await refusal(text.replacing(old, with: new))
            #expect(refusal.hasPrefix(expected), "\(refusal)")
        }
        #expect(try await refusal("").contains("is empty"))
        await #expect(throws: ConfigurationError.self) { try await PriceFile.read("/nonexistent/prices.yaml") }
    }
}
