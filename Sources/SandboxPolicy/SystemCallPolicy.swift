// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc

/// Which system calls a function's processes may make, and what the others answer: `Resources/syscalls.json` as values.
///
/// The data is read strictly: an unknown key, a call named twice, a comparison that can't be true is an error, and the server does
/// not start. What the data means is in its own comments; `FilterProgram` makes the kernel's form of it.
package struct SystemCallPolicy: Sendable {
    package var unnamed: Unnamed
    package var groups: [Group]

    /// The policy that was built into the program.
    package static func builtIn() throws -> SystemCallPolicy {
        try SystemCallPolicy(decoding: Data(PackageResources.syscalls_json))
    }

    init(decoding data: Data) throws {
        self = try JSONDecoder().decode(SystemCallPolicy.self, from: data)
        try validate()
    }

    /// What happens at a call.
    package enum Answer: Hashable, Sendable {
        case allow
        /// Not done. The caller sees this errno; 0 is success.
        case errno(UInt16)
    }

    /// What a call answers that no group names.
    package struct Unnamed: Sendable {
        package var answer: Answer
        package var comment: String
    }

    package struct Group: Sendable {
        package var group: String
        package var answer: Answer
        package var comment: String
        package var calls: [Call]
    }

    package struct Call: Sendable {
        package var name: String
        /// Who needs it; nil where the group's comment says it.
        package var comment: String?
        /// Used when libseccomp does not know the name.
        package var number: UInt32?
        /// The first that holds decides; `otherwise` when none does, and the group's answer when there is none.
        package var alternatives: [Alternative] = []
        package var otherwise: Answer?
        package var unexercised: String?
        package var attemptedBy: String?
    }

    /// Comparisons that must all hold.
    package struct Alternative: Sendable {
        /// Nil for the group's.
        package var answer: Answer?
        package var comment: String
        package var all: [Condition]
    }

    /// `argument & mask` is one of the values, or none of them.
    ///
    /// The low 32 bits are compared, which is all that the kernel reads of an `int`: a bit above them must not make a value another one.
    /// A pointer is compared `whole`.
    package struct Condition: Sendable {
        package enum Operation: String, Decodable, Sendable {
            case oneOf = "one of"
            case noneOf = "none of"
        }

        package struct Value: Sendable {
            package var value: UInt32
            package var comment: String
        }

        package var argument: Int
        package var mask: UInt32
        package var isWhole = false
        package var operation: Operation
        package var values: [Value]
    }
}

/// The data contradicts itself or says what can't be.
package struct SystemCallPolicyError: Error, CustomStringConvertible, Equatable {
    package var description: String
}

// MARK: - Rules of the data

extension SystemCallPolicy {
    private func validate() throws(SystemCallPolicyError) {
        func require(_ condition: Bool, _ text: @autoclosure () -> String) throws(SystemCallPolicyError) {
            guard condition else { throw SystemCallPolicyError(description: "syscalls.json: \(text())") }
        }
        try require(unnamed.answer != .allow, "what is not named must not be allowed")
        var names: Set<String> = []
        var groupNames: Set<String> = []
        for group in groups {
            try require(groupNames.insert(group.group).inserted, "group \(group.group) is there twice")
            try require(!group.comment.isEmpty && !group.calls.isEmpty, "group \(group.group) says or holds nothing")
            for call in group.calls {
                try require(names.insert(call.name).inserted, "\(call.name) is named twice")
                try require(call.comment != "", "\(call.name) has an empty comment")
                try require(
                    call.alternatives.isEmpty == (call.otherwise == nil),
                    "\(call.name): rules need an otherwise"
                )
                try require(
                    call.alternatives.isEmpty || group.answer == .allow,
                    "\(call.name): rules where nothing is allowed"
                )
                try require(call.otherwise != .allow, "\(call.name): otherwise must not allow")
                try require(
                    call.unexercised == nil || group.answer == .allow,
                    "\(call.name) is not allowed, so never made"
                )
                try require(
                    call.attemptedBy == nil || group.answer != .allow,
                    "\(call.name) is allowed, so not attempted"
                )
                for condition in call.alternatives.flatMap(\.all) {
                    try require((0..<6).contains(condition.argument), "\(call.name): there is no such argument")
                    try require(
                        !condition.isWhole || condition.mask == .max,
                        "\(call.name): a mask is for the low half only"
                    )
                    try require(!condition.values.isEmpty, "\(call.name): a comparison with nothing")
                    let values = condition.values.map(\.value)
                    try require(Set(values).count == values.count, "\(call.name): a value is there twice")
                    try require(
                        values.allSatisfy { $0 & ~condition.mask == 0 },
                        "\(call.name): a value outside its mask is never met"
                    )
                }
                try require(call.alternatives.allSatisfy { !$0.all.isEmpty }, "\(call.name): an empty alternative")
            }
        }
    }
}

// MARK: - Reading

/// Any key of an object.
private struct AnyKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension Decoder {
    /// The object with exactly these keys allowed.
    fileprivate func strict<Key: CodingKey & CaseIterable>(_: Key.Type) throws -> KeyedDecodingContainer<Key> {
        let known = Set(Key.allCases.map(\.stringValue))
        for key in try container(keyedBy: AnyKey.self).allKeys where !known.contains(key.stringValue) {
            throw DecodingError.dataCorrupted(
                .init(codingPath: codingPath + [key], debugDescription: "unknown key '\(key.stringValue)'")
            )
        }
        return try container(keyedBy: Key.self)
    }
}

