// SPDX-License-Identifier: Apache-2.0
import CSeccomp
import Testing

@testable import SandboxPolicy

/// The program does what the data says, for every number and for every comparison.
struct FilterProgramTests {
    private let policy: SystemCallPolicy
    private let machine: FilterMachine
    private let calls: [UInt32: (group: SystemCallPolicy.Group, call: SystemCallPolicy.Call)]

    init() throws {
        policy = try SystemCallPolicy.builtIn()
        machine = FilterMachine(program: try FilterProgram(policy))
        calls = Dictionary(
            uniqueKeysWithValues: try FilterProgram.numbered(policy).map {
                ($0.number, (group: $0.group, call: $0.call))
            }
        )
    }

    private func run(_ number: UInt32, _ arguments: [UInt64] = []) -> FilterMachine.Run? {
        machine.run(architecture: FilterProgram.architecture, number: number, arguments: arguments)
    }

    @Test func `every number without comparisons has its group's answer and reads no argument`() throws {
        var named = 0
        for number in UInt32(0)..<2_048 {
            let found = try #require(run(number), "\(number)")
            guard let (group, call) = calls[number] else {
                #expect(found.action == policy.unnamed.answer.action && !found.readArguments, "\(number)")
                continue
            }
            named += 1
            guard call.alternatives.isEmpty else { continue }
            #expect(found.action == group.answer.action && !found.readArguments, "\(call.name)")
        }
        #expect(named == calls.count && named > 300)
    }

    /// Each value that a comparison names, its neighbours, and what lies outside its mask, in every combination.
    @Test func `comparisons decide as the data says`() throws {
        var compared = 0
        for (number, entry) in calls where !entry.call.alternatives.isEmpty {
            var candidates = [[UInt64]](repeating: [0], count: 6)
            for condition in entry.call.alternatives.flatMap(\.all) {
                for value in condition.values.map({ UInt64($0.value) }) {
                    candidates[condition.argument] += [
                        value, value &+ 1, value ^ 0x8000_0000, value | 0xDEAD_0000_0000,
                    ]
                    candidates[condition.argument] += [value | UInt64(~condition.mask)]
                }
            }
            for arguments in Self.product(candidates.map { Array(Set($0)) }) {
                let wanted = entry.call.answer(entry.group.answer, arguments).action
                #expect(run(number, arguments)?.action == wanted, "\(entry.call.name) \(arguments)")
                compared += 1
            }
        }
        #expect(compared > 5_000)
    }

    private static func product(_ choices: [[UInt64]]) -> [[UInt64]] {
        choices.reduce([[]]) { heads, tails in heads.flatMap { head in tails.map { head + [$0] } } }
    }

    @Test func `another architecture's call kills`() {
        // AUDIT_ARCH_I386, AUDIT_ARCH_ARM, and nonsense.
        for architecture in [UInt32(0x4000_0003), 0x4000_0028, 0, .max] {
            for number in [UInt32(0), 1, 59, 400, .max] {
                #expect(machine.run(architecture: architecture, number: number)?.action == FilterProgram.kill)
            }
        }
    }

    #if arch(x86_64)
    @Test func `x32's numbers kill, and -1 is nobody's`() {
        for number in [UInt32(0x4000_0000), 0x4000_0001, 0x4000_0200, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE] {
            #expect(run(number)?.action == FilterProgram.kill)
        }
        #expect(run(.max)?.action == policy.unnamed.answer.action)
        #expect(run(0x3FFF_FFFF)?.action == policy.unnamed.answer.action)
    }
    #endif

    @Test func `the search is short and the program fits`() throws {
        #expect(machine.program.instructions.count < 1_000)
        #expect(machine.program.bytes.count == machine.program.instructions.count * 8)
        let steps = calls.keys.compactMap { run($0)?.steps }
        #expect(steps.max() ?? .max < 60)
    }

    @Test func `numbers given in the data are libseccomp's where it has them`() {
        for call in policy.groups.flatMap(\.calls) {
            guard let number = call.number else { continue }
            let known = seccomp_syscall_resolve_name(call.name)
            #expect(known == __NR_SCMP_ERROR || known == Int32(number), "\(call.name)")
        }
    }

    /// A pointer with nothing but zeros in its low half is not NULL.
    @Test(arguments: [SystemCallPolicy.Condition.Operation.oneOf, .noneOf])
    func `pointers are compared whole`(operation: SystemCallPolicy.Condition.Operation) throws {
        var changed = policy
        let condition = SystemCallPolicy.Condition(
            argument: 2,
            mask: .max,
            isWhole: true,
            operation: operation,
            values: [.init(value: 0, comment: ""), .init(value: 8, comment: "")]
        )
        // The first decides where both hold.
        let second = SystemCallPolicy.Alternative(comment: "", all: [])
        changed.groups[0].calls[0].alternatives = [
            .init(answer: .errno(5), comment: "", all: [condition, condition]), second,
        ]
        changed.groups[0].calls[0].otherwise = .errno(22)
        let call = changed.groups[0].calls[0]
        let machine = FilterMachine(program: try FilterProgram(changed))
        let number = try #require(try FilterProgram.numbered(changed).first { $0.call.name == call.name }?.number)
        for value in [UInt64(0), 8, 1, 1 << 32, 8 | 1 << 40, 0x7F00_0000_0000, .max] {
            let arguments = [0, 0, value, 0, 0, 0]
            let found = machine.run(architecture: FilterProgram.architecture, number: number, arguments: arguments)
            #expect(found?.action == call.answer(.allow, arguments).action, "\(value)")
        }
    }

    /// A leaf's block may be longer than a conditional jump reaches.
    @Test func `long programs are searched as short ones`() throws {
        var long = policy
        let value = SystemCallPolicy.Condition.Value(value: 0, comment: "")
        let values = (UInt32(1)...200).map { number -> SystemCallPolicy.Condition.Value in
            var other = value
            other.value = number
            return other
        }
        let condition = SystemCallPolicy.Condition(argument: 2, mask: .max, operation: .oneOf, values: values)
        for group in long.groups.indices.prefix(10) where long.groups[group].answer == .allow {
            for call in long.groups[group].calls.indices.prefix(1) {
                long.groups[group].calls[call].alternatives = [.init(comment: "", all: [condition])]
                long.groups[group].calls[call].otherwise = .errno(22)
            }
        }
        let machine = FilterMachine(program: try FilterProgram(long))
        for (number, group, call) in try FilterProgram.numbered(long) {
            for argument in [UInt64(0), 1, 100, 200, 201] {
                let arguments = [0, 0, argument, 0, 0, 0]
                let found = machine.run(
                    architecture: FilterProgram.architecture,
                    number: number,
                    arguments: arguments
                )
                #expect(found?.action == call.answer(group.answer, arguments).action, "\(call.name) \(argument)")
            }
        }
        let tooMany = (UInt32(1)...300).map { SystemCallPolicy.Condition.Value(value: $0, comment: "") }
        long.groups[0].calls[0].alternatives = [
            .init(comment: "", all: [.init(argument: 0, mask: .max, operation: .oneOf, values: tooMany)])
        ]
        #expect(throws: SystemCallPolicyError.self) { try FilterProgram(long) }
    }
}
