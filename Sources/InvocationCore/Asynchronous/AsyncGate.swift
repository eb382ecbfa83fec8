// SPDX-License-Identifier: Apache-2.0
import LambdaModel

/// How the events of a function are tried after one of them found no room.
///
/// One after a second, two a second after it, then four …, until one finds no room again: then the next one waits twice as long as that one did,
/// up to 30 s. Beside these, whenever an attempt has run, another is made in its place. So a function is kept at its limit, and
/// what waits for it takes next to nothing.
package struct AsyncGate: Equatable, Sendable {
    /// What was full.
    package enum Room: Equatable, Sendable {
        /// What the function has for itself: nobody else takes it.
        case function
        /// What functions of its account share.
        case account
    }

    package static let pauseMin = Duration.seconds(1)
    package static let pauseMax = Duration.seconds(30)

    private(set) var room: Room
    /// Of the function's own attempts that have ended, and that no other has taken.
    var places = 0
    private var pause = Self.pauseMin
    private var resumption: Timestamp
    /// Attempts that may be made now, and how many were at the last time.
    private var left = 0
    private var step = 0

    /// After an attempt found no room.
    init(_ room: Room, at now: Timestamp) {
        self.room = room
        resumption = now.advanced(by: Self.pauseMin)
    }

    /// Another attempt found none: one that was made since, or one that had begun before.
    mutating func close(_ room: Room, at now: Timestamp) {
        self.room = room
        guard step > 0 else { return }
        pause = min(Self.pauseMax, pause * 2)
        resumption = now.advanced(by: pause)
        (left, step) = (0, 0)
    }

    /// Whether an attempt may be made now, to find out whether there is room; it is made then.
    mutating func tries(at now: Timestamp) -> Bool {
        if left == 0 {
            // A clock that was set back shuts it no longer than a pause.
            guard now >= resumption || now.advanced(by: Self.pauseMax) < resumption else { return false }
            // The last ones have found room.
            if step > 0 { pause = Self.pauseMin }
            step = max(1, step * 2)
            left = step
            resumption = now.advanced(by: Self.pauseMin)
        }
        left -= 1
        return true
    }

    /// Whether so many attempts at one time have found room.
    func isWide(_ attemptsMax: Int) -> Bool { step > attemptsMax }

    /// nil for now.
    var opening: Timestamp? { left > 0 ? nil : resumption }
}
