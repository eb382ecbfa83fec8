// SPDX-License-Identifier: Apache-2.0

/// What the functions of all accounts have set of their concurrency, as of one moment.
package struct ConcurrencySettings: Equatable, Sendable {
    /// Of the functions that have any.
    package var reserved: [FunctionKey: Int]
    package var provisioned: [ProvisionedTarget]

    package init(reserved: [FunctionKey: Int] = [:], provisioned: [ProvisionedTarget] = []) {
        self.reserved = reserved
        self.provisioned = provisioned
    }
}

/// Environments of one version that are to be there before anybody asks for them.
///
/// A configuration of provisioned concurrency has one, and two where its alias has a second version.
package struct ProvisionedTarget: Equatable, Sendable {
    /// Of the configuration: a version's number or an alias's name.
    package var qualifier: String
    /// Of the version, as an invocation of it would run.
    package var configuration: FunctionConfiguration
    package var executions: Int

    package init(qualifier: String, configuration: FunctionConfiguration, executions: Int) {
        self.qualifier = qualifier
        self.configuration = configuration
        self.executions = executions
    }
}

/// Why provisioned environments are not there.
package enum ProvisionedFailure: Equatable, Sendable {
    /// The function's initialisation fails, or takes too long.
    case initialization
    /// They end by themselves again and again.
    case environmentsEnd
    /// The machine can't start them.
    case environmentsDoNotStart
    /// All that is provisioned would take more than the machine's memory.
    case memoryBeyondMachine

    /// `StatusReason`; AWS's word where it has one.
    package var statusReason: String {
        switch self {
        case .initialization: "FUNCTION_ERROR_INIT_FAILURE"
        case .environmentsEnd:
            "Execution environments of this function end soon after they were initialized; the function's log says why."
        case .environmentsDoNotStart:
            "Execution environments of this function do not start on this machine; the server's log says why."
        case .memoryBeyondMachine:
            "All provisioned execution environments together would take more memory than the server may use (--memory)."
        }
    }
}
