// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// Which of the waiting asynchronous events is tried next.
///
/// Accounts take turns, and so do the functions of one, so that who has many events, or is throttled, doesn't hold up the
/// others. Of one function those that fall due first come first. Times are wall-clock: they outlive the process.
///
/// Of a function whose attempt found no room the next ones are tried as `AsyncGate` says.
///
/// An attempt ends when its outcome is on disk. One whose outcome could not be written keeps its place and waits for that:
/// the function doesn't run again.
package struct AsyncBacklog: Equatable, Sendable {
    package typealias EventID = Int64

    /// Events of an account that is alone; of all together twice as many.
    package let countMax: Int
    /// Of one function, attempts at one time.
    package let attemptsOfOneMax: Int

    private struct Waiting: Equatable, Sendable {
        var id: EventID
        var due: Timestamp
        var bytes: Int
    }

    private struct Line: Equatable, Sendable {
        /// A binary heap: the event that falls due first is first; of two the one that was accepted first.
        var heap: [Waiting] = []
        var attempts = 0
        /// nil while there is room.
        var gate: AsyncGate?
    }

    /// Functions of one account that found no room in what its functions share.
    private struct Crowd: Equatable, Sendable {
        var functions = 0
        /// Of attempts that have ended, and that no other has taken.
        var places = 0
    }

    /// An event that was tried.
    private struct InHand: Equatable, Sendable {
        var bytes: Int
        /// It was begun for the place of another that had ended, and has not used it yet.
        var holdsPlace = false
        /// How often its outcome could not be written.
        var failures = 0
        /// When that is tried again; nil while it is.
        var settlementDue: Timestamp?
    }

    private var lines: [FunctionKey: Line] = [:]
    /// By account: its functions whose turn is to come, each once.
    private var turns: [String: FIFOQueue<FunctionKey>] = [:]
    /// Accounts whose turn is to come, each once.
    private var accounts = FIFOQueue<String>()
    private var inHand: [EventID: InHand] = [:]
    /// By account.
    private var crowds: [String: Crowd] = [:]
    /// Waiting and being tried, those included that are only just being stored.
    private var countShare: FairShare
    private var bytesShare: FairShare
    private var attemptShare: FairShare

    private static let settlementDelayMin = Duration.seconds(1)
    private static let settlementDelayMax = Duration.seconds(60)

    /// All but the last are of an account that is alone, all together may have twice as much.
    package init(countMax: Int, bytesMax: Int = 8 << 30, attemptsMax: Int, attemptsOfOneMax: Int) {
        precondition(attemptsOfOneMax > 0)
        self.countMax = countMax
        self.attemptsOfOneMax = attemptsOfOneMax
        countShare = FairShare(oneMax: countMax)
        bytesShare = FairShare(oneMax: bytesMax)
        attemptShare = FairShare(oneMax: attemptsMax)
    }

    /// Waiting and being tried.
    package var count: Int { countShare.used }
    package var attempts: Int { attemptShare.used }

    /// Whether its account has fewer than it may.
    package func hasRoom(for function: FunctionKey) -> Bool { countShare.hasRoom(for: function.accountID) }

    /// Takes room for an event that is about to be stored.
    ///
    /// To be followed by `add` with `isReserved`, or by `cancel`.
    /// - Returns: false where its account has as much as it may.
    package mutating func reserve(for function: FunctionKey, bytes: Int) -> Bool {
        let account = function.accountID
        guard countShare.hasRoom(for: account), bytesShare.take(bytes, for: account) else { return false }
        countShare.add(for: account)
        return true
    }

    /// The event could not be stored.
    package mutating func cancel(for function: FunctionKey, bytes: Int) {
        countShare.giveBack(for: function.accountID)
        bytesShare.giveBack(bytes, for: function.accountID)
    }

    /// An event that waits; one of an earlier run, and one that follows from another, is let in whatever the bounds.
    package mutating func add(
        _ id: EventID,
        of function: FunctionKey,
        due: Timestamp,
        bytes: Int = 0,
        isReserved: Bool = false
    ) {
        if !isReserved {
            countShare.add(for: function.accountID)
            bytesShare.add(bytes, for: function.accountID)
        }
        wait(Waiting(id: id, due: due, bytes: bytes), of: function)
    }

    /// An event that is tried again later.
    package mutating func putBack(_ id: EventID, of function: FunctionKey, due: Timestamp) {
        let bytes = release(id, function)
        wait(Waiting(id: id, due: due, bytes: bytes), of: function)
    }

    /// An event has come to its end.
    package mutating func remove(_ id: EventID, of function: FunctionKey) {
        let bytes = release(id, function)
        countShare.giveBack(for: function.accountID)
        bytesShare.giveBack(bytes, for: function.accountID)
        if let line = lines[function], line.heap.isEmpty, line.attempts == 0 {
            setGate(nil, of: function)
            lines[function] = nil
        }
    }

    /// An attempt found no room.
    package mutating func throttled(
        _ id: EventID,
        of function: FunctionKey,
        in room: AsyncGate.Room,
        at now: Timestamp
    ) {
        inHand[id]?.holdsPlace = false
        guard var gate = lines[function]?.gate else {
            return setGate(AsyncGate(room, at: now), of: function)
        }
        gate.close(room, at: now)
        setGate(gate, of: function)
    }

    /// An attempt has run: another may in its place.
    package mutating func ran(_ id: EventID, of function: FunctionKey) {
        inHand[id]?.holdsPlace = false
        givePlace(of: function)
    }

    /// The outcome of an attempt could not be written: that is tried again after 1 s, 2 s … 60 s.
    package mutating func settleLater(_ id: EventID, at now: Timestamp) {
        guard var event = inHand[id] else { preconditionFailure("an outcome is of an event that was tried") }
        let delay = min(Self.settlementDelayMax, Self.settlementDelayMin * (1 << min(event.failures, 16)))
        event.failures += 1
        event.settlementDue = now.advanced(by: delay)
        inHand[id] = event
    }

    /// The next event whose outcome is to be written now; nil when there is none.
    package mutating func nextSettlement(at now: Timestamp) -> EventID? {
        let due = inHand.lazy.filter { event in event.value.settlementDue.map { $0 <= now } ?? false }
        guard let id = due.map(\.key).min() else { return nil }
        inHand[id]?.settlementDue = nil
        return id
    }

    /// The next event to try now; nil when none is due, or enough are being tried.
    package mutating func next(at now: Timestamp) -> (id: EventID, function: FunctionKey)? {
        for _ in 0..<accounts.count {
            guard let account = accounts.popFirst() else { return nil }
            let found = attemptShare.hasRoom(for: account) ? next(of: account, at: now) : nil
            if turns[account] != nil { accounts.append(account) }
            if let found {
                attemptShare.add(for: account)
                return found
            }
        }
        return nil
    }

    private mutating func next(of account: String, at now: Timestamp) -> (id: EventID, function: FunctionKey)? {
        guard var functions = turns.removeValue(forKey: account) else { return nil }
        defer { if !functions.isEmpty { turns[account] = functions } }
        for _ in 0..<functions.count {
            guard let function = functions.popFirst(), let attempts = lines[function]?.attempts,
                let first = lines[function]?.heap.first
            else { continue }
            guard attempts < attemptsOfOneMax, first.due <= now, let place = place(of: function, at: now) else {
                functions.append(function)
                continue
            }
            begin(function)
            inHand[first.id] = InHand(bytes: first.bytes, holdsPlace: place == .another)
            if lines[function]?.heap.isEmpty == false { functions.append(function) }
            return (first.id, function)
        }
        return nil
    }

    /// In place: a copy of many events takes its time.
    private mutating func begin(_ function: FunctionKey) {
        lines[function]?.attempts += 1
        guard var heap = lines[function]?.heap else { return }
        lines[function]?.heap = []
        Self.removeFirst(&heap)
        lines[function]?.heap = heap
    }

    private enum Place { case free, another }

    /// Takes a place for an attempt of a function; nil where it has to wait for one.
    private mutating func place(of function: FunctionKey, at now: Timestamp) -> Place? {
        guard var gate = lines[function]?.gate else { return .free }
        if gate.places > 0 {
            lines[function]?.gate?.places -= 1
            return .another
        }
        if gate.room == .account, let crowd = crowds[function.accountID], crowd.places > 0 {
            crowds[function.accountID]?.places -= 1
            return .another
        }
        guard gate.tries(at: now) else { return nil }
        setGate(gate.isWide(attemptsOfOneMax) ? nil : gate, of: function)
        return .free
    }

    private mutating func givePlace(of function: FunctionKey) {
        guard let gate = lines[function]?.gate else { return }
        switch gate.room {
        case .function: lines[function]?.gate?.places = min(attemptsOfOneMax, gate.places + 1)
        case .account:
            let places = crowds[function.accountID]?.places ?? 0
            crowds[function.accountID]?.places = min(attemptsOfOneMax, places + 1)
        }
    }

    private mutating func setGate(_ gate: AsyncGate?, of function: FunctionKey) {
        let account = function.accountID
        let change = (gate?.room == .account ? 1 : 0) - (lines[function]?.gate?.room == .account ? 1 : 0)
        lines[function]?.gate = gate
        guard change != 0 else { return }
        crowds[account, default: Crowd()].functions += change
        if crowds[account]?.functions == 0 { crowds[account] = nil }
    }

    /// When something that is not held up by the bounds falls due; nil when there is nothing.
    package var nextDue: Timestamp? {
        var due = inHand.values.compactMap(\.settlementDue).min()
        for (function, line) in lines {
            guard let first = line.heap.first, line.attempts < attemptsOfOneMax,
                attemptShare.hasRoom(for: function.accountID)
            else { continue }
            let begins = max(first.due, opening(of: line, function) ?? first.due)
            due = due.map { min($0, begins) } ?? begins
        }
        return due
    }

    /// nil for now.
    private func opening(of line: Line, _ function: FunctionKey) -> Timestamp? {
        guard let gate = line.gate, gate.places == 0 else { return nil }
        if gate.room == .account, let crowd = crowds[function.accountID], crowd.places > 0 { return nil }
        return gate.opening
    }

    /// - Returns: the event's bytes.
    private mutating func release(_ id: EventID, _ function: FunctionKey) -> Int {
        guard let event = inHand.removeValue(forKey: id), let line = lines[function], line.attempts > 0 else {
            preconditionFailure("an attempt ends that was made")
        }
        lines[function]?.attempts -= 1
        attemptShare.giveBack(for: function.accountID)
        if event.holdsPlace { givePlace(of: function) }
        return event.bytes
    }

    private mutating func wait(_ waiting: Waiting, of function: FunctionKey) {
        var line = lines.removeValue(forKey: function) ?? Line()
        if line.heap.isEmpty { enqueue(function) }
        Self.insert(waiting, into: &line.heap)
        lines[function] = line
    }

    private mutating func enqueue(_ function: FunctionKey) {
        if turns[function.accountID] == nil { accounts.append(function.accountID) }
        turns[function.accountID, default: FIFOQueue()].append(function)
    }

    private static func precedes(_ left: Waiting, _ right: Waiting) -> Bool {
        (left.due, left.id) < (right.due, right.id)
    }

    private static func insert(_ waiting: Waiting, into heap: inout [Waiting]) {
        heap.append(waiting)
        var child = heap.count - 1
        while child > 0, precedes(heap[child], heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private static func removeFirst(_ heap: inout [Waiting]) {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            let left = 2 * parent + 1
            guard left < heap.count else { return }
            let right = left + 1
            let child = right < heap.count && precedes(heap[right], heap[left]) ? right : left
            guard precedes(heap[child], heap[parent]) else { return }
            heap.swapAt(child, parent)
            parent = child
        }
    }
}
