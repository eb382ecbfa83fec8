// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import InvocationCore
import LambdaModel
import LogStore
import Synchronization
import Testing

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

    private func put(_ name: String = "b", limit: String, action: String = "stop") async throws {
        let body = #"{"Function":"f","Unit":"requests","Limit":"\#(limit)","Period":"day","Action":"\#(action)"}"#
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
