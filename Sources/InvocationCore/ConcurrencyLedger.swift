// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// How many invocations may be in hand at once.
///
/// It is what this node may use: with several nodes, its share of the cluster's.
package struct ConcurrencyLimits: Equatable, Sendable {
    /// For each account in each region.
    package var account: Int
    /// Reserved concurrency: floor and ceiling of a function at once; 0 switches it off.
    package var reserved: [FunctionKey: Int]

    package init(account: Int = LimitsProfile.accountConcurrencyDefault, reserved: [FunctionKey: Int] = [:]) {
        precondition(account >= 0 && reserved.values.allSatisfy { $0 >= 0 }, "a limit is not negative")
        self.account = account
        self.reserved = reserved
    }
}

/// Counts the invocations in hand, waiting ones included, against the limits.
///
/// Functions with reserved concurrency draw on their own number, all others share what the account has left.
package struct ConcurrencyLedger: Equatable, Sendable {
    private struct Account: Hashable {
        var accountID: String
        var region: String

        init(_ function: FunctionKey) {
            accountID = function.accountID
            region = function.region
        }
    }

    /// Replacing them admits no one and throws no one out: what is in hand beyond a lower limit ends in its own time.
    package private(set) var limits: ConcurrencyLimits
    private var inHand: [FunctionKey: Int] = [:]
    /// Invocations in hand of functions without a reservation.
    private var unreservedInHand: [Account: Int] = [:]
    private var reservedTotal: [Account: Int] = [:]
    package private(set) var total = 0

    package init(limits: ConcurrencyLimits) {
        self.limits = limits
        recount()
    }

    package mutating func setLimits(_ limits: ConcurrencyLimits) {
        self.limits = limits
        recount()
    }

    package func invocations(of function: FunctionKey) -> Int {
        inHand[function, default: 0]
    }

    /// Takes the invocation in hand, or says why not.
    package mutating func admit(_ function: FunctionKey) -> ThrottleReason? {
        if let reserved = limits.reserved[function] {
            guard invocations(of: function) < reserved else {
                return .reservedFunctionConcurrentInvocationLimitExceeded
            }
        } else {
            let account = Account(function)
            let unreserved = limits.account - reservedTotal[account, default: 0]
            guard unreservedInHand[account, default: 0] < unreserved else { return .concurrentInvocationLimitExceeded }
            unreservedInHand[account, default: 0] += 1
        }
        inHand[function, default: 0] += 1
        total += 1
        return nil
    }

    /// One admitted invocation of the function has ended.
    package mutating func release(_ function: FunctionKey) {
        let count = invocations(of: function)
        precondition(count > 0, "only what was admitted is released")
        inHand[function] = count == 1 ? nil : count - 1
        total -= 1
        guard limits.reserved[function] == nil else { return }
        let account = Account(function)
        let shared = unreservedInHand[account, default: 0]
        unreservedInHand[account] = shared == 1 ? nil : shared - 1
    }

    private mutating func recount() {
        reservedTotal = [:]
        for (function, count) in limits.reserved { reservedTotal[Account(function), default: 0] += count }
        unreservedInHand = [:]
        for (function, count) in inHand where limits.reserved[function] == nil {
            unreservedInHand[Account(function), default: 0] += count
        }
    }
}
