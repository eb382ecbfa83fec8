// SPDX-License-Identifier: Apache-2.0
import EnvelopeEncryption
import Foundation
import LambdaModel

/// Between records and rows: JSON, and envelopes for what is secret.
struct FunctionRowCoder: Sendable {
    private enum Field: String {
        case environment
        case activeEnvironment
    }

    let masterKey: MasterKey

    func encode(_ record: FunctionRecord) throws -> FunctionRow {
        let shown = record.configuration
        let arn = Self.arn(shown.key, shown.version)
        return FunctionRow(
            key: shown.key,
            version: shown.version,
            state: shown.state.rawValue,
            lastUpdateStatus: shown.lastUpdateStatus?.rawValue,
            codeObjectID: shown.code.objectID,
            codeBytes: shown.code.sizeBytes,
            activeCodeObjectID: record.active?.code.objectID,
            layerObjectIDs: try StringList.text(
                Set((shown.layers + (record.active?.layers ?? [])).map(\.code.objectID)).sorted()
            ),
            configuration: try encodePublic(shown),
            environment: try seal(shown.environment, .environment, of: arn),
            activeConfiguration: try record.active.map { try encodePublic($0) },
            activeEnvironment: try seal(record.active?.environment, .activeEnvironment, of: arn)
        )
    }

    func decode(_ row: FunctionRow) throws -> FunctionRecord {
        FunctionRecord(
            configuration: try decodeShown(row),
            active: try row.activeConfiguration.map {
                try configuration($0, row.activeEnvironment, .activeEnvironment, of: row)
            }
        )
    }

    /// What the API shows of a row, which is all that a list needs.
    func decodeShown(_ row: FunctionRow) throws -> FunctionConfiguration {
        try configuration(row.configuration, row.environment, .environment, of: row)
    }

    private func configuration(
        _ json: Data,
        _ sealed: Data?,
        _ field: Field,
        of row: FunctionRow
    ) throws -> FunctionConfiguration {
        let arn = Self.arn(row.key, row.version)
        func changed(_ reason: String) -> MetadataStoreError {
            .contentChanged(function: arn, reason: reason)
        }
        do {
            var configuration = try JSONDecoder().decode(FunctionConfiguration.self, from: json)
            configuration.environment = try open(sealed, field, of: arn)
            guard configuration.key == row.key, configuration.version == row.version else {
                throw changed("the row holds another function's configuration")
            }
            return configuration
        } catch let error as EnvelopeError {
            throw changed("environment variables: \(error)")
        } catch is DecodingError {
            throw changed("its configuration can't be read")
        }
    }

    private func encodePublic(_ configuration: FunctionConfiguration) throws -> Data {
        var configuration = configuration
        configuration.environment = nil
        return try JSONEncoder().encode(configuration)
    }

    private func seal(_ environment: [String: String]?, _ field: Field, of arn: String) throws -> Data? {
        guard let environment else { return nil }
        let plain = [UInt8](try JSONEncoder().encode(environment))
        return Data(try Envelope.seal(plain, context: context(arn, field), with: masterKey))
    }

    private func open(_ sealed: Data?, _ field: Field, of arn: String) throws -> [String: String]? {
        guard let sealed else { return nil }
        let plain = try Envelope.open([UInt8](sealed), context: context(arn, field), with: masterKey)
        return try JSONDecoder().decode([String: String].self, from: Data(plain))
    }

    private func context(_ arn: String, _ field: Field) -> String { "\(arn) \(field.rawValue)" }

    /// Variables of one version are no other's: an envelope opens in its own row only.
    private static func arn(_ key: FunctionKey, _ version: String) -> String {
        key.arn(qualifier: version == FunctionRow.latest ? nil : version)
    }
}
