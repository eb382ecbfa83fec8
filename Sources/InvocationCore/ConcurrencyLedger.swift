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
    /// Provisioned concurrency: a floor of a version, and part of its function's reservation where there is one.
    package var provisioned: [FunctionVersionKey: Int]

    package init(
        account: Int = LimitsProfile.accountConcurrencyDefault,
        reserved: [FunctionKey: Int] = [:],
        provisioned: [FunctionVersionKey: Int] = [:]
    ) {
        precondition(account >= 0, "a limit is not negative")
        precondition((Array(reserved.values) + provisioned.values).allSatisfy { $0 >= 0 }, "a share is not negative")
        self.account = account
        self.reserved = reserved
        self.provisioned = provisioned
    }
}

/// Counts the invocations in hand, waiting ones included, against the limits.
///
/// Functions with reserved concurrency draw on their own number. All others share what the account has left; of it a version with
/// provisioned concurrency has its own part, and beyond that shares the rest.
package struct ConcurrencyLedger: Equatable, Sendable {
    private struct Account: Hashable {
        var accountID: String
        var region: String

        init(_ function: FunctionKey) {
            accountID = function.accountID
            region = function.region
        }
    }

    package private(set) var limits: ConcurrencyLimits
    /// Of the reservations that are in force.
    private var turn: UInt64 = 0
    private var inHand: [FunctionKey: Int] = [:]
    private var versionsInHand: [FunctionVersionKey: Int] = [:]
    /// Of functions without a reservation: those in hand beyond what their versions have provisioned.
    private var sharedInHand: [Account: Int] = [:]
    /// What is reserved, or provisioned without a reservation.
    private var takenTotal: [Account: Int] = [:]
    package private(set) var total = 0

    package init(limits: ConcurrencyLimits) {
        self.limits = limits
        recount()
    }

    /// Replaces all reservations and all that is provisioned, unless those of a higher turn are in force already.
    ///
    /// Admits no one and throws no one out: what is in hand beyond a lower limit ends in its own time.
    /// - Returns: whether they are in force now.
    @discardableResult
    package mutating func setReserved(
        _ reserved: [FunctionKey: Int],
        provisioned: [FunctionVersionKey: Int] = [:],
        turn: UInt64
    ) -> Bool {
        guard turn > self.turn else { return false }
        self.turn = turn
        limits = ConcurrencyLimits(account: limits.account, reserved: reserved, provisioned: provisioned)
        recount()
        return true
    }

    package func invocations(of function: FunctionKey) -> Int {
        inHand[function, default: 0]
    }

    /// Takes an invocation of that version in hand, or says why not.
    package mutating func admit(
        _ function: FunctionKey,
        version: String = FunctionVersionKey.latest
    ) -> ThrottleReason? {
        let version = FunctionVersionKey(function: function, version: version)
        if let reserved = limits.reserved[function] {
            guard invocations(of: function) < reserved else {
                return .reservedFunctionConcurrentInvocationLimitExceeded
            }
        } else if versionsInHand[version, default: 0] >= limits.provisioned[version, default: 0] {
            let account = Account(function)
            let shared = limits.account - takenTotal[account, default: 0]
            guard sharedInHand[account, default: 0] < shared else { return .concurrentInvocationLimitExceeded }
            sharedInHand[account, default: 0] += 1
        }
        inHand[function, default: 0] += 1
        versionsInHand[version, default: 0] += 1
        total += 1
        return nil
    }

    /// One admitted invocation of that version has ended.
    package mutating func release(_ function: FunctionKey, version: String = FunctionVersionKey.latest) {
        let version = FunctionVersionKey(function: function, version: version)
        let (ofFunction, ofVersion) = (invocations(of: function), versionsInHand[version, default: 0])
        precondition(ofVersion > 0, "only what was admitted is released")
        inHand[function] = ofFunction == 1 ? nil : ofFunction - 1
        versionsInHand[version] = ofVersion == 1 ? nil : ofVersion - 1
        total -= 1
        guard limits.reserved[function] == nil, ofVersion > limits.provisioned[version, default: 0] else { return }
        let account = Account(function)
        let shared = sharedInHand[account, default: 0]
        sharedInHand[account] = shared == 1 ? nil : shared - 1
    }

    private mutating func recount() {
        takenTotal = [:]
        for (function, count) in limits.reserved { takenTotal[Account(function), default: 0] += count }
        for (version, count) in limits.provisioned where limits.reserved[version.function] == nil {
            takenTotal[Account(version.function), default: 0] += count
        }
        sharedInHand = [:]
        for (version, count) in versionsInHand where limits.reserved[version.function] == nil {
            let shared = count - limits.provisioned[version, default: 0]
            if shared > 0 { sharedInHand[Account(version.function), default: 0] += shared }
        }
    }
}
