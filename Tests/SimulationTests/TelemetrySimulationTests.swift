// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import TestSupport
import Testing

/// One subscriber's buffer through random histories: floods, failures, silence, freezing.
private struct TelemetryHistory {
    private static let time = Timestamp(millisecondsSinceEpoch: 0)
    private static let bytesMax = 262_144
    private static let padding = [0, 40, 300, 800].map { String(repeating: "x", count: $0) }

    private var random: SplitMix64
    private var clock = ManualClock()
    private var buffer: TelemetryBuffer
    private var underWay: (records: [String], attempt: UInt64)?
    private var isPaused = false
    private var next = 0
    private var received: [Int] = []
    private var told = 0
    private(set) var violations: [String] = []

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        let timeout = Duration.milliseconds(25 + random.below(2_000))
        buffer = TelemetryBuffer(
            TelemetryBuffering(itemsMax: 1_000, bytesMax: Self.bytesMax, timeout: timeout),
            isTold: true
        )
    }

    mutating func run(steps: Int) {
        for _ in 0..<steps where violations.isEmpty {
            step()
            check()
        }
        finish()
    }

    private mutating func step() {
        switch random.below(12) {
        case 0..<5: append(random.oneIn(40) ? 1_200 : random.below(4))
        case 5: clock.advance(by: random.duration(upTo: .seconds(3)))
        case 6: clock.advance(by: random.duration(upTo: .milliseconds(30)))
        case 7, 8: end(delivered: !random.oneIn(3))
        case 9 where random.oneIn(4):
            if isPaused { buffer.resume(at: clock.now) } else { buffer.pause(at: clock.now) }
            isPaused.toggle()
        default: break
        }
        look()
    }

    private mutating func append(_ count: Int) {
        for _ in 0..<count {
            buffer.append("\(next) \(Self.padding[random.below(Self.padding.count)])", at: clock.now)
            next += 1
        }
    }

    private mutating func look() {
        let expected = buffer.wakeUp.map { $0 <= clock.now } ?? false
        var count = 0
        while let step = buffer.due(at: clock.now, time: Self.time) {
            count += 1
            if isPaused { violations.append("a step while frozen") }
            switch step {
            case .send(let batch, let attempt):
                if underWay != nil { violations.append("two attempts at once") }
                underWay = (batch.records, attempt)
            case .abandon(let attempt):
                if underWay?.attempt != attempt { violations.append("abandons what is not there") }
                end(delivered: random.oneIn(10))
            }
        }
        if expected != (count > 0) { violations.append("wakeUp and due disagree") }
        if let wakeUp = buffer.wakeUp, wakeUp <= clock.now { violations.append("wakes up for nothing") }
    }

    private mutating func end(delivered: Bool) {
        guard let (records, attempt) = underWay else { return }
        underWay = nil
        buffer.ended(attempt, delivered: delivered, at: clock.now)
        guard delivered else { return }
        for record in records {
            if record.utf8.first == UInt8(ascii: "{") {
                told +=
                    record.split(separator: "\"droppedRecords\":").last.flatMap {
                        Int($0.prefix { $0.isNumber })
                    } ?? 0
            } else {
                received.append(Int(record.prefix { $0 != " " }) ?? -1)
            }
        }
    }

    private mutating func check() {
        let known = received.count + buffer.records + buffer.lost.records + told
        if known != next { violations.append("\(next) records, \(known) accounted for") }
        // Each of the two batches may pass the limit by one record.
        if buffer.bytes > 2 * (Self.bytesMax + 820) { violations.append("holds \(buffer.bytes) bytes") }
        if buffer.records > 2_000 { violations.append("holds \(buffer.records) records") }
    }

    /// A subscriber that takes everything ends with all of it received or told.
    private mutating func finish() {
        if isPaused { buffer.resume(at: clock.now) }
        isPaused = false
        buffer.flush()
        for _ in 0..<50 where violations.isEmpty {
            look()
            end(delivered: true)
            if let wakeUp = buffer.wakeUp { clock.advance(to: max(clock.now, wakeUp)) }
        }
        if zip(received, received.dropFirst()).contains(where: { $0 >= $1 }) { violations.append("out of order") }
        if received.count + told != next { violations.append("\(next) records, \(received.count) and \(told) told") }
    }
}

@Suite struct TelemetrySimulationTests {
    @Test(arguments: UInt64(0)..<64)
    func `every record arrives once and in order, or is told as lost`(seed: UInt64) {
        var history = TelemetryHistory(seed: seed)
        history.run(steps: 500)
        #expect(history.violations.isEmpty, "seed \(seed)")
    }
}
