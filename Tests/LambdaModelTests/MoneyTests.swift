// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import Testing

@Suite struct MoneyTests {
    private func price(_ text: String) throws -> Price { try #require(Price(text)) }

    @Test func `prices are exact, with and without an exponent`() throws {
        #expect(try price("0.0000166667") == price("1.66667e-05"))
        #expect(try price("0.20") == price("2E-1") && price("3") == price("3.000000000000000"))
        #expect(try price("1e3") == price("1000"))
        for text in [
            "", ".", "1.", ".5", "-1", "+1", "1,5", "0x1", "1e", "1e99", "0.0000000000000001", "1000.1", "nan", "1.2.3",
            "1e-9223372036854775808", "١",
        ] {
            #expect(Price(text) == nil, "\(text)")
        }
    }

    @Test func `an amount is rounded half up where it is shown, and nowhere before`() throws {
        let price = try price("0.20")
        let one = Money(1, per: 1_000_000, at: price)
        #expect(one.text(decimals: 7) == "0.0000002" && one.text(decimals: 6) == "0.000000")
        let many = (0..<1_000_000).reduce(Money.zero) { sum, _ in sum + one }
        #expect(many == Money(1_000_000, per: 1_000_000, at: price))
        #expect(many.text(decimals: 2) == "0.20")
        #expect(Money(5, per: 1_000_000, at: price).text(decimals: 6) == "0.000001")
        #expect(Money(4, per: 1_000_000, at: price).text(decimals: 6) == "0.000001")
        #expect(Money(2, per: 1_000_000, at: price).text(decimals: 6) == "0.000000")
    }

    @Test func `sums by parts equal the sum of the whole`() throws {
        let price = try price("0.0000166667")
        let parts: [Int64] = [1, 128 * 101, 10_240 * 900_001, 7]
        let sum = parts.reduce(Money.zero) { $0 + Money($1, per: GigabyteSeconds.unit, at: price) }
        #expect(sum == Money(parts.reduce(0, +), per: GigabyteSeconds.unit, at: price))
    }

    @Test func `what is too much stays the most there can be`() throws {
        let most = Money(.max, per: GigabyteSeconds.unit, at: try price("1000"))
        let least = Money(1, per: 1 << 30, at: try price("1"))
        #expect(most + most == most && most > least)
    }

    @Test func `GB-seconds are rounded half up`() {
        #expect(GigabyteSeconds.text(1_024_000, decimals: 4) == "1.0000")
        #expect(GigabyteSeconds.text(512, decimals: 3) == "0.001" && GigabyteSeconds.text(511, decimals: 3) == "0.000")
        #expect(GigabyteSeconds.text(2_764_800_000_000_030_720, decimals: 6) == "2700000000000.030000")
    }
}
