// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import Testing

struct BasicTimeTests {
    @Test(arguments: [
        ("19700101T000000Z", 0), ("20240229T120000Z", 1_709_208_000), ("20250131T235959Z", 1_738_367_999),
        ("20991231T235959Z", 4_102_444_799),
    ])
    func `there and back`(text: String, seconds: Int64) {
        let time = Timestamp(millisecondsSinceEpoch: seconds * 1_000)
        #expect(BasicTime.parse(text) == time)
        #expect(BasicTime.text(time) == text)
    }

    @Test(arguments: [
        "", "20250230T000000Z", "20250229T000000Z", "20251301T000000Z", "20250001T000000Z", "20250101T240000Z",
        "20250101T006000Z", "2025-0101T00000Z", "20250101T000000z", "20250101 000000Z", "+0250101T000000Z",
    ])
    func `what is no time`(text: String) {
        #expect(BasicTime.parse(text) == nil)
    }
}
