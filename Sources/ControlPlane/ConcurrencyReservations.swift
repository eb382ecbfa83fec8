// SPDX-License-Identifier: Apache-2.0
package import InvocationCore
package import LambdaModel
package import MetadataStore

/// Puts into force what functions have reserved and provisioned: the metadata store says what, whoever counts invocations is told.
package actor ConcurrencyReservations {
    /// Takes all settings that there are, in place of those of every lower turn, and nothing of a lower turn after it.
    package typealias Apply = @Sendable (_ settings: ConcurrencySettings, _ turn: UInt64) async -> Void
    /// How much of what is provisioned is there, for each of the keys.
    package typealias States = @Sendable (_ keys: [EnvironmentKey]) async -> [ProvisionedState]

    /// Concurrent invocations of each account in each region.
    package nonisolated let accountMax: Int
    nonisolated let states: States
    private let metadata: MetadataStore
    private let apply: Apply
    private var turns: UInt64 = 0

    package init(metadata: MetadataStore, accountMax: Int, apply: @escaping Apply, states: @escaping States) {
        self.metadata = metadata
        self.accountMax = accountMax
        self.apply = apply
        self.states = states
    }

    /// Whatever was stored before the call is in force when it returns.
    package func refresh() async throws {
        turns += 1
        // Who has a higher turn reads later, so what it reads is at least as new.
        let turn = turns
        let settings = try await metadata.read { transaction in
            let reserved = try transaction.documents(ReservedConcurrency.self, lookup: nil)
                .reduce(into: [FunctionKey: Int]()) { $0[$1.function] = $1.document.executions }
            return ConcurrencySettings(
                reserved: reserved,
                // What a budget has stopped costs nothing meanwhile.
                provisioned: try transaction.documents(ProvisionedConcurrency.self, lookup: nil)
                    .filter { reserved[$0.function] != 0 }
                    .flatMap {
                        try transaction.shares(of: $0.document, $0.function, qualifier: $0.qualifier)
                            .compactMap(\.target)
                    }
            )
        }
        await apply(settings, turn)
    }
}
