// SPDX-License-Identifier: Apache-2.0

/// What a function has to say about its asynchronous events, by the qualifier they were sent to.
package struct AsyncPlan: Equatable, Sendable {
    package var settings: AsyncRetryPolicy.Settings
    /// The function's reserved concurrency is 0: no event is tried.
    package var isSwitchedOff: Bool
    /// ARNs; nil for nowhere.
    package var onSuccess: String?
    package var onFailure: String?
    package var deadLetterTarget: String?

    package init(
        settings: AsyncRetryPolicy.Settings = .init(),
        isSwitchedOff: Bool = false,
        onSuccess: String? = nil,
        onFailure: String? = nil,
        deadLetterTarget: String? = nil
    ) {
        self.settings = settings
        self.isSwitchedOff = isSwitchedOff
        self.onSuccess = onSuccess
        self.onFailure = onFailure
        self.deadLetterTarget = deadLetterTarget
    }
}
