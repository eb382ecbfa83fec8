// SPDX-License-Identifier: Apache-2.0
import CNftnl
import Glibc
package import LinuxSandbox

extension NetworkProgram {
    /// Everything a sandbox's network namespace is told, made once: addresses and routes on loopback, and the rules that send
    /// every outbound TCP connection to the server's listener and let nothing else out.
    ///
    /// `ipv6` is false where the host's kernel has none.
    package static func sandbox(ipv6: Bool) throws(SandboxPolicyError) -> NetworkProgram {
        var messages: [Message] = []
        for address in [SandboxNetwork.runtimeAddress, SandboxNetwork.resolverAddress] {
            messages.append(try addressMessage(address))
        }
        messages.append(try routeMessage(ipv6: false))
        if ipv6 {
            messages.append(try addressMessage(SandboxNetwork.ipv6Address))
            messages.append(try routeMessage(ipv6: true))
        }
        messages.append(try ruleBatch(ipv6: ipv6))
        return NetworkProgram(messages: messages)
    }

    private static func numeric(_ address: String) throws(SandboxPolicyError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 16)
        let isIPv6 = address.contains(":")
        guard inet_pton(isIPv6 ? AF_INET6 : AF_INET, address, &bytes) == 1 else {
            throw SandboxPolicyError(step: "address \(address)", errno: EINVAL)
        }
        return Array(bytes.prefix(isIPv6 ? 16 : 4))
    }

    /// Index of `lo`: the first interface of every network namespace.
    private static let loopbackIndex: UInt32 = 1

    private static func withMessage(
        type: Int32,
        flags: Int32,
        _ fill: (UnsafeMutablePointer<nlmsghdr>) throws(SandboxPolicyError) -> Void
    ) throws(SandboxPolicyError) -> Message {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let result: Result<Int, SandboxPolicyError> = buffer.withUnsafeMutableBytes { raw in
            guard let header = mnl_nlmsg_put_header(raw.baseAddress) else {
                return .failure(SandboxPolicyError(step: "mnl_nlmsg_put_header", errno: ENOMEM))
            }
            header.pointee.nlmsg_type = UInt16(type)
            header.pointee.nlmsg_flags = UInt16(NLM_F_REQUEST | NLM_F_ACK | flags)
            do throws(SandboxPolicyError) { try fill(header) } catch { return .failure(error) }
            return .success(Int(header.pointee.nlmsg_len))
        }
        return Message(
            netlinkProtocol: NETLINK_ROUTE,
            acknowledgements: 1,
            bytes: Array(buffer.prefix(try result.get()))
        )
    }

    private static func addressMessage(_ address: String) throws(SandboxPolicyError) -> Message {
        let bytes = try numeric(address)
        return try withMessage(type: Int32(RTM_NEWADDR), flags: NLM_F_CREATE | NLM_F_EXCL) { header in
            let body = mnl_nlmsg_put_extra_header(header, MemoryLayout<ifaddrmsg>.size)
                .bindMemory(to: ifaddrmsg.self, capacity: 1)
            body.pointee.ifa_family = UInt8(bytes.count == 16 ? AF_INET6 : AF_INET)
            body.pointee.ifa_prefixlen = UInt8(bytes.count * 8)
            // No duplicate detection: there is nobody to answer, and it would delay the address by a second.
            body.pointee.ifa_flags = UInt8(IFA_F_PERMANENT | IFA_F_NODAD)
            body.pointee.ifa_index = loopbackIndex
            mnl_attr_put(header, UInt16(IFA_LOCAL), bytes.count, bytes)
            mnl_attr_put(header, UInt16(IFA_ADDRESS), bytes.count, bytes)
        }
    }

    private static func routeMessage(ipv6: Bool) throws(SandboxPolicyError) -> Message {
        try withMessage(type: Int32(RTM_NEWROUTE), flags: NLM_F_CREATE | NLM_F_EXCL) { header in
            let body = mnl_nlmsg_put_extra_header(header, MemoryLayout<rtmsg>.size)
                .bindMemory(to: rtmsg.self, capacity: 1)
            body.pointee.rtm_family = UInt8(ipv6 ? AF_INET6 : AF_INET)
            body.pointee.rtm_table = UInt8(RT_TABLE_MAIN.rawValue)
            body.pointee.rtm_protocol = UInt8(RTPROT_BOOT)
            body.pointee.rtm_scope = UInt8(ipv6 ? RT_SCOPE_UNIVERSE.rawValue : RT_SCOPE_LINK.rawValue)
            body.pointee.rtm_type = UInt8(RTN_UNICAST)
            mnl_attr_put_u32(header, UInt16(RTA_OIF.rawValue), loopbackIndex)
        }
    }

    private static func ruleBatch(ipv6: Bool) throws(SandboxPolicyError) -> Message {
        var batch = NftablesBatch(table: "martlet")
        try batch.begin()
        try batch.addTable()
        try batch.addChain("nat", type: "nat", priority: -100, dropByDefault: false)
        try batch.addChain("out", type: "filter", priority: 0, dropByDefault: true)
        let own = try [SandboxNetwork.runtimeAddress, SandboxNetwork.resolverAddress].map {
            (text) throws(SandboxPolicyError) in
            try numeric(text)
        }
        // Loopback and the sandbox's own addresses stay inside.
        try batch.addRule("nat", [.destinationIPv4([127, 0, 0, 0], prefix: 8), .verdict(.return)])
        for address in own { try batch.addRule("nat", [.destinationIPv4(address, prefix: 32), .verdict(.return)]) }
        if ipv6 {
            try batch.addRule("nat", [.destinationIPv6(try numeric("::1")), .verdict(.return)])
        }
        try batch.addRule("nat", [.tcpDestinationPort(25), .verdict(.return)])
        try batch.addRule("nat", [.layer4TCP, .redirect(port: SandboxNetwork.egressPort)])
        try batch.addRule("out", [.tcpDestinationPort(25), .rejectWithReset])
        try batch.addRule("out", [.established, .verdict(.accept)])
        // A redirected connection has the loopback destination by now (the nat chain ran first): it needs no rule of its own.
        try batch.addRule("out", [.destinationIPv4([127, 0, 0, 0], prefix: 8), .verdict(.accept)])
        for address in own { try batch.addRule("out", [.destinationIPv4(address, prefix: 32), .verdict(.accept)]) }
        if ipv6 {
            try batch.addRule("out", [.destinationIPv6(try numeric("::1")), .verdict(.accept)])
        }
        try batch.end()
        return Message(
            netlinkProtocol: NETLINK_NETFILTER,
            acknowledgements: batch.acknowledgements,
            bytes: batch.bytes
        )
    }
}
