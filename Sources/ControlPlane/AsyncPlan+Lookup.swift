// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import InvocationCore
package import LambdaModel
import MetadataStore

extension ControlPlane {
    /// What is to become of asynchronous events that were sent to that function by that qualifier.
    ///
    /// A function that is not there any more has the defaults: its events find out for themselves.
    package func asyncPlan(_ key: FunctionKey, qualifier: String?) async throws -> AsyncPlan {
        try await withStores {
            try await metadata.read { transaction in
                var plan = AsyncPlan()
                plan.isSwitchedOff = try transaction.document(ReservedConcurrency.self, of: key)?.executions == 0
                let configuration = try transaction.document(
                    EventInvokeConfiguration.self,
                    of: key,
                    qualifier: qualifier ?? FunctionVersionKey.latest
                )
                if let retries = configuration?.maximumRetryAttempts { plan.settings.retriesMax = retries }
                if let age = configuration?.maximumEventAgeSeconds { plan.settings.ageMax = .seconds(age) }
                plan.onSuccess = configuration?.onSuccess
                plan.onFailure = configuration?.onFailure
                // Versions share the function's dead-letter queue.
                if let text = try transaction.record(key)?.active?.echoed["DeadLetterConfig"] {
                    let target = try? JSONValue(parsing: Array(text.utf8))["TargetArn"]?.string
                    plan.deadLetterTarget = target.flatMap { $0.isEmpty ? nil : $0 }
                }
                return plan
            }
        }
    }
}
