// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// The request id of one invocation: unique in the process, and what the function knows as `aws_request_id`.
package struct InvocationID: Hashable, Sendable, CustomStringConvertible {
    package var requestID: String

    package init(_ requestID: String) {
        self.requestID = requestID
    }

    package var description: String { requestID }
}

/// One execution environment of this process; a number is never used twice.
package struct EnvironmentID: Hashable, Sendable, CustomStringConvertible {
    package var number: UInt64

    package init(_ number: UInt64) {
        self.number = number
    }

    package var description: String { String(number) }
}

/// One `next` call of a runtime, from its arrival to its answer; a number is never used twice in an environment.
package struct PollID: Hashable, Sendable {
    package var number: UInt64

    package init(_ number: UInt64) {
        self.number = number
    }
}

/// What an execution environment may be used for: exactly this code with exactly this configuration.
package struct EnvironmentKey: Hashable, Sendable {
    package var function: FunctionKey
    /// `$LATEST` or a decimal number.
    package var version: String
    /// Changes with every change of code or configuration that an environment could notice.
    package var revision: String

    package init(function: FunctionKey, version: String, revision: String) {
        self.function = function
        self.version = version
        self.revision = revision
    }

    package init(_ configuration: FunctionConfiguration) {
        self.init(
            function: configuration.key,
            version: configuration.version,
            revision: configuration.revisionID
        )
    }
}

/// What one environment of a key takes from the machine.
package struct EnvironmentDemand: Hashable, Sendable {
    package var memoryMiB: Int

    package init(memoryMiB: Int) {
        self.memoryMiB = memoryMiB
    }

    var memoryKiB: Int { memoryMiB << 10 }
}
