// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Foundation
import InvocationCore
import LambdaModel
import LogStore
import MetadataStore
import Synchronization
import Testing

@testable import ControlPlane

/// Budgets over the real stores, and a clock that the test moves.
struct BudgetOperationTests {
    private let fixture: ControlPlaneFixture
    private let budgets: Budgets
    private let events: Events

    private final class Events: Sendable {
        private let kinds = Mutex<[BudgetEvent.Kind]>([])

        func add(_ event: BudgetEvent) { kinds.withLock { $0.append(event.kind) } }
        func take() -> [BudgetEvent.Kind] {
            kinds.withLock { kinds in
                defer { kinds = [] }
                return kinds
            }
        }
    }

    init() throws {
        fixture = try ControlPlaneFixture()
        let events = Events()
        self.events = events
        budgets = Budgets(
            board: BudgetBoard(),
            controlPlane: fixture.controlPlane,
            logs: fixture.logs,
            clock: ContinuousClock(),
            notify: { events.add($0) }
        )
    }

    private func put(
        _ name: String = "b",
        limit: String,
        period: String = "day",
        action: String = "stop"
    ) async throws {
        let body =
            #"{"Function":"f","Unit":"requests","Limit":"\#(limit)","Period":"\#(period)","Action":"\#(action)"}"#
        try await budgets.put(name, RequestMembers(body: Array(body.utf8)), caller: ControlPlaneFixture.caller)
    }

    private func use(_ requests: Int64, at time: Timestamp) {
        var use = UsageQuantities()
        use.requests = requests
        let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")
        budgets.board.record(use, of: function, at: time)
    }

    private static let now = Timestamp(millisecondsSinceEpoch: 1_764_025_947_000)

