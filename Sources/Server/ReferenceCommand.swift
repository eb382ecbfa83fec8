// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ArgumentParser
import Foundation
import MetricCore
import ServerConfiguration

/// `martlet dump-reference`: the names of all settings and metrics as JSON, of which docs/reference.md is made.
///
/// What the options mean is in `--experimental-dump-help`.
struct ReferenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dump-reference",
        abstract: "Print the names of all settings and metrics as JSON.",
        shouldDisplay: false
    )

    func run() {
        let text = JSONValue.object([
            "settings": .array(Setting.allCases.map(Self.json)),
            "metrics": .array(
                FunctionMetric.allCases.map { Self.json($0.definition, awsName: $0.awsName) }
                    + ServerMetric.allCases.map { Self.json($0.definition, awsName: nil) }
            ),
        ])
        FileHandle.standardOutput.write(Data(text.bytes + [UInt8(ascii: "\n")]))
    }

    private static func json(_ setting: Setting) -> JSONValue {
        .object([
            "name": .string(setting.rawValue), "option": string(setting.option), "variable": .string(setting.variable),
            "key": string(setting.fileKey), "meaning": string(setting.meaning),
        ])
    }

    private static func json(_ metric: MetricDefinition, awsName: String?) -> JSONValue {
        .object([
            "name": .string(metric.name), "type": .string(metric.kind.rawValue), "help": .string(metric.help),
            "labels": .array(metric.labels.map(JSONValue.string)), "cloudWatch": string(awsName),
        ])
    }

    private static func string(_ text: String?) -> JSONValue { text.map(JSONValue.string) ?? .null }
}
