// SPDX-License-Identifier: Apache-2.0

extension SystemCallPolicy {
    /// The policy of a zygote's sandbox: what its children need between the fork and their own filter, which is the other policy's.
    ///
    /// They enter the namespaces of the sandbox that was made for them, hide the machine's control groups from it, and give up the
    /// capabilities that they got there.
    package func forZygotes() -> SystemCallPolicy {
        var policy = self
        let names = Set(Self.zygoteCalls.map(\.name))
        for index in policy.groups.indices { policy.groups[index].calls.removeAll { names.contains($0.name) } }
        policy.groups.removeAll { $0.calls.isEmpty }
        policy.groups.append(
            Group(
                group: "zygotes",
                answer: .allow,
                comment: "on the way from a zygote into a sandbox",
                calls: Self.zygoteCalls.map { call in
                    var call = call
                    guard call.name == "prctl" else { return call }
                    // What any process may do, and two things more.
                    let others = groups.lazy.flatMap(\.calls).first { $0.name == "prctl" }
                    call.alternatives += others?.alternatives ?? []
                    call.otherwise = others?.otherwise ?? call.otherwise
                    return call
                }
            )
        )
        return policy
    }

    /// The same for one that runs a function's code, which may keep the capabilities that its children get in their sandboxes: without
    /// what would be of use to them.
    ///
    /// The children have this filter too, so none of what is taken away may be anything that a function can't do without.
    package func forSnapshots() -> SystemCallPolicy {
        var policy = forZygotes()
        for group in policy.groups.indices {
            for call in policy.groups[group].calls.indices where policy.groups[group].calls[call].name == "socket" {
                policy.groups[group].calls[call].alternatives.removeAll(where: Self.isOfNetlink)
            }
        }
        return policy
    }

    /// Interfaces, routes and queues of a network namespace are changed over such sockets.
    private static func isOfNetlink(_ alternative: Alternative) -> Bool {
        alternative.all.contains { condition in
            condition.argument == 0 && condition.operation == .oneOf && condition.values.map(\.value) == [16]
        }
    }

    private static let zygoteCalls: [Call] = [
        Call(name: "setns", comment: "into the sandbox"),
        Call(name: "capset", comment: "gives up what setns gave"),
        Call(
            name: "unshare",
            comment: "CLONE_NEWCGROUP only",
            alternatives: [alternative(argument: 0, [(0x0200_0000, "CLONE_NEWCGROUP")])],
            otherwise: .errno(1)
        ),
        Call(
            name: "prctl",
            comment: "the filter that it goes on with, and the bounding set",
            alternatives: [alternative(argument: 0, [(22, "PR_SET_SECCOMP"), (24, "PR_CAPBSET_DROP")])],
            otherwise: .errno(22)
        ),
    ]

    private static func alternative(argument: Int, _ values: [(UInt32, String)]) -> Alternative {
        Alternative(
            comment: "",
            all: [
                Condition(
                    argument: argument,
                    mask: .max,
                    operation: .oneOf,
                    values: values.map { Condition.Value(value: $0.0, comment: $0.1) }
                )
            ]
        )
    }
}
