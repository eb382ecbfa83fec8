// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel

/// A `FunctionConfiguration` as the API's answers have it.
enum ConfigurationAnswer {
    private static let creating = (code: "Creating", reason: "The function is being created.")

    /// The members of the answer.
    ///
    /// With a `qualifier`, which is what the caller asked for by name, the ARN ends in it. An item that is `listed` has
    /// no states and no runtime version.
    static func members(
        _ configuration: FunctionConfiguration,
        qualifier: String? = nil,
        listed: Bool = false
    ) -> [String: JSONValue] {
        var members: [String: JSONValue] = [
            "Architectures": .array([.string(configuration.architecture.rawValue)]),
            "CodeSha256": .string(configuration.code.sha256), "CodeSize": .integer(configuration.code.sizeBytes),
            "Description": .string(configuration.description),
            "EphemeralStorage": .object(["Size": .integer(configuration.ephemeralStorageMiB)]),
            "FunctionArn": .string(configuration.key.arn(qualifier: qualifier)),
            "FunctionName": .string(configuration.key.name), "Handler": .string(configuration.handler),
            "LastModified": .string(configuration.lastModified.iso8601(suffix: "+0000")),
            "LoggingConfig": logging(configuration.logging), "MemorySize": .integer(configuration.memoryMiB),
            "PackageType": .string("Zip"), "RevisionId": .string(configuration.revisionID),
            "Role": .string(configuration.role), "Runtime": .string(configuration.runtime),
            "SnapStart": .object(["ApplyOn": .string("None"), "OptimizationStatus": .string("Off")]),
            "Timeout": .integer(configuration.timeoutSeconds),
            "TracingConfig": .object(["Mode": .string("PassThrough")]), "Version": .string(configuration.version),
        ]
        for (name, text) in configuration.echoed {
            // The texts were written by this target, so each of them parses.
            guard let value = try? JSONValue(parsing: Array(text.utf8)) else { continue }
            members[name] = name == "SnapStart" ? snapStart(value) : value
        }
        if let environment = configuration.environment {
            members["Environment"] = .object(["Variables": .object(environment.mapValues(JSONValue.string))])
        }
        if !listed { addStates(configuration, to: &members) }
        return members
    }

    private static func logging(_ logging: LoggingConfiguration) -> JSONValue {
        var members: [String: JSONValue] = [
            "LogFormat": .string(logging.format.rawValue), "LogGroup": .string(logging.logGroup),
        ]
        members["ApplicationLogLevel"] = logging.applicationLogLevel.map(JSONValue.string)
        members["SystemLogLevel"] = logging.systemLogLevel.map(JSONValue.string)
        return .object(members)
    }

    private static func snapStart(_ value: JSONValue) -> JSONValue {
        var members = value.object ?? [:]
        members["OptimizationStatus"] = .string("Off")
        return .object(members)
    }

    private static func addStates(_ configuration: FunctionConfiguration, to members: inout [String: JSONValue]) {
        members["RuntimeVersionConfig"] = .object([
            "RuntimeVersionArn": .string(
                RuntimeVersionARN.of(configuration.runtime, region: configuration.key.region)
            )
        ])
        members["State"] = .string(configuration.state.rawValue)
        switch configuration.state {
        case .pending:
            members["StateReason"] = .string(creating.reason)
            members["StateReasonCode"] = .string(creating.code)
        case .failed:
            members["StateReason"] = configuration.failure.map { .string($0.message) }
            members["StateReasonCode"] = configuration.failure.map { .string($0.code) }
        case .active, .inactive: break
        }
        guard let status = configuration.lastUpdateStatus else { return }
        members["LastUpdateStatus"] = .string(status.rawValue)
        switch status {
        case .inProgress:
            members["LastUpdateStatusReason"] = .string(creating.reason)
            members["LastUpdateStatusReasonCode"] = .string(creating.code)
        case .failed:
            members["LastUpdateStatusReason"] = configuration.failure.map { .string($0.message) }
            members["LastUpdateStatusReasonCode"] = configuration.failure.map { .string($0.code) }
        case .successful: break
        }
    }
}
