// SPDX-License-Identifier: Apache-2.0

/// Whether and when a request that failed is made again; decides, and waits for nothing itself.
struct ServiceRetry: Equatable {
    enum Decision: Equatable {
        case giveUp
        case wait(Duration)
    }

    /// Each pause is so many times the one before.
    static let growth = 4

    private var triesLeft: Int
    private var pause: Duration

    init(_ times: ServiceClient.Times) {
        triesLeft = times.triesMax
        pause = times.pause
    }

    /// A try failed, and so much is left of the request's time.
    mutating func failed(_ failure: ServiceFailure, left: Duration) -> Decision {
        triesLeft -= 1
        guard failure.mayPass, triesLeft > 0, pause < left else { return .giveUp }
        defer { pause *= Self.growth }
        return .wait(pause)
    }
}
