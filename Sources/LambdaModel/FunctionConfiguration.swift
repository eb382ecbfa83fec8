// SPDX-License-Identifier: Apache-2.0

/// One version of a function as the API shows it (`$LATEST` or a published one), and what an environment needs to run it.
///
/// Defaults are AWS's; limits are checked by `LimitsProfile` before a value gets here.
package struct FunctionConfiguration: Equatable, Sendable, Codable {
    package var key: FunctionKey
    /// `$LATEST` or a decimal number.
    package var version: String
    /// For example `python3.12` or `provided.al2023`.
    package var runtime: String
    package var handler: String
    package var role: String
    package var description: String
    package var timeoutSeconds: Int
    package var memoryMiB: Int
    /// Size of /tmp.
    package var ephemeralStorageMiB: Int
    /// The customer's environment variables; nil when never given, which the API shows differently from empty.
    ///
    /// Secret: encrypted at rest, never logged.
    package var environment: [String: String]?
    package var architecture: Architecture
    package var code: CodeReference
    /// In the order in which they are laid over /opt.
    package var layers: [LayerReference]
    package var lastModified: Timestamp
    /// A random UUID, replaced by every change (also when Pending turns Active).
    package var revisionID: String
    package var state: FunctionState
    /// nil until Active for the first time: CreateFunction's answer has none.
    package var lastUpdateStatus: LastUpdateStatus?
    /// Why `state` or `lastUpdateStatus` is Failed; nil otherwise.
    package var failure: FailureReason?
    package var logging: LoggingConfiguration
    package var tags: [String: String]
    /// Request members that are kept and shown as they came (VpcConfig, TracingConfig, DeadLetterConfig, …): member name to
    /// its JSON text.
    package var echoed: [String: String]

    /// TracingConfig's Mode is Active: a trace is sampled where the caller has not said anything of it.
    package var isTracingActive: Bool { echoed["TracingConfig"]?.contains(#""Active""#) ?? false }

    /// SnapStart's ApplyOn is PublishedVersions, and this is one.
    package var hasSnapStart: Bool { asksSnapStart && version != FunctionVersionKey.latest }

    package var asksSnapStart: Bool { echoed["SnapStart"]?.contains(#""PublishedVersions""#) ?? false }

    /// SnapStart's OptimizationStatus is On: environments are forked from one that was initialised when the version was made.
    package var isSnapStartOptimized: Bool {
        get { hasSnapStart && echoed["SnapStart"]?.contains(#""On""#) ?? false }
        set {
            guard hasSnapStart else { return }
            echoed["SnapStart"] =
                newValue
                ? #"{"ApplyOn":"PublishedVersions","OptimizationStatus":"On"}"# : #"{"ApplyOn":"PublishedVersions"}"#
        }
    }

    package init(
        key: FunctionKey,
        runtime: String,
        handler: String,
        role: String,
        code: CodeReference,
        lastModified: Timestamp,
        revisionID: String
    ) {
        self.key = key
        self.version = "$LATEST"
        self.runtime = runtime
        self.handler = handler
        self.role = role
        self.description = ""
        self.timeoutSeconds = 3
        self.memoryMiB = 128
        self.ephemeralStorageMiB = 512
        self.environment = nil
        self.architecture = .host
        self.code = code
        self.layers = []
        self.lastModified = lastModified
        self.revisionID = revisionID
        self.state = .pending
        self.lastUpdateStatus = nil
        self.failure = nil
        self.logging = LoggingConfiguration(logGroup: LoggingConfiguration.ownGroup(key))
        self.tags = [:]
        self.echoed = [:]
    }
}

/// Where a version's code is, and what the API says of it.
package struct CodeReference: Hashable, Sendable, Codable {
    /// The code store's own name for the object.
    package var objectID: String
    /// Base64 of the SHA-256 of the zip's bytes.
    package var sha256: String
    /// The zip's bytes.
    package var sizeBytes: Int
    /// Measured when it was stored; nil for what was stored before that was kept.
    package var unzippedBytes: Int?

    package init(objectID: String, sha256: String, sizeBytes: Int, unzippedBytes: Int? = nil) {
        self.objectID = objectID
        self.sha256 = sha256
        self.sizeBytes = sizeBytes
        self.unzippedBytes = unzippedBytes
    }
}

/// The instruction sets Lambda names.
package enum Architecture: String, Sendable, Codable, CaseIterable {
    // swift-format-ignore: AlwaysUseLowerCamelCase
    // The instruction set's name, as on the wire.
    case x86_64
    case arm64

    #if arch(arm64)
    package static let host = Architecture.arm64
    #else
    package static let host = Architecture.x86_64
    #endif
}

/// `State` of a function.
package enum FunctionState: String, Sendable, Codable {
    case pending = "Pending"
    case active = "Active"
    case inactive = "Inactive"
    case failed = "Failed"
}

/// `LastUpdateStatus` of a function.
package enum LastUpdateStatus: String, Sendable, Codable {
    case successful = "Successful"
    case failed = "Failed"
    case inProgress = "InProgress"
}

/// `StateReasonCode` and `StateReason`, or `LastUpdateStatusReasonCode` and `LastUpdateStatusReason`.
package struct FailureReason: Equatable, Sendable, Codable {
    /// One of AWS's words, for example `InvalidZipFileException`.
    package var code: String
    package var message: String

    package init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}

/// `LoggingConfig` of a function.
package struct LoggingConfiguration: Equatable, Sendable, Codable {
    package enum Format: String, Sendable, Codable {
        case text = "Text"
        case json = "JSON"
    }

    package var format: Format
    /// JSON format only.
    package var applicationLogLevel: String?
    /// JSON format only.
    package var systemLogLevel: String?
    package var logGroup: String

    /// The log group of a function that names none.
    package static func ownGroup(_ function: FunctionKey) -> String { "/aws/lambda/\(function.name)" }

    /// False where other functions may write to the group too.
    package func hasOwnGroup(_ function: FunctionKey) -> Bool { logGroup == Self.ownGroup(function) }

    package init(logGroup: String) {
        self.format = .text
        self.applicationLogLevel = nil
        self.systemLogLevel = nil
        self.logGroup = logGroup
    }
}
