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
    /// Member name to JSON text.
    var echoed: [String: String] = [:]

    struct LoggingChange {
        var format: LoggingConfiguration.Format?
        var applicationLogLevel: String?
        var systemLogLevel: String?
        var logGroup: String?
    }

    static let rolePattern = #"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"#
    static let environmentNamePattern = "[a-zA-Z]([a-zA-Z0-9_])+"
    /// What the front door lets through; the limits profile is narrower.
    static let memoryFrontDoor = 128...32_768
    static let ephemeralStorageFrontDoor = 512...10_240

    /// Reads the members and adds what the front door refuses to `violations`.
    ///
    /// - Throws: `LambdaError.invalidRequestContent` for a member of another type.
    init(_ request: RequestMembers, _ violations: inout ConstraintViolations) throws(LambdaError) {
        runtime = try request.string("Runtime")
        handler = try request.string("Handler")
        role = try request.string("Role")
        description = try request.string("Description")
        timeoutSeconds = try request.integer("Timeout")
        memoryMiB = try request.integer("MemorySize")
        if let storage = try request.structure("EphemeralStorage") {
            ephemeralStorageMiB = try storage.integer("Size")
            if ephemeralStorageMiB == nil {
                violations.add(nil, at: "ephemeralStorage.size", "Member must not be null")
            }
        }
        if let environment = try request.structure("Environment") {
            self.environment = try environment.map("Variables") ?? [:]
        }
        if let handler {
            violations.requirePattern(handler, at: "handler", #"[^\s]+"#, Self.isHandler(handler))
            violations.requireLength(handler, at: "handler", 0...128)
        }
        if let role { violations.requirePattern(role, at: "role", Self.rolePattern, Self.isRole(role)) }
        if let description { violations.requireLength(description, at: "description", 0...256) }
        if let timeoutSeconds { violations.requireRange(timeoutSeconds, at: "timeout", 1...Int.max) }
        if let memoryMiB { violations.requireRange(memoryMiB, at: "memorySize", Self.memoryFrontDoor) }
        if let ephemeralStorageMiB {
            violations.requireRange(ephemeralStorageMiB, at: "ephemeralStorage.size", Self.ephemeralStorageFrontDoor)
        }
        if let environment, !environment.keys.allSatisfy(Self.isEnvironmentName) {
            // The map holds secrets, so the text doesn't repeat it.
            violations.add(
                "***",
                at: "environment.variables",
                "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: "
                    + "\(Self.environmentNamePattern), Member must not be null]"
            )
        }
        logging = try Self.logging(request, &violations)
        try readEchoed(request, &violations)
    }

    private static func logging(
        _ request: RequestMembers,
        _ violations: inout ConstraintViolations
    ) throws(LambdaError) -> LoggingChange? {
        guard let members = try request.structure("LoggingConfig") else { return nil }
        var change = LoggingChange()
        if let format = try members.string("LogFormat") {
            change.format = LoggingConfiguration.Format(rawValue: format)
            violations.requireValue(format, at: "loggingConfig.logFormat", in: ["JSON", "Text"])
        }
        if let level = try members.string("ApplicationLogLevel") {
            change.applicationLogLevel = level
            violations.requireValue(
                level,
                at: "loggingConfig.applicationLogLevel",
                in: ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
            )
        }
        if let level = try members.string("SystemLogLevel") {
            change.systemLogLevel = level
            violations.requireValue(level, at: "loggingConfig.systemLogLevel", in: ["DEBUG", "INFO", "WARN"])
        }
        if let group = try members.string("LogGroup") {
            change.logGroup = group
            violations.requirePattern(
                group,
                at: "loggingConfig.logGroup",
                #"[\.\-_/#A-Za-z0-9]+"#,
                !group.isEmpty && group.utf8.allSatisfy { $0.isAlphanumeric || ".-_/#".utf8.contains($0) }
            )
            violations.requireLength(group, at: "loggingConfig.logGroup", 1...512)
        }
        return change
    }

    /// What is kept and shown but changes nothing on one's own machine.
    private mutating func readEchoed(
        _ request: RequestMembers,
        _ violations: inout ConstraintViolations
    ) throws(LambdaError) {
        if let tracing = try request.structure("TracingConfig") {
            let mode = try tracing.string("Mode") ?? "PassThrough"
            violations.requireValue(mode, at: "tracingConfig.mode", in: ["Active", "PassThrough"])
            echoed["TracingConfig"] = JSONValue.object(["Mode": .string(mode)]).text
        }
        if let letter = try request.structure("DeadLetterConfig") {
            let target = try letter.string("TargetArn") ?? ""
            echoed["DeadLetterConfig"] = JSONValue.object(["TargetArn": .string(target)]).text
        }
        if let vpc = try request.structure("VpcConfig") {
            let subnets = try vpc.strings("SubnetIds") ?? []
            let groups = try vpc.strings("SecurityGroupIds") ?? []
            let dualStack = try vpc.bool("Ipv6AllowedForDualStack") ?? false
            echoed["VpcConfig"] =
                JSONValue.object([
                    "SubnetIds": .array(subnets.map(JSONValue.string)),
                    "SecurityGroupIds": .array(groups.map(JSONValue.string)), "VpcId": .string(""),
                    "Ipv6AllowedForDualStack": .bool(dualStack),
                ]).text
        }
        if let key = try request.string("KMSKeyArn"), !key.isEmpty { echoed["KMSKeyArn"] = JSONValue.string(key).text }
        if let snapStart = try request.structure("SnapStart") {
            let applyOn = try snapStart.string("ApplyOn") ?? "None"
            violations.requireValue(applyOn, at: "snapStart.applyOn", in: ["PublishedVersions", "None"])
            echoed["SnapStart"] = JSONValue.object(["ApplyOn": .string(applyOn)]).text
        }
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

    private static func isHandler(_ text: String) -> Bool {
        !text.isEmpty && !text.unicodeScalars.contains { $0.properties.isWhitespace || $0.value < 0x20 }
    }

    static func isEnvironmentName(_ name: String) -> Bool {
        guard let first = name.utf8.first, first.isLetter, name.utf8.count >= 2 else { return false }
        return name.utf8.allSatisfy { $0.isAlphanumeric || $0 == UInt8(ascii: "_") }
    }

    static func isRole(_ text: String) -> Bool {
        let parts = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0] == "arn", parts[2] == "iam", parts[3].isEmpty,
            parts[1].isEmpty
                || parts[1].hasPrefix("aws") && parts[1].utf8.allSatisfy({ $0.isLetter || $0 == UInt8(ascii: "-") }),
            parts[4].utf8.count == 12, parts[4].utf8.allSatisfy(\.isDigit), parts[5].hasPrefix("role")
        else { return false }
        let name = parts[5].dropFirst(4)
        let rest = name.hasPrefix("/") && name.utf8.count > 1 ? name.dropFirst() : name
        return !rest.isEmpty && rest.utf8.allSatisfy { $0.isAlphanumeric || "_+=,.@-/".utf8.contains($0) }
    }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    var isLetter: Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self)
    }

    var isAlphanumeric: Bool { isDigit || isLetter }
}
