// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CommandLineClient

@Suite struct AliasShiftTests {
    private func shift(_ text: String) -> AliasShift? {
        AliasShift(text) { text in
            switch text {
            case "5m": .seconds(300)
            case "1s": .seconds(1)
            case "2d": .seconds(172_800)
            case "1ms": .milliseconds(1)
            default: nil
            }
        }
    }

    @Test func `a canary has one step, a linear shift as many as it takes`() {
        #expect(shift("canary:10%:5m") == AliasShift(shares: [10], interval: .seconds(300)))
        #expect(shift("linear:25%:1s") == AliasShift(shares: [25, 50, 75], interval: .seconds(1)))
        #expect(shift("linear:33%:1s")?.shares == [33, 66, 99])
        for text in [
            "", "canary", "canary:10:5m", "canary:0%:5m", "canary:100%:5m", "blue:10%:5m", "linear:10%", "linear:10%:x",
            "linear:10%:2d", "linear:10%:1ms", "linear:10%:5m:1", "linear:-5%:5m", "linear:x%:5m",
        ] {
            #expect(shift(text) == nil, "\(text)")
        }
    }

    @Test func `each share is held, and then the new version has all`() {
        let shift = AliasShift(shares: [50, 75], interval: .seconds(10))
        var progress = AliasShiftProgress(shift, errorsBefore: 0, errorsMax: 0)
        let steps = [0, 4, 11, 20, 21].map { progress.step(errors: 0, at: .seconds($0)) }
        let expected: [AliasShiftProgress.Step] = [
            .weigh(percent: 50), .hold(atMost: .seconds(6)), .weigh(percent: 75), .hold(atMost: .seconds(1)), .complete,
        ]
        #expect(steps == expected)
    }

    @Test func `errors beyond those allowed take it back at any step`() {
        for step in 0..<4 {
            var progress = AliasShiftProgress(
                .init(shares: [10, 20, 30], interval: .seconds(1)),
                errorsBefore: 0,
                errorsMax: 2
            )
            for number in 0..<step { _ = progress.step(errors: 2, at: .seconds(number)) }
            let last = progress.step(errors: 3, at: .seconds(step))
            #expect(last == .goBack(errors: 3))
        }
    }

    @Test func `errors from before the shift do not take it back, however many, and those since are counted`() {
        let shift = AliasShift(shares: [10, 50], interval: .seconds(10))
        for before: Int64 in [0, 1, 7_000] {
            var progress = AliasShiftProgress(shift, errorsBefore: before, errorsMax: 1)
            let steps = [(0, 0), (5, 1), (10, 1), (20, 1)].map { time, errors in
                progress.step(errors: before + errors, at: .seconds(time))
            }
            #expect(steps == [.weigh(percent: 10), .hold(atMost: .seconds(5)), .weigh(percent: 50), .complete])
            var failing = AliasShiftProgress(shift, errorsBefore: before, errorsMax: 1)
            _ = failing.step(errors: before, at: .zero)
            let last = failing.step(errors: before + 2, at: .seconds(5))
            #expect(last == .goBack(errors: 2))
        }
    }

    @Test func `without shares it is complete at once`() {
        var progress = AliasShiftProgress(.all, errorsBefore: 0, errorsMax: 0)
        let step = progress.step(errors: 0, at: .zero)
        #expect(step == .complete)
    }

    @Test func `a bar is as long at any share`() {
        let bars = [0, 1, 50, 99, 100].map { ProgressBar.text("Uploading f", $0 * 60_000, of: 6_000_000) }
        #expect(Set(bars.map(\.count)).count == 1)
        #expect(bars[2].contains("[===============>              ]  50 %  3.0 of 6.0 MB"))
        #expect(ProgressBar.text("f", 0, of: 0).contains("100 %"))
        #expect(ProgressBar.text("f", waiting: .milliseconds(10)) == "f …")
        #expect(ProgressBar.text("f", waiting: .seconds(3)) == "f … 3 s")
    }
}
