// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel

/// A `FunctionConfiguration` as the API's answers have it.
enum ConfigurationAnswer {
    private static let creating = (code: "Creating", reason: "The function is being created.")

    /// The answer for one version.
    ///
    /// With a `qualifier`, which is what the caller asked for by name, the ARN ends in it. An item that is `listed` has no
    /// states and no runtime version.
    static func of(
        _ configuration: FunctionConfiguration,
        qualifier: String? = nil,
        listed: Bool = false
    ) -> API.FunctionConfiguration {
        var answer = API.FunctionConfiguration()
        answer.architectures = [configuration.architecture.rawValue]
        answer.codeSha256 = configuration.code.sha256
        answer.codeSize = configuration.code.sizeBytes
        answer.description = configuration.description
        answer.ephemeralStorage = .init(size: configuration.ephemeralStorageMiB)
        answer.functionArn = configuration.key.arn(qualifier: qualifier)
        answer.functionName = configuration.key.name
        answer.handler = configuration.handler
        answer.lastModified = configuration.lastModified.iso8601(suffix: "+0000")
        answer.loggingConfig = .init(
            logFormat: configuration.logging.format.rawValue,
            applicationLogLevel: configuration.logging.applicationLogLevel,
            systemLogLevel: configuration.logging.systemLogLevel,
            logGroup: configuration.logging.logGroup
        )
        answer.memorySize = configuration.memoryMiB
        answer.packageType = "Zip"
        answer.revisionId = configuration.revisionID
        answer.role = configuration.role
        answer.runtime = configuration.runtime
        answer.timeout = configuration.timeoutSeconds
        answer.version = configuration.version
        answer.environment = configuration.environment.map { .init(variables: $0) }
        if !configuration.layers.isEmpty {
            answer.layers = configuration.layers.map { .init(arn: $0.arn, codeSize: $0.code.sizeBytes) }
        }
        addEchoed(configuration, to: &answer)
        if !listed { addStates(configuration, to: &answer) }
        return answer
    }

    private static func addEchoed(
        _ configuration: FunctionConfiguration,
        to answer: inout API.FunctionConfiguration
    ) {
        func echoed<T: WireDecodable>(_ name: String) -> T? {
            // The texts were written by this target, so each of them parses.
            configuration.echoed[name].flatMap { try? T(wire: JSONValue(parsing: Array($0.utf8))) }
        }
        let tracing: API.TracingConfig? = echoed("TracingConfig")
        answer.tracingConfig = .init(mode: tracing?.mode ?? "PassThrough")
        let snapStart: API.SnapStart? = echoed("SnapStart")
        answer.snapStart = .init(
            applyOn: snapStart?.applyOn ?? "None",
            optimizationStatus: configuration.isSnapStartOptimized ? "On" : "Off"
        )
        answer.deadLetterConfig = echoed("DeadLetterConfig")
        answer.kmsKeyArn = echoed("KMSKeyArn")
        answer.fileSystemConfigs = echoed("FileSystemConfigs")
        let vpc: API.VpcConfig? = echoed("VpcConfig")
        answer.vpcConfig = vpc.map {
            .init(
                subnetIds: $0.subnetIds ?? [],
                securityGroupIds: $0.securityGroupIds ?? [],
                vpcId: "",
                ipv6AllowedForDualStack: $0.ipv6AllowedForDualStack ?? false
            )
        }
    }

    private static func addStates(
        _ configuration: FunctionConfiguration,
        to answer: inout API.FunctionConfiguration
    ) {
        answer.runtimeVersionConfig = .init(
            runtimeVersionArn: RuntimeVersionARN.of(configuration.runtime, region: configuration.key.region)
        )
        answer.state = configuration.state.rawValue
        switch configuration.state {
        case .pending: (answer.stateReasonCode, answer.stateReason) = creating
        case .failed:
            answer.stateReason = configuration.failure?.message
            answer.stateReasonCode = configuration.failure?.code
        case .active, .inactive: break
        }
        guard let status = configuration.lastUpdateStatus else { return }
        answer.lastUpdateStatus = status.rawValue
        switch status {
        case .inProgress: (answer.lastUpdateStatusReasonCode, answer.lastUpdateStatusReason) = creating
        case .failed:
            answer.lastUpdateStatusReason = configuration.failure?.message
            answer.lastUpdateStatusReasonCode = configuration.failure?.code
        case .successful: break
        }
    }
}
