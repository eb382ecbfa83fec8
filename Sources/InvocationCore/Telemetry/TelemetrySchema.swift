// SPDX-License-Identifier: Apache-2.0

/// The two APIs by which an extension subscribes to what happens in its environment; the raw value is how error types begin.
package enum TelemetryAPI: String, Sendable, CaseIterable {
    /// PUT `/2020-08-15/logs`.
    case logs = "Logs"
    /// PUT `/2022-07-01/telemetry`.
    case telemetry = "Telemetry"
}

/// The shape of the events that a subscriber asked for.
///
/// The differences are those of the schemas that AWS publishes with the guide's pages "Lambda Telemetry API reference" and "Using
/// the Lambda Logs API".
package enum TelemetrySchema: String, Sendable, CaseIterable {
    case logs20200815 = "2020-08-15"
    /// Adds `platform.runtimeDone`.
    case logs20210318 = "2021-03-18"
    case telemetry20220701 = "2022-07-01"
    /// Records of JSON logs are objects from here on.
    case telemetry20221213 = "2022-12-13"
    case telemetry20250129 = "2025-01-29"

    package var api: TelemetryAPI {
        switch self {
        case .logs20200815, .logs20210318: .logs
        case .telemetry20220701, .telemetry20221213, .telemetry20250129: .telemetry
        }
    }

    var hasObjects: Bool { self >= .telemetry20221213 }
}

extension TelemetrySchema: Comparable {
    /// Their names are dates.
    package static func < (left: TelemetrySchema, right: TelemetrySchema) -> Bool { left.rawValue < right.rawValue }
}

/// What a subscriber wants to hear of.
package enum TelemetryCategory: String, Sendable, CaseIterable {
    case platform
    case function
    case extensions = "extension"
}
