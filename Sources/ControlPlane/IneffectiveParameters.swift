// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore
import LambdaModel

/// Parameters that are kept and shown because tools send them, and that change nothing on one's own machine.
///
/// Said once in the log of a function that begins to have one, and by `martlet doctor`.
package enum IneffectiveParameters {
    /// Member name to why it has no effect here.
    package static let reasons: [(name: String, reason: String)] = [
        ("FileSystemConfigs", "no file system of Amazon EFS or S3 is mounted; only /tmp can be written to"),
        ("KMSKeyArn", "environment variables are encrypted with the server's own master key"),
        ("TracingConfig", "trace headers are made and passed on, and nothing is sent to AWS X-Ray"),
        ("VpcConfig", "functions reach the network of this machine, by the server's egress policy"),
    ]

    /// The log lines for what `configuration` has, and `before` had not in the same form.
    ///
    /// `unreached` are the services that a dead-letter queue can't be of here, and why.
    static func notes(
        _ configuration: FunctionConfiguration,
        before: FunctionConfiguration?,
        unreached: [DestinationARN.Service: String]
    ) -> [String] {
        var notes: [String] = reasons.compactMap { name, reason in
            guard let text = configuration.echoed[name], text != before?.echoed[name], isAsked(name, text) else {
                return nil
            }
            return "\(name) is kept and shown, and has no effect: \(reason)."
        }
        let deadLetter = "DeadLetterConfig"
        if let text = configuration.echoed[deadLetter], text != before?.echoed[deadLetter],
            let target = (try? JSONValue(parsing: Array(text.utf8)))?["TargetArn"]?.string,
            let note = note(on: deadLetter, target, unreached: unreached)
        {
            notes.append(note)
        }
        return notes
    }

    /// The log line of a version that has no snapshot though it was to have one.
    static func noSnapshot(_ reason: String) -> String {
        "SnapStart is kept and shown, and has no effect on this version: \(reason)."
    }

    /// The log line for a target that nothing can be sent to here; nil where it can.
    static func note(
        on member: String,
        _ target: String,
        unreached: [DestinationARN.Service: String]
    ) -> String? {
        guard let arn = DestinationARN(target), let reason = unreached[arn.service] else { return nil }
        return "\(member) is kept and shown, and nothing is sent to \(target): \(reason)."
    }

    /// False for what asks for nothing.
    private static func isAsked(_ name: String, _ text: String) -> Bool {
        guard let value = try? JSONValue(parsing: Array(text.utf8)) else { return false }
        return switch name {
        case "FileSystemConfigs": value.array?.isEmpty == false
        case "TracingConfig": value["Mode"] == .string("Active")
        case "VpcConfig":
            value["SubnetIds"]?.array?.isEmpty == false || value["SecurityGroupIds"]?.array?.isEmpty == false
        default: true
        }
    }
}
