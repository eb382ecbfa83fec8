// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// Which usage is added up, and how.
package struct UsageQuery: Equatable, Sendable {
    package var accountID: String
    package var region: String
    /// Invocations that started in it.
    package var period: Range<Timestamp>
    /// Each day, UTC, by itself.
    package var isDaily = false
    /// The time of each invocation is rounded up to so many.
    package var roundingMilliseconds = 1
    package var billsInitialization = true

    package init(accountID: String, region: String, period: Range<Timestamp>) {
        self.accountID = accountID
        self.region = region
        self.period = period
    }
}

/// The usage records of one function, version, memory size and architecture, added up.
package struct UsageLine: Equatable, Sendable {
    package static let dayMilliseconds: Int64 = 86_400_000

    /// What is added up by itself.
    package struct Key: Hashable, Sendable {
        /// Days since 1970, UTC; 0 where days are not told apart.
        package var day: Int64
        package var function: FunctionKey
        package var version: String
        package var memoryMiB: Int
        package var architecture: Architecture

        package init(day: Int64, function: FunctionKey, version: String, memoryMiB: Int, architecture: Architecture) {
            self.day = day
            self.function = function
            self.version = version
            self.memoryMiB = memoryMiB
            self.architecture = architecture
        }
    }

    package var key: Key
    /// Invocations.
    package var requests: Int64 = 0
    package var billedMilliseconds: Int64 = 0
    /// Of these, those of provisioned environments.
    package var provisionedBilledMilliseconds: Int64 = 0
    /// How long provisioned environments were there, all together.
    package var provisionedMilliseconds: Int64 = 0
    /// What was configured of /tmp beyond 512 MiB, times billed time, exact.
    package var ephemeralMebibyteMilliseconds: Int64 = 0
    package var initMicroseconds: Int64 = 0
    package var egressBytes: Int64 = 0
    package var ingressBytes: Int64 = 0
    /// Invocations that nobody waited for.
    package var asynchronous: Int64 = 0
    /// Records of queues and streams that invocations were for.
    package var records: Int64 = 0
    /// Invocations whose outcome was neither `success` nor `timeout`.
    package var errors: Int64 = 0
    package var timeouts: Int64 = 0

    init(_ key: Key) { self.key = key }

    package var function: FunctionKey { key.function }
    /// Memory times billed time, exact.
    package var memoryMebibyteMilliseconds: Int64 { Int64(key.memoryMiB) * billedMilliseconds }
    /// GB-seconds: a GB is 1,024 MiB here, as on AWS's bill.
    package var gbSeconds: Double { Double(memoryMebibyteMilliseconds) / 1_024_000 }
    package var ephemeralGBSeconds: Double { Double(ephemeralMebibyteMilliseconds) / 1_024_000 }
    package var provisionedGBSeconds: Double { Double(Int64(key.memoryMiB) * provisionedMilliseconds) / 1_024_000 }
}

/// How long provisioned environments of one version were there, within one day.
package struct ProvisionedUse: Equatable, Sendable {
    package var key: UsageLine.Key
    package var milliseconds: Int64

    package init(key: UsageLine.Key, milliseconds: Int64) {
        self.key = key
        self.milliseconds = milliseconds
    }
}
