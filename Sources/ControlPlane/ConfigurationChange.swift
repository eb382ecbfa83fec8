// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel

/// The members that CreateFunction and UpdateFunctionConfiguration have in common, checked; nil where a request had none.
struct ConfigurationChange {
    var runtime: String?
    var handler: String?
    var role: String?
    var description: String?
    var timeoutSeconds: Int?
    var memoryMiB: Int?
    var ephemeralStorageMiB: Int?
    var environment: [String: String]?
    var logging: LoggingChange?
    /// ARNs; who applies the change looks them up.
    var layers: [String]?
    /// Member name to JSON text.
    var echoed: [String: String] = [:]

    struct LoggingChange {
        var format: LoggingConfiguration.Format?
        var applicationLogLevel: String?
        var systemLogLevel: String?
        var logGroup: String?

        init(_ config: API.LoggingConfig) {
            format = config.logFormat.flatMap(LoggingConfiguration.Format.init)
            applicationLogLevel = config.applicationLogLevel
            systemLogLevel = config.systemLogLevel
            logGroup = config.logGroup
        }
    }

    init(_ request: API.CreateFunctionRequest) {
        runtime = request.runtime
        handler = request.handler
        role = request.role
        description = request.description
        timeoutSeconds = request.timeout
        memoryMiB = request.memorySize
        ephemeralStorageMiB = request.ephemeralStorage?.size
        environment = request.environment.map { $0.variables ?? [:] }
        logging = request.loggingConfig.map(LoggingChange.init)
        layers = request.layers
        echo(request.tracingConfig, request.deadLetterConfig, request.vpcConfig, request.snapStart)
        echo(request.fileSystemConfigs, keyARN: request.kmsKeyArn)
    }

    init(_ request: API.UpdateFunctionConfigurationRequest) {
        runtime = request.runtime
        handler = request.handler
        role = request.role
        description = request.description
        timeoutSeconds = request.timeout
        memoryMiB = request.memorySize
        ephemeralStorageMiB = request.ephemeralStorage?.size
        environment = request.environment.map { $0.variables ?? [:] }
        logging = request.loggingConfig.map(LoggingChange.init)
        layers = request.layers
        echo(request.tracingConfig, request.deadLetterConfig, request.vpcConfig, request.snapStart)
        echo(request.fileSystemConfigs, keyARN: request.kmsKeyArn)
    }

    /// What is kept and shown but changes nothing on one's own machine.
    private mutating func echo(
        _ tracing: API.TracingConfig?,
        _ deadLetter: API.DeadLetterConfig?,
        _ vpc: API.VpcConfig?,
        _ snapStart: API.SnapStart?
    ) {
        if let mode = tracing?.mode { echoed["TracingConfig"] = JSONValue.object(["Mode": .string(mode)]).text }
        echoed["DeadLetterConfig"] = deadLetter?.wire.text
        if let vpc {
            echoed["VpcConfig"] =
                JSONValue.object([
                    "SubnetIds": (vpc.subnetIds ?? []).wire, "SecurityGroupIds": (vpc.securityGroupIds ?? []).wire,
                    "Ipv6AllowedForDualStack": .bool(vpc.ipv6AllowedForDualStack ?? false),
                ]).text
        }
        if let applyOn = snapStart?.applyOn {
            echoed["SnapStart"] = JSONValue.object(["ApplyOn": .string(applyOn)]).text
        }
    }

    private mutating func echo(_ fileSystems: [API.FileSystemConfig]?, keyARN: String?) {
        echoed["FileSystemConfigs"] = fileSystems?.wire.text
        if let keyARN, !keyARN.isEmpty { echoed["KMSKeyArn"] = JSONValue.string(keyARN).text }
    }

    func apply(to configuration: inout FunctionConfiguration) throws(LambdaError) {
        if let runtime { configuration.runtime = runtime }
        if let handler { configuration.handler = handler }
        if let role { configuration.role = role }
        if let description { configuration.description = description }
        if let timeoutSeconds { configuration.timeoutSeconds = timeoutSeconds }
        if let memoryMiB { configuration.memoryMiB = memoryMiB }
        if let ephemeralStorageMiB { configuration.ephemeralStorageMiB = ephemeralStorageMiB }
        if let environment { configuration.environment = environment }
        if let logging { try apply(logging, to: &configuration.logging) }
        configuration.echoed.merge(echoed) { _, new in new }
        try ConfigurationRules.checkSnapStart(configuration)
    }

    private func apply(_ change: LoggingChange, to logging: inout LoggingConfiguration) throws(LambdaError) {
        if let logGroup = change.logGroup { logging.logGroup = logGroup }
        if let format = change.format { logging.format = format }
        switch logging.format {
        case .text:
            guard change.applicationLogLevel == nil, change.systemLogLevel == nil else {
                throw .invalidParameterValue(
                    message: "LogLevel is not supported when LogFormat is set to \"Text\". Remove LogLevel from your "
                        + "request or change the LogFormat to \"JSON\" and try again."
                )
            }
            logging.applicationLogLevel = nil
            logging.systemLogLevel = nil
        case .json:
            logging.applicationLogLevel = change.applicationLogLevel ?? logging.applicationLogLevel ?? "INFO"
            logging.systemLogLevel = change.systemLogLevel ?? logging.systemLogLevel ?? "INFO"
        }
    }
}
