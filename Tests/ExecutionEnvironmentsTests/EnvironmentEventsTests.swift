// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import Testing

@testable import ExecutionEnvironments

struct EnvironmentEventsTests {
    @Test func `what was told is heard once, in order, whoever hears first`() async {
        let events = EnvironmentEvents()
        events.tell(.idle(EnvironmentID(1), usedKiB: nil))
        events.tell(.lost(EnvironmentID(2), .shutdown))
        events.tell(.idle(EnvironmentID(3), usedKiB: nil))
        let heard = events.take()
        #expect(
            heard == [
                .idle(EnvironmentID(1), usedKiB: nil), .lost(EnvironmentID(2), .shutdown),
                .idle(EnvironmentID(3), usedKiB: nil),
            ]
        )
        #expect(events.take().isEmpty)
        events.tell(.idle(EnvironmentID(4), usedKiB: nil))
        events.finish()
        var rings = 0
        for await _ in events.bell { rings += 1 }
        #expect(rings == 1)
        #expect(events.take() == [.idle(EnvironmentID(4), usedKiB: nil)])
    }

    @Test(.timeLimit(.minutes(10)))
    func `nothing that is told is missed by who waits for the bell`() async {
        let events = EnvironmentEvents()
        let hearing = Task {
            var heard = 0
            for await _ in events.bell {
                heard += events.take().count
                if heard == 200 { break }
            }
            return heard
        }
        await withTaskGroup(of: Void.self) { tasks in
            for number in UInt64(1)...200 { tasks.addTask { events.tell(.idle(EnvironmentID(number), usedKiB: nil)) } }
        }
        // Without the bell, and without the end, which rings too, it would wait for ever.
        #expect(await hearing.value == 200)
    }
}
