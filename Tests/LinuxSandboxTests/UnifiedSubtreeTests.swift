// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import LinuxSandbox

/// Where a process's own cgroup v2 group is below the mount point.
struct UnifiedSubtreeTests {
    @Test(arguments: [
        ("0::/\n", "/", ""),
        ("0::/system.slice/martlet.service\n", "/", "/system.slice/martlet.service"),
        // Put into the leaf by an earlier start from the same shell.
        ("0::/user.slice/run-1.scope/martlet-server\n", "/", "/user.slice/run-1.scope"),
        ("0::/martlet-server\n", "/", ""),
        // A hybrid machine lists the v1 groups before it.
        ("12:memory:/a\n1:name=systemd:/b\n0::/c\n", "/", "/c"),
        // A container that sees a part of the host's hierarchy.
        ("0::/docker/1f/init\n", "/docker/1f", "/init"),
    ])
    func `the own group is found`(text: String, mountRoot: String, group: String) {
        #expect(UnifiedSubtree.ownGroup(text, mountRoot: mountRoot) == group)
    }

    @Test(arguments: [
        ("", "/"), ("1:name=systemd:/b\n", "/"), ("0::/../other\n", "/"), ("0::/docker/2\n", "/docker/1"),
    ])
    func `a group outside of what is mounted is none`(text: String, mountRoot: String) {
        #expect(UnifiedSubtree.ownGroup(text, mountRoot: mountRoot) == nil)
    }

    @Test func `mounts are read as the kernel writes them`() throws {
        let line = "25 30 0:23 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"
        let point = try #require(MountPoint(line: Substring(line)))
        #expect(point.root == "/" && point.path == "/sys/fs/cgroup" && point.type == "cgroup2")
        #expect(point.options == ["rw", "nsdelegate"])
        #expect(MountPoint(line: "25 30 0:23 / /sys rw -") == nil)
    }

    @Test func `a kernel that keeps no peak is asked for none`() {
        let old = ControlGroupSummary(version: 2, missing: ["memory.peak"])
        #expect(ControlGroupFile.allCases.filter(old.has) == [.freeze, .processorQuota, .memoryEvents])
        #expect(
            ControlGroupFile.allCases.filter(ControlGroupSummary(version: 2, missing: ["memory"]).has) == [
                .freeze, .processorQuota,
            ]
        )
        #expect(
            ControlGroupFile.allCases.filter(ControlGroupSummary(version: 1, missing: []).has)
                == ControlGroupFile.allCases
        )
    }
}
