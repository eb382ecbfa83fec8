// SPDX-License-Identifier: Apache-2.0
import Foundation
import InvocationCore
import LambdaModel
import TestSupport
import Testing

/// A day of calls as a public cloud sees them, on one machine, with environments kept for ten minutes each and by their history.
struct KeepAliveSimulationTests {
    @Test(arguments: [4_000, 1_000_000])
    func `what is learned starts fewer environments in no more memory`(memoryMiB: Int) {
        var (fixedStarts, learnedStarts) = (0, 0)
        for seed in UInt64(1)...3 {
            let trace = InvocationTrace(seed: seed, functions: 50)
            let fixed = trace.run(.fixed(.seconds(600)), memoryMiB: memoryMiB)
            let learned = trace.run(.standard, memoryMiB: memoryMiB)
            print("keep-alive, seed \(seed), \(memoryMiB) MiB: \(learned); for ten minutes each: \(fixed)")
            #expect(learned.calls >= fixed.calls)
            #expect(learned.gibibyteHours <= fixed.gibibyteHours)
            fixedStarts += fixed.starts
            learnedStarts += learned.starts
        }
        #expect(learnedStarts * 10 < fixedStarts * 9)
    }
}

/// Calls with the shape that is published for Azure Functions (Shahrad et al., "Serverless in the Wild", USENIX ATC 2020, sections 3.2
/// to 3.6): 45 % of the functions are called at most once an hour, 81 % at most once a minute; some by timers, some at random, some in
/// bursts; most calls take less than a second, and most functions less than 170 MB.
struct InvocationTrace {
    struct Call {
        var time: Double
        var function: Int
        var seconds: Double
    }

    struct Figures {
        var calls = 0
        var starts = 0
        var gibibyteHours = 0.0
    }

    private static let length = 86_400.0
    private static let timers = [60.0, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200]
    private static let startSeconds = 0.2

    private(set) var calls: [Call] = []
    private var memoryMiB: [Int] = []

    init(seed: UInt64, functions: Int) {
        var random = SplitMix64(seed: seed)
        for function in 0..<functions {
            memoryMiB.append(min(1_024, max(128, 64 * Int(170 * exp(0.7 * random.normal()) / 64))))
            let pause = Self.length / Self.callsADay(&random)
            let usual = 0.7 * exp(random.normal())
            var time = random.unit() * pause
            switch random.below(10) {
            case 0...2:
                let period = Self.timers.min { abs(log($0 / pause)) < abs(log($1 / pause)) } ?? pause
                time = random.unit() * period
                while time < Self.length {
                    call(function, time + random.unit(), usual, &random)
                    time += period
                }
            case 3...5:
                while time < Self.length {
                    call(function, time, usual, &random)
                    time += random.exponential(pause)
                }
            default:
                let (size, gap) = ([3.0, 5, 10, 20][random.below(4)], [0.3, 2, 10, 60][random.below(4)])
                while time < Self.length {
                    var within = time
                    for _ in 0...Int(random.exponential(size)) {
                        call(function, within, usual, &random)
                        within += random.exponential(gap)
                    }
                    time = max(within, time + random.exponential(pause * size))
                }
            }
        }
        calls.sort { ($0.time, $0.function) < ($1.time, $1.function) }
    }

    private static func callsADay(_ random: inout SplitMix64) -> Double {
        let (hourly, minutely) = (log(24.0), log(1_440.0))
        return switch random.below(100) {
        case ..<45: exp(log(2.0) + random.unit() * (hourly - log(2.0)))
        case ..<81: exp(hourly + random.unit() * (minutely - hourly))
        default: exp(minutely + random.unit() * (log(3_000.0) - minutely))
        }
    }

    private mutating func call(_ function: Int, _ time: Double, _ usual: Double, _ random: inout SplitMix64) {
        guard time < Self.length else { return }
        calls.append(Call(time: time, function: function, seconds: min(300, usual * exp(0.8 * random.normal()))))
    }

    /// Every call through the scheduler, with that much memory for all environments.
    func run(_ keepAlive: KeepAlive, memoryMiB limit: Int) -> Figures {
        enum Event {
            case call(Int)
            case ready(EnvironmentID)
            case gone(EnvironmentID)
            case tick
        }
        var scheduler = EnvironmentScheduler(
            settings: .init(memoryMiB: limit, keepAlive: keepAlive),
            limits: ConcurrencyLimits(account: 100_000)
        )
        var (queue, figures, inUse) = (EventQueue<Event>(), Figures(), 0.0)
        var last = queue.now
        let keys = memoryMiB.indices.map { number in
            EnvironmentKey(
                function: FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f\(number)"),
                version: "1",
                revision: "1"
            )
        }
        if !calls.isEmpty { queue.schedule(.call(0), after: .seconds(calls[0].time)) }
        while let event = queue.next() {
            figures.gibibyteHours += inUse * ((queue.now - last) / .seconds(3_600)) / 1_024
            last = queue.now
            let commands: [EnvironmentScheduler.Command]
            switch event {
            case .call(let number):
                if number + 1 < calls.count {
                    queue.schedule(.call(number + 1), after: .seconds(calls[number + 1].time - calls[number].time))
                }
                let function = calls[number].function
                commands = scheduler.invocationArrived(
                    InvocationID(String(number)),
                    key: keys[function],
                    demand: EnvironmentDemand(memoryMiB: memoryMiB[function]),
                    at: queue.now
                )
            case .ready(let id): commands = scheduler.environmentReady(id, at: queue.now)
            case .gone(let id): commands = scheduler.environmentLost(id, at: queue.now)
            case .tick: commands = scheduler.tick(at: queue.now)
            }
            for command in commands {
                switch command {
                case .start(let id, _):
                    figures.starts += 1
                    queue.schedule(.ready(id), after: .seconds(Self.startSeconds))
                case .assign(let invocation, let id):
                    figures.calls += 1
                    let call = Int(invocation.requestID).map { calls[$0] }
                    queue.schedule(.ready(id), after: .seconds(call?.seconds ?? 0))
                case .destroy(let id): queue.schedule(.gone(id), after: .zero)
                case .nextTick(let time): queue.schedule(.tick, after: time - queue.now)
                case .startProvisioned, .throttle, .fail: break
                }
            }
            inUse = Double(scheduler.memoryInUseMiB)
        }
        return figures
    }
}

extension SplitMix64 {
    /// In 0..<1.
    fileprivate mutating func unit() -> Double { Double(next() >> 11) / Double(UInt64(1) << 53) }

    fileprivate mutating func exponential(_ mean: Double) -> Double { -mean * log(1 - unit()) }

    fileprivate mutating func normal() -> Double { (-2 * log(1 - unit())).squareRoot() * cos(2 * .pi * unit()) }
}