    @Test func `what a budget has stopped goes on with the next period`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        try await put(limit: "2")
        use(2, at: Self.now)
        try await budgets.refresh()
        #expect(fixture.reserved == ["f": 0])
        #expect(events.take() == [.reached, .stopped])
        try await budgets.refresh()
        #expect(events.take().isEmpty)
        let status = try await budgets.list(caller: ControlPlaneFixture.caller)
        #expect(status.map(\.stopped) == [["f"]] && status.map(\.entry.used.requests) == [2])
        fixture.advance(by: .seconds(86_400))
        try await budgets.refresh()
        #expect(fixture.reserved.isEmpty && events.take() == [.restored])
    }

    /// As a finished invocation does: into the log store, and onto the board.
    private func invoke(at time: Timestamp) async throws {
        let record = UsageRecord(
            requestID: "\(time.millisecondsSinceEpoch)",
            function: FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f"),
            version: "$LATEST",
            startedAt: time,
            memoryMiB: 128,
            durationMicroseconds: 1_000,
            billedMilliseconds: 1,
            initMicroseconds: nil,
            maxMemoryUsedMiB: 40,
            ephemeralStorageMiB: 512,
            egressBytes: 0,
            ingressBytes: 0,
            outcome: "success",
            architecture: .x86_64,
            executedEnvironmentID: "e"
        )
        let group = LogGroupKey(accountID: "000000000000", region: "us-east-1", name: "g")
        try await fixture.logs.append(JournalEntry(group: group, stream: "s", events: [], usage: record))
        budgets.board.record(record)
    }

    @Test(arguments: ["day", "month"])
    func `at the change of its period a budget counts what began in the new one, to the millisecond`(
        _ period: String
    ) async throws {
        defer { try? fixture.remove() }
        // 2025-11-25 and 2025-12-01, UTC.
        let change = Timestamp(millisecondsSinceEpoch: period == "day" ? 1_764_028_800_000 : 1_764_547_200_000)
        let last = change.advanced(by: .milliseconds(-1))
        try await fixture.create("f")
        try await put(limit: "3", period: period)
        for time in [Self.now, last, last] { try await invoke(at: time) }
        try await budgets.refresh()
        #expect(fixture.reserved == ["f": 0] && events.take() == [.reached, .stopped])
        // One that began in time ends in the next period, one begins at the change; nobody has looked yet.
        try await invoke(at: last)
        try await invoke(at: change)
        fixture.advance(by: .milliseconds(last.millisecondsSinceEpoch - Self.now.millisecondsSinceEpoch))
        try await budgets.refresh()
        #expect(fixture.reserved == ["f": 0] && events.take().isEmpty)
        fixture.advance(by: .milliseconds(1))
        try await budgets.refresh()
        #expect(fixture.reserved.isEmpty && events.take() == [.restored])
        let used = try await budgets.list(caller: ControlPlaneFixture.caller).map(\.entry.used.requests)
        #expect(used == [1])
        for _ in 0..<2 { try await invoke(at: change.advanced(by: .seconds(1))) }
        try await budgets.refresh()
        #expect(fixture.reserved == ["f": 0] && events.take() == [.reached, .stopped])
    }

    @Test func `a server that starts anew has what was stopped, and forgets what was not stored`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        try await put(limit: "0")
        #expect(fixture.reserved == ["f": 0])
        let next = Budgets(
            board: BudgetBoard(),
            controlPlane: fixture.controlPlane,
            logs: fixture.logs,
            clock: ContinuousClock()
        )
        try await next.refresh()
        #expect(fixture.reserved == ["f": 0])
        try await next.delete("b", caller: ControlPlaneFixture.caller)
        #expect(fixture.reserved.isEmpty)
        await #expect(throws: LambdaError.resourceNotFound(message: "There is no budget b.")) {
            try await next.delete("b", caller: ControlPlaneFixture.caller)
        }
    }

    @Test func `a look that finds all as it is to be writes nothing`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        try await put(limit: "0")
        let log = URL(fileURLWithPath: fixture.directory + "/metadata.sqlite-wal")
        let written = try Data(contentsOf: log)
        try await budgets.refresh()
        #expect(try Data(contentsOf: log) == written && !written.isEmpty)
        fixture.advance(by: .seconds(86_400))
        try await budgets.refresh()
        #expect(events.take() == [.reached, .stopped, .restored, .reached, .stopped] && fixture.reserved == ["f": 0])
    }

    @Test func `who shows budgets has the server look at none`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        try await put(limit: "2")
        use(2, at: Self.now)
        let shown = try await budgets.list(caller: ControlPlaneFixture.caller)
        #expect(shown.map(\.entry.used.requests) == [2] && shown.map(\.entry.isReached) == [true])
        #expect(shown.map(\.stopped) == [[]] && events.take().isEmpty)
        try await budgets.refresh()
        #expect(try await budgets.list(caller: ControlPlaneFixture.caller).map(\.stopped) == [["f"]])
    }

    /// What a newer server may have stored.
    private struct Unreadable: AccountDocument {
        static let kind = "budget"
    }

    private struct UnreadableReservation: FunctionDocument {
        static let kind = "reservedConcurrency"
    }

    @Test func `a budget that can't be read holds up no other, nor the start or a deletion`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        try await fixture.metadata.change {
            try $0.put(Unreadable(), accountID: "000000000000", region: "us-east-1", id: "a")
        }
        try await put(limit: "0")
        #expect(fixture.reserved == ["f": 0])
        #expect(try await budgets.list(caller: ControlPlaneFixture.caller).map(\.name) == ["b"])
        try await budgets.refresh()
        try await fixture.controlPlane.call(.deleteFunction, ["FunctionName": "f"])
        #expect(fixture.reserved.isEmpty)
    }

    @Test(arguments: ["delete", "replace", "raise"])
    func `a budget that can't be read can be replaced and deleted`(_ way: String) async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        try await fixture.create("g")
        try await put(limit: "0")
        try await put("other", limit: "9", action: "warn")
        #expect(fixture.reserved == ["f": 0])
        try await fixture.metadata.change {
            try $0.put(Unreadable(), accountID: "000000000000", region: "us-east-1", id: "b")
        }
        try await budgets.refresh()
        #expect(fixture.reserved == ["f": 0])
        let shown = try await budgets.list(caller: ControlPlaneFixture.caller)
        #expect(shown.map(\.name) == ["b", "other"] && shown.map(\.stopped) == [["f"], []])
        switch way {
        case "delete": try await budgets.delete("b", caller: ControlPlaneFixture.caller)
        case "replace": try await put(limit: "0")
        default: try await put(limit: "5")
        }
        #expect(fixture.reserved == (way == "replace" ? ["f": 0] : [:]))
        let status = try await budgets.list(caller: ControlPlaneFixture.caller)
        #expect(status.map(\.name) == (way == "delete" ? ["other"] : ["b", "other"]))
        #expect(status.first?.stopped == (way == "replace" ? ["f"] : []))
    }

    @Test func `what could not be put into force is by the next look`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "g")
        try await fixture.create("g")
        try await fixture.metadata.change { try $0.put(UnreadableReservation(), of: function) }
        await #expect(throws: (any Error).self) { try await put(limit: "0") }
        #expect(fixture.reserved.isEmpty)
        _ = try await fixture.metadata.change { try $0.remove(UnreadableReservation.self, of: function) }
        try await budgets.refresh()
        #expect(fixture.reserved == ["f": 0] && events.take() == [.reached, .stopped])
    }

    @Test func `a function that is deleted and comes again is stopped again`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        try await put(limit: "0")
        try await fixture.controlPlane.call(.deleteFunction, ["FunctionName": "f"])
        try await fixture.create("f")
        #expect(fixture.reserved.isEmpty)
        try await budgets.refresh()
        #expect(fixture.reserved == ["f": 0])
    }

    @Test func `what a budget has stopped keeps its share of the account's concurrency`() async throws {
        defer { try? fixture.remove() }
        func reserve(_ name: String, _ executions: Int) async throws {
            try await fixture.controlPlane.call(
                .putFunctionConcurrency,
                ["FunctionName": name],
                body: JSONValue.object(["ReservedConcurrentExecutions": .integer(executions)]).bytes
            )
        }
        try await fixture.create("f")
        try await fixture.create("g")
        try await reserve("f", 800)
        try await put(limit: "0")
        #expect(fixture.reserved == ["f": 0])
        await #expect(throws: LambdaError.self) { try await reserve("g", 101) }
        try await reserve("g", 100)
        try await budgets.delete("b", caller: ControlPlaneFixture.caller)
        #expect(fixture.reserved == ["f": 800, "g": 100])
    }

    /// An invocation ends during each of so many reads, and is in the next one's answer.
    @Test(arguments: [1, 9]) func `what ends while is added up is not lost`(during until: Int) async throws {
        defer { try? fixture.remove() }
        let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")
        let id = BudgetID(accountID: "000000000000", region: "us-east-1", name: "b")
        let budget = Budget(
            scope: .function(name: "f"),
            unit: .requests,
            limit: 1_000_000_000,
            period: .day,
            action: .stop
        )
        let board = budgets.board
        let count = Mutex(0)
        try await board.recount(id, budget, [function], at: Self.now) { _ in
            let read = count.withLock { count in
                count += 1
                return count
            }
            if read <= until { use(1, at: Self.now) }
            var stored = UsageQuantities()
            stored.requests = Int64(4 + read)
            return stored
        }
        #expect(count.withLock { $0 } == (until == 1 ? 2 : 3))
        #expect(board.entries[id]?.used.requests == (until == 1 ? 6 : 8))
    }

    @Test func `other accounts' budgets are neither shown nor deleted`() async throws {
        defer { try? fixture.remove() }
        try await put(limit: "9")
        let other = Caller(accountID: "111111111111", region: "us-east-1")
        #expect(try await budgets.list(caller: other).isEmpty)
        await #expect(throws: LambdaError.self) { try await budgets.delete("b", caller: other) }
        #expect(try await budgets.list(caller: ControlPlaneFixture.caller).count == 1)
    }

    @Test(arguments: [
        #"{}"#, #"{"Function":"f"}"#, #"{"Function":"a:b","Unit":"usd","Limit":"1","Period":"day","Action":"warn"}"#,
        #"{"TagKey":"k","Unit":"usd","Limit":"1","Period":"day","Action":"warn"}"#,
        #"{"Function":"f","TagKey":"k","TagValue":"v","Unit":"usd","Limit":"1","Period":"day","Action":"warn"}"#,
        #"{"Function":"f","Unit":"usd","Limit":"1","Period":"week","Action":"warn"}"#,
        #"{"Function":"f","Unit":"usd","Limit":1,"Period":"day","Action":"warn"}"#,
        #"{"Function":"f","Unit":"usd","Limit":"-1","Period":"day","Action":"warn"}"#,
        #"{"Function":"f","Unit":"usd","Limit":"1.","Period":"day","Action":"warn"}"#,
    ])
    func `what is no budget is refused`(_ body: String) async throws {
        defer { try? fixture.remove() }
        await #expect(throws: LambdaError.self) {
            try await budgets.put("b", RequestMembers(body: Array(body.utf8)), caller: ControlPlaneFixture.caller)
        }
        #expect(try await budgets.list(caller: ControlPlaneFixture.caller).isEmpty)
    }
}
