// SPDX-License-Identifier: Apache-2.0
package import QueueCore

/// A queue's messages in memory, found by looking at all of them.
package struct QueueTableInMemory: QueueTable {
    private struct Place: Hashable {
        var queue: Int64
        var key: [UInt8]
    }

    /// By their ids.
    private var messages: [QueuedMessage] = []
    private var groups: [Place: Int64] = [:]
    private var memories: [Place: RememberedMessage] = [:]
    private var last: Int64 = 0

    package init() {}

    package func messages(
        _ selection: MessageSelection,
        in queue: Int64,
        limit: Int
    ) throws -> [QueuedMessage] {
        let own = messages.lazy.filter { $0.queue == queue }
        let found: [QueuedMessage] =
            switch selection {
            case .id(let id): own.filter { $0.id == id }
            case .visible(let now):
                own.filter { $0.visible <= now }.sorted { ($0.visible, $0.id) < ($1.visible, $1.id) }
            case .headsOfGroups(let now):
                groups.filter { $0.key.queue == queue && $0.value <= now }
                    .compactMap { place, free in
                        own.first { $0.group == place.key }.map { (free: free, head: $0) }
                    }
                    .sorted { ($0.free, $0.head.id) < ($1.free, $1.head.id) }.map(\.head)
            case .group(let group): own.filter { $0.group == group }
            case .heldInGroup(let group):
                own.filter { $0.group == group && $0.isHeld }.sorted { $0.visible > $1.visible }
            case .sent(let until): own.filter { $0.sent <= until }
            }
        return Array(found.prefix(limit))
    }

    @discardableResult
    package mutating func put(_ message: QueuedMessage) -> Int64 {
        if let index = messages.firstIndex(where: { $0.id == message.id }) {
            messages[index] = message
            return message.id
        }
        var message = message
        if message.id == 0 {
            last += 1
            message.id = last
        }
        messages.append(message)
        return message.id
    }

    package mutating func remove(_ message: QueuedMessage) { messages.removeAll { $0.id == message.id } }

    package mutating func setGroup(_ group: [UInt8], in queue: Int64, freeAt: Int64?) {
        groups[Place(queue: queue, key: group)] = freeAt
    }

    package func remembered(_ key: [UInt8], in queue: Int64) -> RememberedMessage? {
        memories[Place(queue: queue, key: key)]
    }

    package mutating func remember(_ message: RememberedMessage, as key: [UInt8], in queue: Int64) {
        memories[Place(queue: queue, key: key)] = message
    }
}
