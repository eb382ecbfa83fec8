// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel

extension EnvironmentLifecycle {
    /// Nobody waits for a provisioned environment, or for a snapshot: their initialisation has 130 seconds, or the function's timeout where
    /// that is more (AWS Lambda Developer Guide, "Lambda runtime environment lifecycle").
    init(_ configuration: FunctionConfiguration, _ initialization: InitializationType, isSnapshot: Bool) {
        guard isSnapshot || initialization == .provisionedConcurrency else {
            self.init()
            return
        }
        self.init(
            initTimeout: .seconds(max(130, configuration.timeoutSeconds)),
            origin: isSnapshot ? .snapshot : .provisioned
        )
    }
}
