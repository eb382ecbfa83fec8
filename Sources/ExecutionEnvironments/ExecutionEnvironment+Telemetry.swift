// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import RuntimeAPI

/// Subscriptions to telemetry.
extension ExecutionEnvironment {
    func subscribe(_ identifier: String?, _ api: TelemetryAPI, _ body: [UInt8]) -> RuntimeAPIAnswer {
        let name: String
        switch extensionName(of: identifier) {
        case .success(let known): name = known
        case .failure(let refusal): return answer(.extensionRefused(refusal.reason))
        }
        do {
            try log.telemetry.checkOpen(api)
            let request = try TelemetryRequest(parsing: body, for: api)
            let subscription = try request.validated(for: api, reserved: TelemetryRelay.reservedPorts)
            let isNew = try log.telemetry.subscribe(name, subscription) == .subscribed
            let state = isNew ? "Subscribed" : "Already subscribed"
            let types = subscription.categories.map(\.rawValue)
            log.add(
                api == .logs
                    ? .logsSubscription(name: name, state: state, types: types)
                    : .telemetrySubscription(name: name, state: state, types: types)
            )
            return .subscribed(json: isNew ? "\"OK\"" : "\"AlreadySubscribed\"")
        } catch {
            return .refused(status: error.status, errorType: error.errorType, errorMessage: error.errorMessage)
        }
    }

    private func extensionName(of identifier: String?) -> Result<String, Refused> {
        checked(identifier).flatMap { identifier in
            lifecycle.extensions.name(of: identifier).map { .success($0) }
                ?? .failure(Refused(reason: .unknown(identifier)))
        }
    }
}
