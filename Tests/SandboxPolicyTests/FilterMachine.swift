// SPDX-License-Identifier: Apache-2.0
@testable import SandboxPolicy

/// Classic BPF over `struct seccomp_data`, as far as a filter uses it.
struct FilterMachine {
    struct Run: Equatable {
        var action: UInt32
        /// Whether an argument was looked at: the kernel keeps no bitmap of such calls.
        var readArguments: Bool
        var steps: Int
    }

    var program: FilterProgram

    /// Nil when the program runs off its end or does what no filter does.
    func run(architecture: UInt32, number: UInt32, arguments: [UInt64] = []) -> Run? {
        var data: [UInt32] = [number, architecture, 0, 0]
        for index in 0..<6 {
            let argument = index < arguments.count ? arguments[index] : 0
            data += [UInt32(truncatingIfNeeded: argument), UInt32(truncatingIfNeeded: argument >> 32)]
        }
        var (accumulator, position, steps, readArguments) = (UInt32(0), 0, 0, false)
        while position < program.instructions.count {
            let instruction = program.instructions[position]
            steps += 1
            position += 1
            switch instruction.code {
            case 0x20:
                guard instruction.operand % 4 == 0, instruction.operand / 4 < data.count else { return nil }
                readArguments = readArguments || instruction.operand >= 16
                accumulator = data[Int(instruction.operand / 4)]
            case 0x54: accumulator &= instruction.operand
            case 0x05: position += Int(instruction.operand)
            case 0x15:
                position += Int(accumulator == instruction.operand ? instruction.ifTrue : instruction.ifFalse)
            case 0x35:
                position += Int(accumulator >= instruction.operand ? instruction.ifTrue : instruction.ifFalse)
            case 0x06: return Run(action: instruction.operand, readArguments: readArguments, steps: steps)
            default: return nil
            }
        }
        return nil
    }
}

extension SystemCallPolicy.Answer {
    var action: UInt32 {
        switch self {
        case .allow: 0x7FFF_0000
        case .errno(let number): 0x0005_0000 + UInt32(number)
        }
    }
}

/// What the data says, worked out without a program.
extension SystemCallPolicy.Condition {
    func holds(_ arguments: [UInt64]) -> Bool {
        if isWhole && arguments[argument] > UInt64(UInt32.max) { return operation == .noneOf }
        let value = UInt32(truncatingIfNeeded: arguments[argument]) & mask
        return values.contains { $0.value == value } == (operation == .oneOf)
    }
}

extension SystemCallPolicy.Call {
    func answer(_ group: SystemCallPolicy.Answer, _ arguments: [UInt64]) -> SystemCallPolicy.Answer {
        guard let otherwise else { return group }
        guard let first = alternatives.first(where: { $0.all.allSatisfy { $0.holds(arguments) } }) else {
            return otherwise
        }
        return first.answer ?? group
    }
}
