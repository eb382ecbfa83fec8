// SPDX-License-Identifier: Apache-2.0

/// What a sandbox needs to run functions of one runtime.
package struct RuntimeDefinition: Equatable, Sendable {
    /// A directory of the host that functions see, read-only.
    package struct Mount: Hashable, Sendable {
        package var host: String
        package var inside: String

        package init(host: String, inside: String) {
            self.host = host
            self.inside = inside
        }
    }

    /// Where a sandbox sees `Bootstraps.files`.
    package static let bootstrapsInside = "/var/rapid"

    /// For example `python3.12`.
    package var runtime: String
    /// Whether the bootstrap is ours; the function's own otherwise (`provided.*`).
    package var managed: Bool
    package var interpreter: Interpreter?
    /// Beyond /usr and /var/rapid.
    package var mounts: [Mount]
    /// Paths inside.
    ///
    /// The first that is an executable file is run; where none is, the function fails with
    /// Runtime.InvalidEntrypoint.
    package var executables: [String]
    /// The runtime's own variables.
    ///
    /// The customer's take precedence over PATH, LD_LIBRARY_PATH, LANG, NODE_PATH and
    /// PYTHONPATH, not over AWS_EXECUTION_ENV.
    package var environment: [String: String]

    /// The command line for `executable`, one of `executables`.
    ///
    /// Managed runtimes are started through the program that `AWS_LAMBDA_EXEC_WRAPPER` names among the customer's
    /// variables; for others that is their bootstrap's affair (AWS Lambda Developer Guide, "Modify the runtime
    /// environment").
    package func arguments(
        executable: String,
        memoryMiB: Int,
        customerEnvironment: [String: String]
    ) -> [String] {
        guard let language = interpreter?.language else { return [executable] }
        var arguments = [executable]
        switch language {
        case .python:
            arguments.append(Self.bootstrapsInside + "/python/bootstrap.py")
        case .nodejs:
            // Without /sys in the sandbox V8 would take the machine's memory for its own.
            let youngMiB = memoryMiB / 10
            arguments += [
                "--max-semi-space-size=\(max(1, youngMiB / 2))",
                "--max-old-space-size=\(memoryMiB - youngMiB)",
                Self.bootstrapsInside + "/nodejs/index.cjs",
            ]
        }
        return wrapper(customerEnvironment).map { [$0] + arguments } ?? arguments
    }

    /// Whether `arguments` depend on the function's memory.
    package var takesMemoryAtStart: Bool { interpreter?.language == .nodejs }

    /// Whether a process of it can be forked after it has started: it has one thread then.
    package var canFork: Bool { interpreter?.language == .python }

    /// The program that this runtime is started through, a path inside; nil for none.
    package func wrapper(_ customerEnvironment: [String: String]) -> String? {
        guard managed, let wrapper = customerEnvironment["AWS_LAMBDA_EXEC_WRAPPER"], !wrapper.isEmpty else {
            return nil
        }
        return wrapper
    }

    /// As INIT_START names it, `python:3.12.v3.12.8`: Lambda counts its own releases after the `v`, here it is the interpreter's
    /// version.
    package var version: String {
        guard let interpreter else { return runtime.replacing("provided.", with: "provided:") + ".v1" }
        let name =
            switch interpreter.language {
            case .python: "python:\(runtime.dropFirst("python".count))"
            case .nodejs: "nodejs:\(interpreter.version.major)"
            }
        return "\(name).v\(interpreter.version)"
    }
}

extension RuntimeDefinition {
    private static let commonEnvironment = [
        "LANG": "en_US.UTF-8",
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "LD_LIBRARY_PATH":
            "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    ]

    static func provided(_ runtime: String) -> RuntimeDefinition {
        RuntimeDefinition(
            runtime: runtime,
            managed: false,
            interpreter: nil,
            mounts: [],
            executables: ["/var/task/bootstrap", "/opt/bootstrap"],
            environment: commonEnvironment
        )
    }

    static func managed(_ runtime: String, interpreter: Interpreter, libraries: String?) -> RuntimeDefinition {
        var environment = commonEnvironment
        environment["AWS_EXECUTION_ENV"] = "AWS_Lambda_\(runtime)"
        switch interpreter.language {
        case .python:
            environment["PYTHONPATH"] = "/var/runtime"
        case .nodejs:
            environment["NODE_PATH"] =
                "/opt/nodejs/node\(interpreter.version.major)/node_modules:/opt/nodejs/node_modules:"
                + "/var/runtime/node_modules:/var/runtime:/var/task"
        }
        let own = libraries.map { [Mount(host: $0, inside: "/var/runtime")] } ?? []
        return RuntimeDefinition(
            runtime: runtime,
            managed: true,
            interpreter: interpreter,
            mounts: interpreter.mounts + own,
            executables: [interpreter.pathInside],
            environment: environment
        )
    }
}
