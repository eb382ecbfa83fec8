// SPDX-License-Identifier: Apache-2.0
import CNftnl
import Glibc

/// One nftables transaction as netlink bytes, through libnftnl.
///
/// Family `inet`, one table, hooks on output.
struct NftablesBatch {
    enum Verdict: Int32 {
        case accept = 1
        case `return` = -5
    }

    enum Expression {
        case destinationIPv4([UInt8], prefix: Int)
        case destinationIPv6([UInt8])
        case tcpDestinationPort(UInt16)
        case layer4TCP
        case established
        case redirect(port: UInt16)
        case rejectWithReset
        case verdict(Verdict)
    }

    let table: String
    private(set) var bytes: [UInt8] = []
    private(set) var acknowledgements = 0
    private var sequence: UInt32 = 1

    init(table: String) { self.table = table }

    mutating func begin() throws(SandboxPolicyError) {
        let next = sequence
        try append { nftnl_batch_begin($0, next) }
    }

    mutating func end() throws(SandboxPolicyError) {
        let next = sequence
        try append { nftnl_batch_end($0, next) }
    }

    mutating func addTable() throws(SandboxPolicyError) {
        guard let object = nftnl_table_alloc() else {
            throw SandboxPolicyError(step: "nftnl_table_alloc", errno: ENOMEM)
        }
        defer { nftnl_table_free(object) }
        nftnl_table_set_str(object, UInt16(NFTNL_TABLE_NAME.rawValue), table)
        try appendMessage(type: UInt16(NFT_MSG_NEWTABLE.rawValue), flags: UInt16(NLM_F_CREATE)) {
            nftnl_table_nlmsg_build_payload($0, object)
        }
    }

    mutating func addChain(
        _ name: String,
        type: String,
        priority: Int32,
        dropByDefault: Bool
    ) throws(SandboxPolicyError) {
        guard let object = nftnl_chain_alloc() else {
            throw SandboxPolicyError(step: "nftnl_chain_alloc", errno: ENOMEM)
        }
        defer { nftnl_chain_free(object) }
        nftnl_chain_set_str(object, UInt16(NFTNL_CHAIN_TABLE.rawValue), table)
        nftnl_chain_set_str(object, UInt16(NFTNL_CHAIN_NAME.rawValue), name)
        nftnl_chain_set_str(object, UInt16(NFTNL_CHAIN_TYPE.rawValue), type)
        nftnl_chain_set_u32(object, UInt16(NFTNL_CHAIN_HOOKNUM.rawValue), UInt32(NF_INET_LOCAL_OUT.rawValue))
        nftnl_chain_set_s32(object, UInt16(NFTNL_CHAIN_PRIO.rawValue), priority)
        nftnl_chain_set_u32(
            object,
            UInt16(NFTNL_CHAIN_POLICY.rawValue),
            UInt32(dropByDefault ? NF_DROP : NF_ACCEPT)
        )
        try appendMessage(type: UInt16(NFT_MSG_NEWCHAIN.rawValue), flags: UInt16(NLM_F_CREATE)) {
            nftnl_chain_nlmsg_build_payload($0, object)
        }
    }

    mutating func addRule(_ chain: String, _ expressions: [Expression]) throws(SandboxPolicyError) {
        guard let object = nftnl_rule_alloc() else { throw SandboxPolicyError(step: "nftnl_rule_alloc", errno: ENOMEM) }
        defer { nftnl_rule_free(object) }
        nftnl_rule_set_str(object, UInt16(NFTNL_RULE_TABLE.rawValue), table)
        nftnl_rule_set_str(object, UInt16(NFTNL_RULE_CHAIN.rawValue), chain)
        nftnl_rule_set_u32(object, UInt16(NFTNL_RULE_FAMILY.rawValue), UInt32(NFPROTO_INET))
        for expression in expressions { try Self.add(expression, to: object) }
        try appendMessage(
            type: UInt16(NFT_MSG_NEWRULE.rawValue),
            flags: UInt16(NLM_F_CREATE | NLM_F_APPEND)
        ) { nftnl_rule_nlmsg_build_payload($0, object) }
    }

