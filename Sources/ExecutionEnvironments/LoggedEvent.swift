// SPDX-License-Identifier: Apache-2.0
import LogStore

/// swift-log has a `LogEvent` too; where both modules are imported this name says which is meant.
typealias LoggedEvent = LogEvent
