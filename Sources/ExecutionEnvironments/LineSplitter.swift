// SPDX-License-Identifier: Apache-2.0

/// Cuts a byte stream into lines; a line longer than the limit becomes several.
struct LineSplitter {
    let eventBytesMax: Int
    private var partial: [UInt8] = []

    init(eventBytesMax: Int) { self.eventBytesMax = eventBytesMax }

    mutating func append(_ bytes: ArraySlice<UInt8>, _ emit: (ArraySlice<UInt8>) -> Void) {
        var rest = bytes
        while let newline = rest.firstIndex(of: UInt8(ascii: "\n")) {
            partial += rest[..<newline]
            rest = rest[(newline + 1)...]
            emitBounded(emit)
        }
        partial += rest
        // Not yet at the limit itself: a newline right behind it ends this line, and is no empty one.
        while partial.count > eventBytesMax {
            emit(partial[..<eventBytesMax])
            partial.removeFirst(eventBytesMax)
        }
    }

    mutating func flush(_ emit: (ArraySlice<UInt8>) -> Void) {
        if !partial.isEmpty { emitBounded(emit) }
    }

    private mutating func emitBounded(_ emit: (ArraySlice<UInt8>) -> Void) {
        var start = 0
        repeat {
            let end = min(partial.count, start + eventBytesMax)
            emit(partial[start..<end])
            start = end
        } while start < partial.count
        partial.removeAll(keepingCapacity: partial.capacity < 65_536)
    }
}
