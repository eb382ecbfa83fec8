// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import Logging
import MetadataStore

extension ControlPlane {
    /// Replaces a function's code; the old code runs until the new one has been found good.
    ///
    /// Where a version is asked for, the answer is that version, which is Pending until then: as PublishVersion, the last
    /// one when nothing has changed since.
    func updateFunctionCode(
        _ request: API.UpdateFunctionCodeRequest,
        caller: Caller
    ) async throws -> API.FunctionConfiguration {
        let key = try Self.function(request.functionName, caller: caller, action: .updateFunctionCode)
        let revisionID = request.revisionId
        let (record, policy) = try await withStores {
            try await metadata.read { transaction in
                (try transaction.latest(key), try transaction.codeSigningPolicy(key))
            }
        }
        try Self.checkChangeable(record, revisionID: revisionID)
        try ConfigurationRules.checkUnavailable([("PublishTo", request.publishTo?.wire)])
        try ConfigurationRules.checkHost(request.architectures)
        try checkUnsigned(policy, key)
        guard request.imageUri == nil else {
            throw LambdaError.invalidParameterValue(
                message: "Please don't provide ImageUri when updating a function with packageType Zip."
            )
        }
        let zip = try await zip(CodeSource(request))
        let size = try await inspect(zip)
        try Self.checkTogether(codeBytes: size, record.configuration.layers)
        if request.dryRun == true { return ConfigurationAnswer.of(record.configuration) }
        let code = try await store(zip, size: size)
        let modified = now()
        let isPublished = request.publish == true
        let shown: FunctionConfiguration
        let unused: Set<String>
        do {
            (shown, unused) = try await withStores { [storedCodeBytesMax] in
                try await metadata.change { transaction in
                    var record = try transaction.latest(key)
                    // Somebody else may have come between.
                    try Self.checkChangeable(record, revisionID: revisionID)
                    try Self.checkTogether(codeBytes: size, record.configuration.layers)
                    try transaction.refuseUnsigned(key)
                    // Code that never became active has no user left.
                    let before = record
                    record.configuration.code = code
                    Self.begin(&record.configuration, modified: modified)
                    let version = isPublished ? try Self.version(of: record, modified, transaction) : nil
                    try transaction.update(record)
                    let addedVersion = version?.isNew == true ? code.sizeBytes : 0
                    try transaction.checkCodeStorage(
                        accountID: key.accountID,
                        region: key.region,
                        added: code.sizeBytes - before.configuration.code.sizeBytes + addedVersion,
                        max: storedCodeBytesMax
                    )
                    let unused = before.codeObjectIDs.subtracting(record.codeObjectIDs)
                    return (version?.configuration ?? record.configuration, unused)
                }
            }
        } catch {
            await collector.discardNow(code.objectID)
            throw error
        }
        await collector.discardLater(unused)
        await activator.wake()
        logger.info("function code updated", metadata: ["function": "\(key.arn)"])
        return ConfigurationAnswer.of(shown, qualifier: isPublished ? shown.version : nil)
    }

    /// The version that an update with `Publish` answers with: one that is Pending like the update, or the last one when it
    /// would be the same.
    private static func version(
        of latest: FunctionRecord,
        _ modified: Timestamp,
        _ transaction: MetadataTransaction
    ) throws -> (configuration: FunctionConfiguration, isNew: Bool) {
        if let last = try lastVersion(equalTo: latest.configuration, transaction) { return (last, false) }
        var version = try publish(latest, modified, transaction)
        version.configuration.state = .pending
        version.configuration.lastUpdateStatus = nil
        try transaction.insert(version)
        return (version.configuration, true)
    }

    /// What every update does to a configuration besides its own change.
    static func begin(_ configuration: inout FunctionConfiguration, modified: Timestamp) {
        configuration.lastModified = modified
        configuration.revisionID = RandomIdentifier.uuid()
        configuration.lastUpdateStatus = .inProgress
        configuration.failure = nil
    }
}
