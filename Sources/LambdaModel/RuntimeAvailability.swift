// SPDX-License-Identifier: Apache-2.0

/// Whether a function may be created with, or moved to, a runtime on this machine.
package enum RuntimeAvailability: Equatable, Sendable {
    case available
    /// AWS accepts the name, this machine can't run it. The message says what is here and how to add what is missing.
    case notInstalled(message: String)
    /// AWS knows the name and no longer accepts it in CreateFunction or UpdateFunctionConfiguration.
    case deprecated
    /// No runtime of AWS's. `valueSet` is every name that is accepted, for the text of the error.
    case unknown(valueSet: [String])
}

extension RuntimeAvailability {
    /// The refusal a caller gets for `runtime`, in AWS's words where AWS has any; nil when it is available.
    package func refusal(of runtime: String) -> LambdaError? {
        switch self {
        case .available: nil
        case .notInstalled(let message): .invalidParameterValue(message: message)
        case .deprecated:
            .invalidParameterValue(
                message: "The runtime parameter of \(runtime) is no longer supported for creating or updating AWS "
                    + "Lambda functions. We recommend you use a supported runtime while creating or updating functions."
            )
        case .unknown(let valueSet):
            .invalidParameterValue(
                message: "Value \(runtime) at 'runtime' failed to satisfy constraint: Member must satisfy enum value "
                    + "set: [\(valueSet.joined(separator: ", "))] or be a valid ARN"
            )
        }
    }
}
