// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel

extension ControlPlane {
    /// What an operation is answered with that is not there, and why.
    static func unavailable(_ operation: LambdaOperation) -> LambdaError {
        let name = operation.rawValue
        switch operation {
        case .createCapacityProvider, .getCapacityProvider, .listCapacityProviders, .updateCapacityProvider,
            .deleteCapacityProvider, .listFunctionVersionsByCapacityProvider, .getFunctionScalingConfig,
            .putFunctionScalingConfig:
            return .unknownOperation(
                message:
                    "\(name) is for functions on capacity providers (Lambda managed instances), which Martlet does "
                    + "not have: its functions run on the server's own machine."
            )
        case .checkpointDurableExecution, .getDurableExecution, .getDurableExecutionHistory,
            .getDurableExecutionState, .listDurableExecutionsByFunction, .sendDurableExecutionCallbackFailure,
            .sendDurableExecutionCallbackHeartbeat, .sendDurableExecutionCallbackSuccess, .stopDurableExecution:
            return .unknownOperation(
                message: "\(name): durable executions are not available in this version of Martlet."
            )
        default: return .unknownOperation(message: "\(name) is not available in this version of Martlet.")
        }
    }
}
