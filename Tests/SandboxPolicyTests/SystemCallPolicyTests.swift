// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import SandboxPolicy

/// The data is what it says it is, and anything else is refused.
struct SystemCallPolicyTests {
    private static let whole = """
        {"comment": "c", "unnamed": {"answer": "ENOSYS", "comment": "c"}, "groups": [
          {"group": "g", "answer": "allow", "comment": "c", "calls": ["read", {"call": "socket", "comment": "c", "otherwise": "EPERM",
            "rules": [{"comment": "c", "all": [{"argument": 0, "mask": "0xFF", "operation": "one of", "values": [
              {"value": "0x10", "comment": "c"}, {"value": "2", "comment": "c"}]}]}]}]},
          {"group": "h", "answer": "EPERM", "comment": "c", "calls": [{"call": "bpf", "comment": "c", "number": 321}]}]}
        """

    private func decode(_ text: String) throws -> SystemCallPolicy { try SystemCallPolicy(decoding: Data(text.utf8)) }

    @Test func `what is written is what is read`() throws {
        let policy = try decode(Self.whole)
        #expect(policy.groups.map(\.answer) == [.allow, .errno(1)])
        let condition = try #require(policy.groups[0].calls[1].alternatives.first?.all.first)
        #expect(condition.mask == 0xFF && condition.values.map(\.value) == [16, 2] && condition.operation == .oneOf)
    }

    /// Each replaces one piece of a document that is good.
    static let faults: [(piece: String, by: String)] = [
        // Keys that nobody knows, at each level.
        (#"{"comment": "c", "unnamed""#, #"{"comment": "c", "extra": 1, "unnamed""#),
        (#"{"answer": "ENOSYS""#, #"{"extra": 1, "answer": "ENOSYS""#),
        (#"{"group": "g""#, #"{"why": "c", "group": "g""#),
        (#"{"call": "socket""#, #"{"allow_if": [], "call": "socket""#),
        (#"[{"comment": "c", "all""#, #"[{"any": [], "comment": "c", "all""#),
        (#"{"argument": 0"#, #"{"index": 0, "argument": 0"#),
        (#"{"value": "2""#, #"{"name": "AF_INET", "value": "2""#),
        // What must be there.
        (#""group": "g", "#, ""), (#""answer": "allow", "#, ""), (#""operation": "one of", "#, ""),
        (#"{"value": "2", "comment": "c"}"#, #"{"value": "2"}"#), (#", "otherwise": "EPERM""#, ""),
        (#"{"call": "bpf", "comment": "c", "#, #"{"call": "bpf", "#),
        // What can't be.
        (#""answer": "allow""#, #""answer": "ALLOW""#), (#""one of""#, #""equal""#), (#""0xFF""#, #""0xFG""#),
        (#""argument": 0"#, #""argument": 6"#), (#""value": "2""#, #""value": "0x102""#),
        (#""value": "2""#, #""value": "0x10""#), (#""value": "2""#, #""value": "4294967296""#),
        (#""otherwise": "EPERM""#, #""otherwise": "allow""#), (#""answer": "ENOSYS""#, #""answer": "allow""#),
        (#""read", "#, #""read", "read", "#), (#"{"call": "bpf""#, #"{"call": "read""#),
        (#""group": "h""#, #""group": "g""#), (#"["read", "#, "[1, "),
        (#"{"call": "bpf""#, #"{"unexercised": "c", "call": "bpf""#),
        (#"{"call": "socket""#, #"{"attempted_by": "c", "call": "socket""#),
        (#"{"call": "bpf", "comment": "c""#, #"{"call": "bpf", "comment": "", "number": 1"#),
    ]

    @Test(arguments: faults.indices)
    func `anything else is refused`(index: Int) throws {
        let fault = Self.faults[index]
        try #require(Self.whole.contains(fault.piece))
        let text = Self.whole.replacing(fault.piece, with: fault.by, maxReplacements: 1)
        #expect(throws: (any Error).self, "\(fault)") { try decode(text) }
    }

    @Test func `the policy that is built in holds together`() throws {
        let policy = try SystemCallPolicy.builtIn()
        #expect(policy.unnamed.answer == .errno(38))
        #expect(policy.groups.flatMap(\.calls).count > 320)
        // Where arguments decide, somebody needs the call with them.
        for call in policy.groups.flatMap(\.calls) where !call.alternatives.isEmpty { #expect(call.comment != nil) }
    }

    @Test func `a snapshot has what a zygote has, without what changes a network namespace`() throws {
        let policy = try SystemCallPolicy.builtIn()
        func rules(_ policy: SystemCallPolicy) -> [String: [SystemCallPolicy.Alternative]] {
            Dictionary(policy.groups.flatMap(\.calls).map { ($0.name, $0.alternatives) }) { first, _ in first }
        }
        let (zygote, snapshot) = (rules(policy.forZygotes()), rules(policy.forSnapshots()))
        #expect(zygote.keys == snapshot.keys)
        for (name, alternatives) in zygote where name != "socket" {
            #expect(snapshot[name]?.count == alternatives.count, "\(name)")
        }
        let families = try #require(snapshot["socket"]).flatMap(\.all).filter { $0.argument == 0 }
        #expect(!families.flatMap { $0.values.map(\.value) }.contains(16))
        #expect(try #require(zygote["socket"]).count == snapshot["socket"].map { $0.count + 1 })
    }
}
