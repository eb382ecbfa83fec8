// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import MetadataStore

extension ControlPlane {
    /// The account's limits, and what of them it uses in the caller's region.
    func getAccountSettings(
        _ request: API.GetAccountSettingsRequest,
        caller: Caller
    ) async throws -> API.GetAccountSettingsResponse {
        let concurrency = reservations.accountMax
        let (usage, taken) = try await withStores {
            try await metadata.read { transaction in
                (
                    try transaction.usage(accountID: caller.accountID, region: caller.region),
                    try transaction.concurrency(accountID: caller.accountID, region: caller.region)
                )
            }
        }
        return .init(
            accountLimit: .init(
                totalCodeSize: storedCodeBytesMax,
                codeSizeUnzipped: LimitsProfile.unzippedBytesMax,
                codeSizeZipped: LimitsProfile.zipUploadBytesMax,
                concurrentExecutions: concurrency,
                unreservedConcurrentExecutions: max(0, concurrency - taken.values.reduce(0, +))
            ),
            accountUsage: .init(totalCodeSize: usage.codeBytes, functionCount: usage.functions)
        )
    }
}
