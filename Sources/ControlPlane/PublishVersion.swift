// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import Logging
import MetadataStore

/// The numbers that a function's versions have had.
struct VersionCounter: FunctionDocument, Equatable {
    static let kind = "versions"

    /// Never given again, even when the version is deleted.
    var last: Int
    /// `$LATEST`'s when the last version was made, which may have a description of its own.
    var latestDescription: String
}

extension ControlPlane {
    /// Makes a version of `$LATEST` as it is, or answers the last one when nothing has changed since.
    func publishVersion(
        _ request: API.PublishVersionRequest,
        caller: Caller
    ) async throws -> API.FunctionConfiguration {
        let key = try Self.function(request.functionName, caller: caller, action: .publishVersion)
        if request.publishTo != nil { throw ConfigurationRules.unavailable("PublishTo") }
        let modified = now()
        let version = try await withStores { [storedCodeBytesMax] in
            try await metadata.change { transaction in
                var latest = try transaction.latest(key)
                try Self.checkChangeable(latest, revisionID: request.revisionId)
                let sha256 = latest.configuration.code.sha256
                if let given = request.codeSha256, !given.isEmpty, given != sha256 {
                    throw LambdaError.invalidParameterValue(
                        message: "CodeSHA256 (\(given)) is different from current CodeSHA256 in $LATEST (\(sha256)). "
                            + "Please try again with the CodeSHA256 in $LATEST."
                    )
                }
                if let last = try Self.lastVersion(equalTo: latest.configuration, transaction) { return last }
                var version = try Self.publish(latest, description: request.description, modified, transaction)
                if latest.configuration.state == .failed || latest.configuration.lastUpdateStatus == .failed
                    || version.configuration.hasSnapStart
                {
                    // It has not been found good, or is to be initialised: the version finds out by itself.
                    version.configuration.state = .pending
                    version.configuration.lastUpdateStatus = nil
                    version.configuration.failure = nil
                } else {
                    version.configuration.state = .active
                    version.configuration.lastUpdateStatus = .successful
                    version.active = version.configuration
                }
                try transaction.insert(version)
                try transaction.checkCodeStorage(
                    accountID: key.accountID,
                    region: key.region,
                    added: version.configuration.code.sizeBytes,
                    max: storedCodeBytesMax
                )
                latest.configuration.revisionID = RandomIdentifier.uuid()
                try transaction.update(latest)
                return version.configuration
            }
        }
        await activator.wake()
        logger.info("version published", metadata: ["function": "\(key.arn(qualifier: version.version))"])
        return ConfigurationAnswer.of(version, qualifier: version.version)
    }

    /// The next version of what `latest` shows, with nothing active, not yet stored; its number is taken.
    static func publish(
        _ latest: FunctionRecord,
        description: String? = nil,
        _ modified: Timestamp,
        _ transaction: MetadataTransaction
    ) throws -> FunctionRecord {
        let key = latest.configuration.key
        let number = (try transaction.document(VersionCounter.self, of: key)?.last ?? 0) + 1
        try transaction.put(
            VersionCounter(last: number, latestDescription: latest.configuration.description),
            of: key
        )
        var configuration = latest.configuration
        configuration.version = String(number)
        configuration.revisionID = RandomIdentifier.uuid()
        configuration.lastModified = modified
        configuration.tags = [:]
        if let description, !description.isEmpty { configuration.description = description }
        return FunctionRecord(configuration: configuration, active: nil)
    }

    /// The version made last, where it is still there and has the code and configuration that `$LATEST` has now.
    static func lastVersion(
        equalTo latest: FunctionConfiguration,
        _ transaction: MetadataTransaction
    ) throws -> FunctionConfiguration? {
        guard let counter = try transaction.document(VersionCounter.self, of: latest.key),
            counter.latestDescription == latest.description,
            let last = try transaction.record(latest.key, String(counter.last))?.configuration
        else { return nil }
        // What tells versions apart, or changes by itself.
        var same = latest
        same.version = last.version
        same.revisionID = last.revisionID
        same.lastModified = last.lastModified
        same.description = last.description
        same.state = last.state
        same.lastUpdateStatus = last.lastUpdateStatus
        same.failure = last.failure
        same.tags = last.tags
        if same.asksSnapStart == last.asksSnapStart { same.echoed["SnapStart"] = last.echoed["SnapStart"] }
        if same.code.sha256 == last.code.sha256 { same.code = last.code }
        return same == last ? last : nil
    }
}