    // MARK: - Messages

    private mutating func appendMessage(
        type: UInt16,
        flags: UInt16,
        _ build: (UnsafeMutablePointer<nlmsghdr>) -> Void
    ) throws(SandboxPolicyError) {
        let next = sequence
        try append { (buffer: UnsafeMutablePointer<CChar>) -> UnsafeMutablePointer<nlmsghdr>? in
            let header = nftnl_nlmsg_build_hdr(
                buffer,
                type,
                UInt16(NFPROTO_INET),
                flags | UInt16(NLM_F_ACK),
                next
            )
            if let header { build(header) }
            return header
        }
        acknowledgements += 1
    }

    private mutating func append(
        _ build: (UnsafeMutablePointer<CChar>) -> UnsafeMutablePointer<nlmsghdr>?
    ) throws(SandboxPolicyError) {
        sequence += 1
        var buffer = [CChar](repeating: 0, count: 4_096)
        let length = buffer.withUnsafeMutableBufferPointer { raw -> Int? in
            raw.baseAddress.flatMap(build).map { Int($0.pointee.nlmsg_len) }
        }
        guard let length else { throw SandboxPolicyError(step: "nftables message", errno: ENOMEM) }
        bytes += buffer.prefix(length).map { UInt8(bitPattern: $0) }
        // Each message starts at a multiple of four (netlink(7), NLMSG_ALIGN).
        while bytes.count % 4 != 0 { bytes.append(0) }
    }

    // MARK: - Expressions

    private static let register = UInt32(NFT_REG_1.rawValue)

    private static func make(
        _ kind: String,
        in rule: OpaquePointer,
        _ numbers: [(Int, UInt32)],
        data: [(Int, [UInt8])] = []
    ) throws(SandboxPolicyError) {
        guard let expression = nftnl_expr_alloc(kind) else {
            throw SandboxPolicyError(step: "nftnl_expr_alloc(\(kind))", errno: ENOMEM)
        }
        for (attribute, value) in numbers { nftnl_expr_set_u32(expression, UInt16(attribute), value) }
        for (attribute, value) in data { nftnl_expr_set(expression, UInt16(attribute), value, UInt32(value.count)) }
        nftnl_rule_add_expr(rule, expression)
    }

    private static func compare(_ value: [UInt8], in rule: OpaquePointer, equal: Bool = true) throws(SandboxPolicyError)
    {
        try make(
            "cmp",
            in: rule,
            [
                (Int(NFTNL_EXPR_CMP_SREG), register),
                (Int(NFTNL_EXPR_CMP_OP), UInt32(equal ? NFT_CMP_EQ.rawValue : NFT_CMP_NEQ.rawValue)),
            ],
            data: [(Int(NFTNL_EXPR_CMP_DATA), value)]
        )
    }

    private static func meta(_ key: UInt32, in rule: OpaquePointer) throws(SandboxPolicyError) {
        try make("meta", in: rule, [(Int(NFTNL_EXPR_META_KEY), key), (Int(NFTNL_EXPR_META_DREG), register)])
    }

    private static func payload(
        _ base: UInt32,
        offset: UInt32,
        length: UInt32,
        in rule: OpaquePointer
    ) throws(SandboxPolicyError) {
        try make(
            "payload",
            in: rule,
            [
                (Int(NFTNL_EXPR_PAYLOAD_DREG), register), (Int(NFTNL_EXPR_PAYLOAD_BASE), base),
                (Int(NFTNL_EXPR_PAYLOAD_OFFSET), offset), (Int(NFTNL_EXPR_PAYLOAD_LEN), length),
            ]
        )
    }

    private static func mask(_ mask: [UInt8], in rule: OpaquePointer) throws(SandboxPolicyError) {
        try make(
            "bitwise",
            in: rule,
            [
                (Int(NFTNL_EXPR_BITWISE_SREG), register), (Int(NFTNL_EXPR_BITWISE_DREG), register),
                (Int(NFTNL_EXPR_BITWISE_LEN), UInt32(mask.count)),
            ],
            data: [
                (Int(NFTNL_EXPR_BITWISE_MASK), mask),
                (Int(NFTNL_EXPR_BITWISE_XOR), [UInt8](repeating: 0, count: mask.count)),
            ]
        )
    }

