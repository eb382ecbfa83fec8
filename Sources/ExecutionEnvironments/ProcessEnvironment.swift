// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import LinuxSandbox
import Runtimes

/// The environment variables of a runtime's process, in Lambda's order of precedence: the operator's, the runtime's that a customer
/// may replace, the customer's, credentials, and what the platform alone decides.
struct ProcessEnvironment {
    private(set) var variables: [String: String]

    /// Set by the runtime's definition, and the customer's to replace.
    private static let replaceable: Set<String> = ["PATH", "LD_LIBRARY_PATH", "LANG", "NODE_PATH", "PYTHONPATH", "TZ"]

    init(
        _ configuration: FunctionConfiguration,
        runtime: RuntimeDefinition,
        initialization: InitializationType,
        operatorVariables: [String: String],
        credentials: SessionCredentialValues,
        logStream: String
    ) {
        variables = operatorVariables
        variables["TZ"] = ":UTC"
        variables["AWS_XRAY_CONTEXT_MISSING"] = "LOG_ERROR"
        merge(runtime.environment.filter { Self.replaceable.contains($0.key) })
        merge(configuration.environment ?? [:])
        merge(runtime.environment.filter { !Self.replaceable.contains($0.key) })
        merge([
            "AWS_ACCESS_KEY_ID": credentials.accessKeyID,
            "AWS_SECRET_ACCESS_KEY": credentials.secretAccessKey,
            "AWS_SESSION_TOKEN": credentials.sessionToken,
            "AWS_LAMBDA_RUNTIME_API": "\(SandboxNetwork.runtimeAddress):\(SandboxNetwork.runtimePort)",
            "AWS_LAMBDA_FUNCTION_NAME": configuration.key.name,
            "AWS_LAMBDA_FUNCTION_VERSION": configuration.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": String(configuration.memoryMiB),
            "AWS_LAMBDA_INITIALIZATION_TYPE": initialization.rawValue,
            "AWS_LAMBDA_LOG_GROUP_NAME": configuration.logging.logGroup,
            "AWS_LAMBDA_LOG_STREAM_NAME": logStream,
            "AWS_REGION": configuration.key.region,
            "AWS_DEFAULT_REGION": configuration.key.region,
            "AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129:2000",
            "LAMBDA_TASK_ROOT": "/var/task",
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "_HANDLER": configuration.handler,
            "SHLVL": "0",
            "PWD": "/var/task",
        ])
        if configuration.logging.format == .json {
            variables["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
            variables["AWS_LAMBDA_LOG_LEVEL"] = configuration.logging.applicationLogLevel ?? "INFO"
        }
        if runtime.managed { variables["_LAMBDA_TELEMETRY_LOG_FD"] = String(ProcessPlan.telemetryDescriptor) }
    }

    /// Of a process that is started before it is known whose it will be: what it reads when it starts.
    init(blankOf runtime: RuntimeDefinition, operatorVariables: [String: String]) {
        variables = operatorVariables
        variables["TZ"] = ":UTC"
        merge(runtime.environment)
        variables["AWS_LAMBDA_RUNTIME_API"] = "\(SandboxNetwork.runtimeAddress):\(SandboxNetwork.runtimePort)"
    }

    private mutating func merge(_ others: [String: String]) { variables.merge(others) { $1 } }

    /// `NAME=VALUE`.
    var list: [String] { Self.list(variables) }

    /// What of it a process has that others are forked from: each of those has a log stream of its own, which none of them is told (AWS Lambda
    /// Developer Guide, "Monitoring for Lambda SnapStart").
    var snapshotList: [String] { Self.list(variables.filter { !Self.ofOneEnvironment.contains($0.key) }) }

    /// What is replaced in a process that was forked from such a one.
    var credentialsList: [String] { Self.list(variables.filter { Self.credentials.contains($0.key) }) }

    private static let ofOneEnvironment: Set<String> = ["AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"]
    private static let credentials: Set<String> = [
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    ]

    /// What of it an extension's process gets (AWS Lambda Developer Guide, "Using the Lambda Extensions API").
    var extensionList: [String] {
        Self.list(variables.filter { !$0.key.hasPrefix("_") && !Self.hiddenFromExtensions.contains($0.key) })
    }

    private static let hiddenFromExtensions: Set<String> = [
        "AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_XRAY_CONTEXT_MISSING",
        "AWS_XRAY_DAEMON_ADDRESS", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "PWD",
    ]

    private static func list(_ variables: [String: String]) -> [String] {
        variables.map { "\($0.key)=\($0.value)" }.sorted()
    }
}

/// What a function signs its own calls with.
package struct SessionCredentialValues: Sendable {
    package var accessKeyID: String
    package var secretAccessKey: String
    package var sessionToken: String

    package init(accessKeyID: String, secretAccessKey: String, sessionToken: String) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
    }
}
