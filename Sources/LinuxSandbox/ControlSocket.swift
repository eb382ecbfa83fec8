// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// Sending and receiving control messages, one datagram each, with descriptors beside the bytes.
package enum ControlSocket {
    /// A connected pair, close-on-exec.
    package static func pair() throws(SyscallError) -> (CInt, CInt) {
        var (first, second): (CInt, CInt) = (-1, -1)
        // SAFETY: both are written before the call returns.
        try check("socketpair", unsafe clinux_socketpair_seqpacket(&first, &second))
        return (first, second)
    }

    package static func send(
        _ bytes: [UInt8],
        descriptors: [CInt] = [],
        to socket: CInt
    ) throws(SyscallError) {
        // SAFETY: the arrays outlive the call, which copies them into the kernel.
        let sent = unsafe clinux_send(socket, bytes, bytes.count, descriptors, descriptors.count)
        try check("sendmsg", sent)
    }

    /// The next message, or nil when the other end is closed.
    ///
    /// The caller owns the descriptors.
    package static func receive(from socket: CInt) throws(SyscallError) -> (bytes: [UInt8], descriptors: [CInt])? {
        var descriptors = [CInt](repeating: -1, count: 16)
        var count = descriptors.count
        var received = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: controlMessageBytesMax) { buffer, initialized in
            // SAFETY: the buffer has the capacity named; the shim writes at most 16 descriptors.
            received = unsafe clinux_receive(socket, buffer.baseAddress, buffer.count, &descriptors, &count)
            initialized = max(0, received)
        }
        try check("recvmsg", received)
        guard received > 0 else { return nil }
        return (bytes, Array(descriptors.prefix(count)))
    }
}
