// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore
import LambdaModel

/// The second step of checking a request: what its values mean here.
///
/// Answers `InvalidParameterValueException`.
struct ConfigurationRules: Sendable {
    var limits: LimitsProfile
    var runtimes: @Sendable (String) -> RuntimeAvailability

    /// Variables that Lambda sets itself (AWS Lambda Developer Guide, "Defined runtime environment variables").
    static let reservedVariables: Set<String> = [
        "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
        "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
    ]
    static let tagsMax = 50

    func check(_ change: ConfigurationChange) throws(LambdaError) {
        if let runtime = change.runtime, let refusal = runtimes(runtime).refusal(of: runtime) { throw refusal }
        if let memory = change.memoryMiB { try checkMemory(memory) }
        if let timeout = change.timeoutSeconds, timeout > limits.timeoutSeconds.upperBound {
            var violations = ConstraintViolations()
            violations.requireRange(timeout, at: "timeout", limits.timeoutSeconds)
            if case .validation(let message)? = violations.error {
                throw .validation(message: message + advice(LimitsProfile.current.timeoutSeconds.contains(timeout)))
            }
        }
        if let storage = change.ephemeralStorageMiB, !limits.ephemeralStorageMiB.contains(storage) {
            throw .invalidParameterValue(
                message: "'EphemeralStorage' value failed to satisfy constraint: Member must have value less than or "
                    + "equal to \(limits.ephemeralStorageMiB.upperBound)"
                    + advice(LimitsProfile.current.ephemeralStorageMiB.contains(storage))
            )
        }
        if let environment = change.environment { try Self.checkEnvironment(environment) }
        if let text = change.echoed["DeadLetterConfig"] { try Self.checkDeadLetter(text) }
    }

    /// A queue's or a topic's ARN, or none.
    private static func checkDeadLetter(_ text: String) throws(LambdaError) {
        guard let target = (try? JSONValue(parsing: Array(text.utf8)))?["TargetArn"]?.string, !target.isEmpty else {
            return
        }
        guard let arn = DestinationARN(target), [.sqs, .sns].contains(arn.service) else {
            throw .invalidParameterValue(
                message: "Invalid dead letter queue ARN: \(target) is neither an SQS queue's nor an SNS topic's."
            )
        }
    }

    /// What AWS has snapshots of among the runtimes that run here: Python from 3.12 on.
    static func checkSnapStart(_ configuration: FunctionConfiguration) throws(LambdaError) {
        guard configuration.asksSnapStart else { return }
        let runtime = configuration.runtime
        guard runtime.hasPrefix("python3."), let minor = Int(runtime.dropFirst("python3.".count)), minor >= 12 else {
            throw .invalidParameterValue(message: "\(runtime) is not supported for SnapStart enabled functions.")
        }
        guard configuration.ephemeralStorageMiB <= snapStartStorageMiBMax else {
            throw .invalidParameterValue(
                message: "SnapStart does not support an ephemeral storage of more than \(snapStartStorageMiBMax) MB."
            )
        }
    }

    private static let snapStartStorageMiBMax = 512

    private func checkMemory(_ memory: Int) throws(LambdaError) {
        let allowedToday = LimitsProfile.current.memoryMiB.contains(memory)
        let range = limits.memoryMiB
        guard memory <= range.upperBound else {
            throw .invalidParameterValue(
                message:
                    "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to "
                    + "\(range.upperBound)\(advice(allowedToday))"
            )
        }
        guard (memory - range.lowerBound).isMultiple(of: limits.memoryStepMiB) else {
            throw .invalidParameterValue(
                message: "'MemorySize' value failed to satisfy constraint: Member must have value from "
                    + "\(range.lowerBound) to \(range.upperBound) in steps of \(limits.memoryStepMiB)"
                    + advice(allowedToday)
            )
        }
    }

    /// How to be allowed what this profile refuses, where another one allows it.
    private func advice(_ allowedToday: Bool) -> String {
        guard limits != .current else { return "" }
        let way = allowedToday ? "; start the server with --limits current for AWS's limits of today" : ""
        return " (limits profile '\(limits.rawValue)'\(way))"
    }

    static func checkEnvironment(_ environment: [String: String]) throws(LambdaError) {
        let reserved = environment.keys.filter(reservedVariables.contains).sorted()
        guard reserved.isEmpty else {
            throw .invalidParameterValue(
                message: "Lambda was unable to configure your environment variables because the environment variables "
                    + "you have provided contains reserved keys that are currently not supported for modification. "
                    + "Reserved keys used in this request: \(reserved.joined(separator: ", "))"
            )
        }
        let text = JSONValue.object(environment.mapValues(JSONValue.string)).text
        guard text.utf8.count <= LimitsProfile.environmentBytesMax else {
            throw .invalidParameterValue(
                message: "Lambda was unable to configure your environment variables because the environment variables "
                    + "you have provided exceeded the 4KB limit. String measured: \(text)"
            )
        }
        guard !environment.values.contains(where: { $0.utf8.contains(0) }) else {
            throw .invalidParameterValue(
                message: "Lambda was unable to configure your environment variables because a value contains the NUL "
                    + "character."
            )
        }
    }

    static func checkTags(_ tags: [String: String]) throws(LambdaError) {
        guard tags.count <= tagsMax else {
            throw .invalidParameterValue(message: "Number of tags exceeds resource tag limit.")
        }
        for (key, value) in tags
        where !(1...128).contains(key.unicodeScalars.count) || value.unicodeScalars.count > 256 {
            throw .invalidParameterValue(
                message: "The tag '\(key.prefix(128))' is invalid: a key has 1 to 128 characters, a value up to 256."
            )
        }
    }

    /// Refuses the members that ask for what isn't built, rather than to ignore them.
    static func checkUnavailable(_ members: [(name: String, value: JSONValue?)]) throws(LambdaError) {
        for (name, value) in members where value != nil && value != .object([:]) && value != .string("") {
            throw unavailable(name)
        }
    }

    static func unavailable(_ what: String) -> LambdaError {
        .invalidParameterValue(message: "\(what) is not available in this version of Martlet.")
    }

    /// The model lets through one name of an instruction set, and no other.
    static func checkHost(_ architectures: [String]?) throws(LambdaError) {
        guard let name = architectures?.first, name != Architecture.host.rawValue else { return }
        throw .invalidParameterValue(
            message: "Architecture \(name) is not available: this machine runs \(Architecture.host.rawValue) only."
        )
    }
}