    private static func add(_ expression: Expression, to rule: OpaquePointer) throws(SandboxPolicyError) {
        switch expression {
        case .destinationIPv4(let address, let prefix):
            try meta(UInt32(NFT_META_NFPROTO.rawValue), in: rule)
            try compare([UInt8(NFPROTO_IPV4)], in: rule)
            // Destination address: bytes 16 to 19 of the IPv4 header.
            try payload(UInt32(NFT_PAYLOAD_NETWORK_HEADER.rawValue), offset: 16, length: 4, in: rule)
            if prefix < 32 {
                let bits = UInt32.max << UInt32(32 - prefix)
                try mask(withUnsafeBytes(of: bits.bigEndian) { Array($0) }, in: rule)
            }
            try compare(address, in: rule)
        case .destinationIPv6(let address):
            try meta(UInt32(NFT_META_NFPROTO.rawValue), in: rule)
            try compare([UInt8(NFPROTO_IPV6)], in: rule)
            // Destination address: bytes 24 to 39 of the IPv6 header.
            try payload(UInt32(NFT_PAYLOAD_NETWORK_HEADER.rawValue), offset: 24, length: 16, in: rule)
            try compare(address, in: rule)
        case .tcpDestinationPort(let port):
            try add(.layer4TCP, to: rule)
            try payload(UInt32(NFT_PAYLOAD_TRANSPORT_HEADER.rawValue), offset: 2, length: 2, in: rule)
            try compare(withUnsafeBytes(of: port.bigEndian) { Array($0) }, in: rule)
        case .layer4TCP:
            try meta(UInt32(NFT_META_L4PROTO.rawValue), in: rule)
            try compare([UInt8(IPPROTO_TCP)], in: rule)
        case .established:
            try make(
                "ct",
                in: rule,
                [(Int(NFTNL_EXPR_CT_KEY), UInt32(NFT_CT_STATE.rawValue)), (Int(NFTNL_EXPR_CT_DREG), register)]
            )
            // NF_CT_STATE_BIT of ESTABLISHED (1 << 1) and RELATED (1 << 2), in the host's byte order.
            try mask(withUnsafeBytes(of: UInt32(0b110)) { Array($0) }, in: rule)
            try compare([0, 0, 0, 0], in: rule, equal: false)
        case .redirect(let port):
            try make(
                "immediate",
                in: rule,
                [(Int(NFTNL_EXPR_IMM_DREG), register)],
                data: [(Int(NFTNL_EXPR_IMM_DATA), withUnsafeBytes(of: port.bigEndian) { Array($0) })]
            )
            try make(
                "redir",
                in: rule,
                [
                    (Int(NFTNL_EXPR_REDIR_REG_PROTO_MIN), register),
                    (Int(NFTNL_EXPR_REDIR_FLAGS), UInt32(NF_NAT_RANGE_PROTO_SPECIFIED)),
                ]
            )
        case .rejectWithReset:
            guard let reject = nftnl_expr_alloc("reject") else {
                throw SandboxPolicyError(step: "nftnl_expr_alloc(reject)", errno: ENOMEM)
            }
            nftnl_expr_set_u32(reject, UInt16(NFTNL_EXPR_REJECT_TYPE), UInt32(NFT_REJECT_TCP_RST.rawValue))
            nftnl_expr_set_u8(reject, UInt16(NFTNL_EXPR_REJECT_CODE), 0)
            nftnl_rule_add_expr(rule, reject)
        case .verdict(let verdict):
            try make(
                "immediate",
                in: rule,
                [
                    (Int(NFTNL_EXPR_IMM_DREG), UInt32(NFT_REG_VERDICT.rawValue)),
                    (Int(NFTNL_EXPR_IMM_VERDICT), UInt32(bitPattern: verdict.rawValue)),
                ]
            )
        }
    }
}
