// SPDX-License-Identifier: Apache-2.0
import CSeccomp

/// A policy as the kernel runs it: a classic BPF program over `struct seccomp_data` (seccomp(2)), made by the server, installed by
/// the sandbox's first process.
///
/// libseccomp gives the numbers of the calls and does not make the program: it has one answer for everything that no rule of a
/// filter meets, so "this call, with other arguments, answers EPERM, and an unknown call answers ENOSYS" would have to be
/// written as rules for each wrong argument. Here each call has an answer of its own.
///
/// The calls are ranges of numbers with equal answers, found by binary search. Where the answer does not depend on arguments the
/// program looks at nothing but architecture and number: the kernel then keeps the answer in a bitmap (Linux 5.11) and does not run the
/// program at all.
package struct FilterProgram: Equatable, Sendable {
    /// `struct sock_filter`.
    package struct Instruction: Equatable, Sendable {
        package var code: UInt16
        package var ifTrue: UInt8 = 0
        package var ifFalse: UInt8 = 0
        package var operand: UInt32

        static func load(_ offset: UInt32) -> Self { .init(code: 0x20, operand: offset) }
        static func and(_ mask: UInt32) -> Self { .init(code: 0x54, operand: mask) }
        static func skip(_ count: UInt32) -> Self { .init(code: 0x05, operand: count) }
        static func equal(_ value: UInt32, _ ifTrue: UInt8, _ ifFalse: UInt8) -> Self {
            .init(code: 0x15, ifTrue: ifTrue, ifFalse: ifFalse, operand: value)
        }
        static func atLeast(_ value: UInt32, _ ifTrue: UInt8, _ ifFalse: UInt8) -> Self {
            .init(code: 0x35, ifTrue: ifTrue, ifFalse: ifFalse, operand: value)
        }
        static func answer(_ action: UInt32) -> Self { .init(code: 0x06, operand: action) }
    }

    package private(set) var instructions: [Instruction]

    /// BPF_MAXINSNS.
    static let instructionsMax = 4_096

    #if arch(x86_64)
    /// AUDIT_ARCH_X86_64.
    static let architecture: UInt32 = 0xC000_003E
    /// __X32_SYSCALL_BIT: the calls of x32 share the architecture's number.
    private static let foreignNumbers: Range<UInt32>? = 0x4000_0000..<0xFFFF_FFFF
    #elseif arch(arm64)
    /// AUDIT_ARCH_AARCH64.
    static let architecture: UInt32 = 0xC000_00B7
    private static let foreignNumbers: Range<UInt32>? = nil
    #else
    #error("the kernel's number of this architecture is missing")
    #endif

    /// SECCOMP_RET_KILL_PROCESS: a call through another architecture's table, whose numbers mean other calls.
    static let kill: UInt32 = 0x8000_0000
    private static let numberOffset: UInt32 = 0
    private static let architectureOffset: UInt32 = 4

    package init(_ policy: SystemCallPolicy) throws(SystemCallPolicyError) {
        let tree = try Self.search(Self.ranges(policy)[...])
        instructions =
            [
                .load(Self.architectureOffset), .equal(Self.architecture, 1, 0), .answer(Self.kill),
                .load(Self.numberOffset),
            ] + tree
        guard instructions.count <= Self.instructionsMax else {
            throw SystemCallPolicyError(description: "the filter has \(instructions.count) instructions")
        }
    }

    /// As seccomp(2) takes them.
    package var bytes: [UInt8] {
        instructions.flatMap { instruction -> [UInt8] in
            withUnsafeBytes(of: instruction.code) { Array($0) } + [instruction.ifTrue, instruction.ifFalse]
                + withUnsafeBytes(of: instruction.operand) { Array($0) }
        }
    }

    // MARK: - Numbers

    /// The calls of this architecture with their numbers.
    package static func numbered(
        _ policy: SystemCallPolicy
    ) throws(SystemCallPolicyError) -> [(number: UInt32, group: SystemCallPolicy.Group, call: SystemCallPolicy.Call)] {
        var found: [(number: UInt32, group: SystemCallPolicy.Group, call: SystemCallPolicy.Call)] = []
        for group in policy.groups {
            for call in group.calls {
                let known = cseccomp_syscall(call.name)
                if known == cseccomp_unknown() {
                    guard let number = call.number else {
                        throw SystemCallPolicyError(
                            description: "libseccomp does not know \(call.name), and syscalls.json gives no number"
                        )
                    }
                    found.append((number, group, call))
                } else if known >= 0 {
                    found.append((UInt32(known), group, call))
                }
                // A lower number stands for a call of other architectures only.
            }
        }
        return found.sorted { $0.number < $1.number }
    }

    private enum Block: Equatable {
        case answer(UInt32)
        case decide([Instruction])

        var instructions: [Instruction] {
            switch self {
            case .answer(let action): [.answer(action)]
            case .decide(let instructions): instructions
            }
        }
    }

    private struct Span {
        var first: UInt32
        var block: Block
    }

    /// The whole range of numbers, each span up to the next one's first.
    private static func ranges(_ policy: SystemCallPolicy) throws(SystemCallPolicyError) -> [Span] {
        let unnamed = Block.answer(action(policy.unnamed.answer))
        var spans = [Span(first: 0, block: unnamed)]
        func append(_ first: UInt32, _ block: Block) {
            if spans[spans.count - 1].first == first { spans.removeLast() }
            if spans.last?.block != block { spans.append(Span(first: first, block: block)) }
        }
        for (number, group, call) in try numbered(policy) {
            append(number, try block(group, call))
            append(number + 1, unnamed)
        }
        if let foreign = foreignNumbers {
            append(foreign.lowerBound, .answer(kill))
            // -1 is no call of anybody: a tracer writes it over one that is to be left out.
            append(foreign.upperBound, unnamed)
        }
        return spans
    }

    // MARK: - Instructions

    private static func search(_ spans: ArraySlice<Span>) throws(SystemCallPolicyError) -> [Instruction] {
        guard spans.count > 1 else { return spans[spans.startIndex].block.instructions }
        let middle = spans.startIndex + spans.count / 2
        let lower = try search(spans[..<middle])
        let upper = try search(spans[middle...])
        let first = spans[middle].first
        // A conditional jump reaches 255 instructions, an unconditional one any.
        let branch: [Instruction] =
            if let near = UInt8(exactly: lower.count) {
                [.atLeast(first, near, 0)]
            } else {
                [.atLeast(first, 0, 1), .skip(UInt32(lower.count))]
            }
        return branch + lower + upper
    }

    private static func block(
        _ group: SystemCallPolicy.Group,
        _ call: SystemCallPolicy.Call
    ) throws(SystemCallPolicyError) -> Block {
        guard let otherwise = call.otherwise else { return .answer(action(group.answer)) }
        var instructions: [Instruction] = []
        for alternative in call.alternatives {
            // Built from its end: each comparison jumps over what follows it when it fails.
            var rest: [Instruction] = [.answer(action(alternative.answer ?? group.answer))]
            for condition in alternative.all.reversed() {
                rest = try comparison(condition, call: call.name, rest: rest.count) + rest
            }
            instructions += rest
        }
        return .decide(instructions + [.answer(action(otherwise))])
    }

    /// Falls through to the next `rest` instructions when it holds, and jumps over them when not.
    private static func comparison(
        _ condition: SystemCallPolicy.Condition,
        call: String,
        rest: Int
    ) throws(SystemCallPolicyError) -> [Instruction] {
        // `struct seccomp_data` has six arguments of 64 bits from offset 16 on; both architectures are little-endian.
        let offset = 16 + 8 * UInt32(condition.argument)
        var instructions: [Instruction] = [.load(offset)]
        if condition.mask != .max { instructions.append(.and(condition.mask)) }
        let count = condition.values.count
        for (index, value) in condition.values.enumerated() {
            let left = count - index - 1
            guard let holds = UInt8(exactly: left), let fails = UInt8(exactly: left + rest) else {
                throw SystemCallPolicyError(description: "\(call): too many values for one comparison")
            }
            switch condition.operation {
            // The last value that does not match is the failure.
            case .oneOf: instructions.append(.equal(value.value, holds, left == 0 ? fails : 0))
            case .noneOf: instructions.append(.equal(value.value, fails, 0))
            }
        }
        guard condition.isWhole else { return instructions }
        // No value has anything in the upper half: what has is none of them.
        let skipped = condition.operation == .oneOf ? instructions.count + rest : instructions.count
        guard let fails = UInt8(exactly: skipped) else {
            throw SystemCallPolicyError(description: "\(call): too many values for one comparison")
        }
        return [.load(offset + 4), .equal(0, 0, fails)] + instructions
    }

    private static func action(_ answer: SystemCallPolicy.Answer) -> UInt32 {
        switch answer {
        // SECCOMP_RET_ALLOW
        case .allow: 0x7FFF_0000
        // SECCOMP_RET_ERRNO
        case .errno(let number): 0x0005_0000 | UInt32(number)
        }
    }
}
