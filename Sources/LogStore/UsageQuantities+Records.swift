// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

extension UsageQuantities {
    /// What one invocation used, or the initialisation of a provisioned environment.
    package init(_ record: UsageRecord) {
        self.init()
        let isInvocation = record.outcome != UsageRecord.provisionedInit
        requests = isInvocation ? 1 : 0
        errors = isInvocation && record.outcome != "success" ? 1 : 0
        billedMilliseconds = record.billedMilliseconds
        initMicroseconds = record.initMicroseconds ?? 0
        let compute = Int64(record.memoryMiB) * record.billedMilliseconds
        set(
            record.isProvisioned ? Compute(provisionedDuration: compute) : Compute(duration: compute),
            record.architecture
        )
        ephemeral = Int64(max(0, record.ephemeralStorageMiB - 512)) * record.billedMilliseconds
        egressBytes = record.egressBytes
        ingressBytes = record.ingressBytes
        asynchronous = record.origin == .asynchronous ? 1 : 0
        records = Int64(record.origin.records)
    }

    package init(_ use: ProvisionedUse) {
        self.init()
        set(Compute(provisioned: Int64(use.key.memoryMiB) * use.milliseconds), use.key.architecture)
    }

    package init(_ line: UsageLine) {
        self.init()
        requests = line.requests
        errors = line.errors + line.timeouts
        billedMilliseconds = line.billedMilliseconds
        initMicroseconds = line.initMicroseconds
        let memory = Int64(line.key.memoryMiB)
        set(
            Compute(
                duration: memory * (line.billedMilliseconds - line.provisionedBilledMilliseconds),
                provisionedDuration: memory * line.provisionedBilledMilliseconds,
                provisioned: memory * line.provisionedMilliseconds
            ),
            line.key.architecture
        )
        ephemeral = line.ephemeralMebibyteMilliseconds
        egressBytes = line.egressBytes
        ingressBytes = line.ingressBytes
        asynchronous = line.asynchronous
        records = line.records
    }

    private mutating func set(_ compute: Compute, _ architecture: Architecture) {
        switch architecture {
        case .x86_64: x86 = compute
        case .arm64: arm = compute
        }
    }
}
