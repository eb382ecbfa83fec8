// SPDX-License-Identifier: Apache-2.0

/// What Lambda costs, and what it counts for that.
package struct PriceList: Equatable, Sendable {
    /// Of one architecture, for a GB-second each.
    package struct Compute: Equatable, Sendable {
        package var duration: Price
        /// Of invocations in provisioned environments.
        package var provisionedDuration: Price
        /// Of provisioned environments, whether they are in use or not.
        package var provisioned: Price

        package init(duration: Price, provisionedDuration: Price, provisioned: Price) {
            self.duration = duration
            self.provisionedDuration = provisionedDuration
            self.provisioned = provisioned
        }
    }

    /// Shown with the bill.
    package var name: String
    /// Three letters.
    package var currency: String
    /// The time of an invocation is rounded up to so many.
    package var roundingMilliseconds: Int
    package var billsInitialization: Bool
    package var millionRequests: Price
    package var x86: Compute
    package var arm: Compute
    /// Of a GB-second of /tmp beyond 512 MB.
    package var ephemeralStorage: Price
    /// Of 2^30 bytes that functions send.
    package var egressGibibyte: Price
    /// Each month, where that is asked for.
    package var freeRequests: Int
    package var freeGigabyteSeconds: Int

    package init(
        name: String,
        currency: String,
        roundingMilliseconds: Int,
        billsInitialization: Bool,
        millionRequests: Price,
        x86: Compute,
        arm: Compute,
        ephemeralStorage: Price,
        egressGibibyte: Price,
        freeRequests: Int,
        freeGigabyteSeconds: Int
    ) {
        self.name = name
        self.currency = currency
        self.roundingMilliseconds = roundingMilliseconds
        self.billsInitialization = billsInitialization
        self.millionRequests = millionRequests
        self.x86 = x86
        self.arm = arm
        self.ephemeralStorage = ephemeralStorage
        self.egressGibibyte = egressGibibyte
        self.freeRequests = freeRequests
        self.freeGigabyteSeconds = freeGigabyteSeconds
    }

    package func compute(_ architecture: Architecture) -> Compute {
        switch architecture {
        case .x86_64: x86
        case .arm64: arm
        }
    }

    /// AWS's, us-east-1, first tier (docs/billing.md); examples/prices/aws-today.yaml says the same.
    package static let current = PriceList(
        name: "AWS's prices for us-east-1",
        currency: "USD",
        roundingMilliseconds: 1,
        billsInitialization: true,
        millionRequests: known("0.20"),
        x86: Compute(
            duration: known("0.0000166667"),
            provisionedDuration: known("0.0000097222"),
            provisioned: known("0.0000041667")
        ),
        arm: Compute(
            duration: known("0.0000133334"),
            provisionedDuration: known("0.0000077778"),
            provisioned: known("0.0000033334")
        ),
        ephemeralStorage: known("0.0000000309"),
        egressGibibyte: .zero,
        freeRequests: 1_000_000,
        freeGigabyteSeconds: 400_000
    )

    private static func known(_ text: String) -> Price {
        guard let price = Price(text) else { preconditionFailure("\(text) is a price") }
        return price
    }
}

/// What was used, of one architecture or several; every number exact.
package struct UsageQuantities: Equatable, Sendable {
    /// MiB-milliseconds, of one architecture.
    package struct Compute: Equatable, Sendable {
        package var duration: Int64 = 0
        package var provisionedDuration: Int64 = 0
        package var provisioned: Int64 = 0

        package init(duration: Int64 = 0, provisionedDuration: Int64 = 0, provisioned: Int64 = 0) {
            self.duration = duration
            self.provisionedDuration = provisionedDuration
            self.provisioned = provisioned
        }

        static func += (left: inout Compute, right: Compute) {
            left.duration &+= right.duration
            left.provisionedDuration &+= right.provisionedDuration
            left.provisioned &+= right.provisioned
        }

        func cost(_ prices: PriceList.Compute) -> Money {
            Money(duration, per: GigabyteSeconds.unit, at: prices.duration)
                + Money(provisionedDuration, per: GigabyteSeconds.unit, at: prices.provisionedDuration)
                + Money(provisioned, per: GigabyteSeconds.unit, at: prices.provisioned)
        }
    }

    package var requests: Int64 = 0
    /// Timeouts included.
    package var errors: Int64 = 0
    package var billedMilliseconds: Int64 = 0
    package var initMicroseconds: Int64 = 0
    package var x86 = Compute()
    package var arm = Compute()
    /// MiB-milliseconds of /tmp beyond 512 MiB.
    package var ephemeral: Int64 = 0
    package var egressBytes: Int64 = 0
    package var ingressBytes: Int64 = 0
    /// Requests that nobody waited for.
    package var asynchronous: Int64 = 0
    /// Records of queues and streams.
    package var records: Int64 = 0

    package init() {}

    /// MiB-milliseconds of all invocations.
    package var duration: Int64 {
        x86.duration &+ x86.provisionedDuration &+ arm.duration &+ arm.provisionedDuration
    }
    package var provisioned: Int64 { x86.provisioned &+ arm.provisioned }

    /// What damaged records add up to may be anything, and ends nothing.
    package static func += (left: inout UsageQuantities, right: UsageQuantities) {
        left.requests &+= right.requests
        left.errors &+= right.errors
        left.billedMilliseconds &+= right.billedMilliseconds
        left.initMicroseconds &+= right.initMicroseconds
        left.x86 += right.x86
        left.arm += right.arm
        left.ephemeral &+= right.ephemeral
        left.egressBytes &+= right.egressBytes
        left.ingressBytes &+= right.ingressBytes
        left.asynchronous &+= right.asynchronous
        left.records &+= right.records
    }

    package func cost(_ prices: PriceList) -> Money {
        Money(requests, per: 1_000_000, at: prices.millionRequests) + x86.cost(prices.x86) + arm.cost(prices.arm)
            + Money(ephemeral, per: GigabyteSeconds.unit, at: prices.ephemeralStorage)
            + Money(egressBytes, per: 1 << 30, at: prices.egressGibibyte)
    }

    /// Without the month's allowance, which goes to the dearer architecture first and not to what was provisioned.
    package func withoutFreeTier(_ prices: PriceList) -> UsageQuantities {
        var rest = self
        rest.requests = max(0, requests - Int64(prices.freeRequests))
        var allowance = Int64(prices.freeGigabyteSeconds) * GigabyteSeconds.unit
        func take(_ duration: inout Int64) {
            let free = max(0, min(allowance, duration))
            allowance -= free
            duration -= free
        }
        if prices.arm.duration > prices.x86.duration {
            take(&rest.arm.duration)
            take(&rest.x86.duration)
        } else {
            take(&rest.x86.duration)
            take(&rest.arm.duration)
        }
        return rest
    }
}
