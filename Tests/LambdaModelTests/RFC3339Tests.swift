// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import Testing

/// Times as loggers write them.
struct RFC3339Tests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2025-11-24T23:12:27.123Z", 1_764_025_947_123),
            ("2025-11-24T23:12:27.1239999+00:00", 1_764_025_947_123),
            ("2025-11-25T00:12:27.1+01:00", 1_764_025_947_100),
            ("2025-11-24 18:42:27-04:30", 1_764_025_947_000), ("2000-02-29T00:00:00z", 951_782_400_000),
            ("1969-12-31T23:59:59.999Z", -1), ("0000-01-01T00:00:00Z", -62_167_219_200_000),
        ] as [(String, Int64)]
    )
    func `is read`(text: String, milliseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.millisecondsSinceEpoch == milliseconds)
    }

    @Test(
        arguments: [
            "", "2025", "2025-11-24", "2025-11-24T23:12:27", "2025-11-24T23:12Z", "2025-13-01T00:00:00Z",
            "2025-00-01T00:00:00Z", "2025-02-29T00:00:00Z", "2025-04-31T00:00:00Z", "2025-04-00T00:00:00Z",
            "2025-11-24T24:00:00Z", "2025-11-24T23:60:00Z", "2025-11-24T23:12:27.Z", "2025-11-24T23:12:27Zx",
            "2025-11-24T23:12:27+0100", "2025-11-24T23:12:27+24:00", "+025-11-24T23:12:27Z",
            "2025-11-24T23:12:27." + String(repeating: "1", count: 100) + "Z",
        ]
    )
    func `is refused`(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test func `what is written is read`() {
        var state: UInt64 = 7
        for _ in 0..<1_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let time = Timestamp(millisecondsSinceEpoch: Int64(state % 253_402_300_800_000))
            #expect(Timestamp(rfc3339: time.iso8601()) == time)
        }
    }

    @Test(arguments: [Int64.min, -62_135_596_800_001, 253_402_300_800_000, .max])
    func `a stored number that is no time is refused, and shown all the same`(milliseconds: Int64) {
        #expect(throws: DecodingError.self) { try Timestamp(stored: milliseconds) }
        #expect(!Timestamp(millisecondsSinceEpoch: milliseconds).iso8601().isEmpty)
    }
}
