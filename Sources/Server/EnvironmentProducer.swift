// SPDX-License-Identifier: Apache-2.0
import LinuxSandbox
import ServerConfiguration

/// How environments begin on this host, of what `--pool` allows.
enum EnvironmentProducer {
    /// Forked from a process that has loaded the interpreter where that is Python; executed ahead of need otherwise.
    case fork
    /// Executed ahead of need.
    case blank
    /// Executed when each is needed.
    case exec

    /// `sumsLimits`: what the kernel counts for a user counts for a zygote and all its children together.
    init(_ pool: ServeConfiguration.Pool, sumsLimits: Bool) {
        self =
            switch pool {
            case .exec: .exec
            case .blank: .blank
            case .fork: .fork
            case .auto: sumsLimits ? .blank : .fork
            }
    }

    /// For whoever asks what this host offers.
    var text: String {
        switch self {
        case .fork: "Python's are forked from a process that has loaded it, Node.js's are started ahead of need"
        case .blank: "Python's and Node.js's are started ahead of need"
        case .exec: "each is started when it is needed (--pool exec), and SnapStart is not available"
        }
    }

    /// What keeps `--pool auto` from forking; nil where it forks, or was not asked to decide.
    func hindrance(_ pool: ServeConfiguration.Pool) -> String? {
        guard pool == .auto, case .blank = self else { return nil }
        return "they are not forked, as root here has no CAP_SYS_RESOURCE: forked ones would share limits "
            + "of the kernel (docs/sandbox.md; --pool fork does it all the same)"
    }
}
