// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxSandbox

/// The root directory of every sandbox: made once in the store, with made-up files where the host's would tell of the host.
struct RootSkeleton {
    /// Mounts that every sandbox has, in order.
    private(set) var mounts: [SandboxPlan.Mount] = []

    private static let directories = [
        "usr", "etc/ssl/certs", "etc/alternatives", "var/runtime", "var/lang", "var/rapid", "var/tmp",
        // The dynamic linker remembers of the directories in LD_LIBRARY_PATH which are not there, once it has looked: a
        // runtime that starts before its function's code is mounted over these must find them.
        "var/task/lib", "opt/lib",
        "tmp", "dev/shm", "proc", "empty", "root", "run", "home",
    ]
    private static let devices = ["null", "zero", "full", "random", "urandom"]
    /// Copied as they are where the host has them: they describe the runtime's libraries, not the machine.
    private static let copied = ["ld.so.cache", "mime.types", "protocols", "services", "ssl/openssl.cnf"]

    init(in store: SandboxStore, bootstraps: [(path: String, bytes: [UInt8])]) throws(SyscallError) {
        let root = SandboxStore.root
        for directory in Self.directories { try store.makeDirectory("\(root)/\(directory)") }
        for (name, text) in Self.files { try store.write(Array(text.utf8), to: "\(root)/etc/\(name)") }
        for name in Self.copied {
            guard let content = FileManager.default.contents(atPath: "/etc/\(name)"), content.count < 4 << 20 else {
                continue
            }
            try store.write(Array(content), to: "\(root)/etc/\(name)")
        }
        for (path, bytes) in bootstraps { try store.write(bytes, to: "\(root)/var/rapid/\(path)") }
        try mountSystem(store)
        for (link, target) in [("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")] {
            try store.link("\(root)/dev/\(link)", to: target)
        }
        for device in Self.devices {
            try store.write([], to: "\(root)/dev/\(device)")
            mounts.append(.init(source: "/dev/\(device)", target: "dev/\(device)", kind: .device))
        }
        for directory in ["ssl/certs", "alternatives"] where FileText.exists("/etc/\(directory)") {
            mounts.append(.init(source: "/etc/\(directory)", target: "etc/\(directory)", kind: .readOnly))
        }
    }

    /// /usr, and /bin, /lib and the others as the host has them: links into /usr, or directories of their own.
    private mutating func mountSystem(_ store: SandboxStore) throws(SyscallError) {
        mounts.append(.init(source: "/usr", target: "usr", kind: .readOnly))
        // What the operator installed by hand is not the runtime's; a runtime from there brings its prefix as /var/lang.
        mounts.append(.init(source: "\(store.path)/\(SandboxStore.root)/empty", target: "usr/local", kind: .readOnly))
        for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
            if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/\(name)") {
                try store.link("\(SandboxStore.root)/\(name)", to: target)
            } else if FileText.exists("/\(name)") {
                try store.makeDirectory("\(SandboxStore.root)/\(name)")
                mounts.append(.init(source: "/\(name)", target: name, kind: .readOnly))
            }
        }
    }

    private static let files: [(String, String)] = [
        (
            "passwd",
            """
            root:x:0:0:root:/root:/sbin/nologin
            sbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin
            nobody:x:65534:65534:nobody:/:/sbin/nologin

            """
        ),
        ("group", "root:x:0:\nsbx_user1051:x:990:\nnogroup:x:65534:\n"),
        (
            "hosts",
            """
            127.0.0.1 localhost
            ::1 localhost
            127.0.0.1 sandbox.localdomain sandbox
            \(SandboxNetwork.hostAddress) host.martlet.internal

            """
        ),
        ("hostname", "localhost\n"),
        ("resolv.conf", "nameserver \(SandboxNetwork.resolverAddress)\n"),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n"),
        ("host.conf", "multi on\n"),
    ]
}