extension KeyedDecodingContainer {
    /// "0x…" or decimal digits.
    fileprivate func number(_ key: Key) throws -> UInt32 {
        let text = try decode(String.self, forKey: key)
        let number = text.hasPrefix("0x") ? UInt32(text.dropFirst(2), radix: 16) : UInt32(text)
        guard let number else {
            throw DecodingError.dataCorruptedError(forKey: key, in: self, debugDescription: "'\(text)' is no number")
        }
        return number
    }
}

extension SystemCallPolicy: Decodable {
    private enum Key: String, CodingKey, CaseIterable { case comment, unnamed, groups }

    package init(from decoder: any Decoder) throws {
        let object = try decoder.strict(Key.self)
        _ = try object.decode(String.self, forKey: .comment)
        unnamed = try object.decode(Unnamed.self, forKey: .unnamed)
        groups = try object.decode([Group].self, forKey: .groups)
    }
}

extension SystemCallPolicy.Answer: Decodable {
    private static let names: [String: Self] = [
        "allow": .allow, "0": .errno(0), "EPERM": .errno(UInt16(EPERM)), "EINVAL": .errno(UInt16(EINVAL)),
        "ENOTTY": .errno(UInt16(ENOTTY)), "ENOSYS": .errno(UInt16(ENOSYS)),
    ]

    package init(from decoder: any Decoder) throws {
        let name = try decoder.singleValueContainer().decode(String.self)
        guard let answer = Self.names[name] else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "unknown answer '\(name)'")
            )
        }
        self = answer
    }
}

extension SystemCallPolicy.Unnamed: Decodable {
    private enum Key: String, CodingKey, CaseIterable { case answer, comment }

    package init(from decoder: any Decoder) throws {
        let object = try decoder.strict(Key.self)
        answer = try object.decode(SystemCallPolicy.Answer.self, forKey: .answer)
        comment = try object.decode(String.self, forKey: .comment)
    }
}

extension SystemCallPolicy.Group: Decodable {
    private enum Key: String, CodingKey, CaseIterable { case group, answer, comment, calls }

    package init(from decoder: any Decoder) throws {
        let object = try decoder.strict(Key.self)
        group = try object.decode(String.self, forKey: .group)
        answer = try object.decode(SystemCallPolicy.Answer.self, forKey: .answer)
        comment = try object.decode(String.self, forKey: .comment)
        calls = try object.decode([SystemCallPolicy.Call].self, forKey: .calls)
    }
}

extension SystemCallPolicy.Call: Decodable {
    private enum Key: String, CodingKey, CaseIterable {
        case call, comment, number, otherwise, unexercised
        case alternatives = "rules"
        case attemptedBy = "attempted_by"
    }

    /// A name alone where there is nothing to say of it, or an object.
    package init(from decoder: any Decoder) throws {
        if let name = try? decoder.singleValueContainer().decode(String.self) {
            self.name = name
            return
        }
        let object = try decoder.strict(Key.self)
        name = try object.decode(String.self, forKey: .call)
        comment = try object.decode(String.self, forKey: .comment)
        number = try object.decodeIfPresent(UInt32.self, forKey: .number)
        alternatives =
            try object.decodeIfPresent([SystemCallPolicy.Alternative].self, forKey: .alternatives) ?? []
        otherwise = try object.decodeIfPresent(SystemCallPolicy.Answer.self, forKey: .otherwise)
        unexercised = try object.decodeIfPresent(String.self, forKey: .unexercised)
        attemptedBy = try object.decodeIfPresent(String.self, forKey: .attemptedBy)
    }
}

extension SystemCallPolicy.Alternative: Decodable {
    private enum Key: String, CodingKey, CaseIterable { case answer, comment, all }

    package init(from decoder: any Decoder) throws {
        let object = try decoder.strict(Key.self)
        answer = try object.decodeIfPresent(SystemCallPolicy.Answer.self, forKey: .answer)
        comment = try object.decode(String.self, forKey: .comment)
        all = try object.decode([SystemCallPolicy.Condition].self, forKey: .all)
    }
}

extension SystemCallPolicy.Condition: Decodable {
    private enum Key: String, CodingKey, CaseIterable {
        case argument, mask, operation, values
        case isWhole = "whole"
    }

    package init(from decoder: any Decoder) throws {
        let object = try decoder.strict(Key.self)
        argument = try object.decode(Int.self, forKey: .argument)
        mask = object.contains(.mask) ? try object.number(.mask) : .max
        isWhole = try object.decodeIfPresent(Bool.self, forKey: .isWhole) ?? false
        operation = try object.decode(Operation.self, forKey: .operation)
        values = try object.decode([Value].self, forKey: .values)
    }
}

extension SystemCallPolicy.Condition.Value: Decodable {
    private enum Key: String, CodingKey, CaseIterable { case value, comment }

    package init(from decoder: any Decoder) throws {
        let object = try decoder.strict(Key.self)
        value = try object.number(.value)
        comment = try object.decode(String.self, forKey: .comment)
    }
}
