// SPDX-License-Identifier: Apache-2.0

/// First in, first out, in constant time: an array whose front is cut off when half of it is used up.
struct FIFOQueue<Element: Sendable & Equatable>: Sendable, Equatable {
    private var elements: [Element] = []
    private var head = 0

    var count: Int { elements.count - head }
    var isEmpty: Bool { count == 0 }
    var first: Element? { isEmpty ? nil : elements[head] }

    mutating func append(_ element: Element) {
        elements.append(element)
    }

    mutating func popFirst() -> Element? {
        guard let element = first else { return nil }
        head += 1
        if head * 2 > elements.count {
            elements.removeFirst(head)
            head = 0
        }
        return element
    }

    /// Removes the last one that satisfies the condition, in linear time.
    mutating func removeLast(where condition: (Element) -> Bool) -> Element? {
        guard let index = elements[head...].lastIndex(where: condition) else { return nil }
        return elements.remove(at: index)
    }

    mutating func removeAll(where condition: (Element) -> Bool) {
        elements.removeFirst(head)
        head = 0
        elements.removeAll(where: condition)
    }

    static func == (left: Self, right: Self) -> Bool {
        left.elements[left.head...] == right.elements[right.head...]
    }
}
