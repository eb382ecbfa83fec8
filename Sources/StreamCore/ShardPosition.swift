// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// From where on a shard is read.
package enum ShardPosition: Equatable, Sendable {
    /// With the record after that one, by its number in the store.
    case after(Int64)
    /// With the first record of that time or later.
    case since(Timestamp)
}
