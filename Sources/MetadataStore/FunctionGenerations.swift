// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import Synchronization

/// How often each function was changed, or another one that shares its place.
final class FunctionGenerations: Sendable {
    /// So that what strangers name takes no memory.
    private static let places = 1_024

    private let counts = Mutex([UInt64](repeating: 0, count: places))

    subscript(key: FunctionKey) -> UInt64 {
        counts.withLock { $0[Self.place(of: key)] }
    }

    func count(_ keys: Set<FunctionKey>) {
        counts.withLock { counts in
            for key in keys { counts[Self.place(of: key)] += 1 }
        }
    }

    private static func place(of key: FunctionKey) -> Int {
        Int(UInt(bitPattern: key.hashValue) % UInt(places))
    }
}

/// The functions that one transaction has changed so far.
final class ChangedFunctions: Sendable {
    private let inserted = Mutex<Set<FunctionKey>>([])
    var keys: Set<FunctionKey> { inserted.withLock { $0 } }

    func insert(_ key: FunctionKey) { inserted.withLock { _ = $0.insert(key) } }
}
