// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel

extension EnvironmentLifecycle {
    /// Nobody waits for a provisioned environment: its initialisation has 130 seconds, or the function's timeout where that is more
    /// (AWS Lambda Developer Guide, "Lambda runtime environment lifecycle").
    init(_ configuration: FunctionConfiguration, _ initialization: InitializationType) {
        guard initialization == .provisionedConcurrency else {
            self.init()
            return
        }
        self.init(initTimeout: .seconds(max(130, configuration.timeoutSeconds)), isProvisioned: true)
    }
}
