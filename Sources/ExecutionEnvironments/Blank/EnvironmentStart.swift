// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import Runtimes

/// How an execution environment of a function begins: in a blank one, or with a sandbox and a process of its own.
///
/// A blank environment's interpreter runs already, so a function that decides over what is read when an interpreter starts, or
/// over what is built into the sandbox, does not get one. That of a runtime which is the function's own program has no process yet.
enum EnvironmentStart: Equatable {
    enum Reason: Equatable {
        /// The runtime is started through a program of the function's.
        case wrapper
        /// They are started before the runtime.
        case externalExtensions
        /// /tmp of another size than blank environments have.
        case temporarySize
        /// Variables that an interpreter reads when it starts are others than those of a blank one.
        case variables
        /// The variables are none, or take more room than a blank process has for them.
        case variablesSize
    }

    case blank(BlankKind)
    case exec(Reason)

    /// What a blank process has room for, with the NUL that ends each variable.
    static let variablesBytesMax = 8 * 1_024

    /// `needsMemoryAtStart`: there is no control group that could be given the function's memory later.
    static func decide(
        _ configuration: FunctionConfiguration,
        runtime: RuntimeDefinition,
        environment: ProcessEnvironment,
        operatorVariables: [String: String],
        hasExternalExtensions: Bool,
        needsMemoryAtStart: Bool
    ) -> EnvironmentStart {
        guard configuration.ephemeralStorageMiB == SandboxFoundation.blankTemporaryMiB else {
            return .exec(.temporarySize)
        }
        let kind = kind(runtime, memoryMiB: configuration.memoryMiB, needsMemoryAtStart: needsMemoryAtStart)
        // A NUL can't be in a variable: as with any other start the function fails for it, and not what it would share.
        let list = environment.list
        guard !list.contains(where: { $0.utf8.contains(0) }) else { return .exec(.variablesSize) }
        guard runtime.managed else { return .blank(kind) }
        guard runtime.wrapper(configuration.environment ?? [:]) == nil else { return .exec(.wrapper) }
        guard !hasExternalExtensions else { return .exec(.externalExtensions) }
        let blank = ProcessEnvironment(blankOf: runtime, operatorVariables: operatorVariables)
        guard readAtStart(environment) == readAtStart(blank) else { return .exec(.variables) }
        let size = list.reduce(0) { $0 + $1.utf8.count + 1 }
        return size <= variablesBytesMax ? .blank(kind) : .exec(.variablesSize)
    }

    static func kind(_ runtime: RuntimeDefinition, memoryMiB: Int, needsMemoryAtStart: Bool) -> BlankKind {
        BlankKind(
            runtime: runtime.runtime,
            memoryMiB: needsMemoryAtStart || runtime.takesMemoryAtStart ? memoryMiB : nil
        )
    }

    private static func readAtStart(_ environment: ProcessEnvironment) -> [String: String] {
        environment.variables.filter { isReadAtStart($0.key) }
    }

    /// Variables of the dynamic linker, the C library, OpenSSL, ICU, CPython (which looks for modules below HOME too) and Node.js.
    ///
    /// A name too many only costs time.
    static func isReadAtStart(_ name: String) -> Bool {
        if name == "NODE_ENV" { return false }
        return names.contains(name) || prefixes.contains { name.hasPrefix($0) }
    }

    private static let names: Set<String> = [
        "TZ", "TZDIR", "LANG", "LANGUAGE", "HOME", "GLIBC_TUNABLES", "GCONV_PATH", "GETCONF_DIR", "LOCPATH", "NLSPATH",
        "RES_OPTIONS", "LOCALDOMAIN", "HOSTALIASES", "NO_COLOR", "FORCE_COLOR",
    ]
    private static let prefixes = ["LD_", "LC_", "MALLOC_", "OPENSSL_", "SSL_", "ICU_", "PYTHON", "NODE_", "UV_"]
}
