// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import LambdaModel

/// A `--runtime` or `--runtime-libs` that can't be used.
package struct RuntimeOptionError: Error, Equatable, CustomStringConvertible {
    /// As the operator gave it, for example `--runtime python3.12=/usr/bin/python3.12`.
    package var option: String
    package var reason: String

    package var description: String { "\(option): \(reason)" }
}

/// Which of AWS's runtimes this machine can run, and how.
package struct RuntimeCatalog: Equatable, Sendable {
    /// One line for `martlet doctor`: a runtime with an interpreter of the host.
    package struct Entry: Equatable, Sendable {
        package var runtime: String
        /// nil when there is none on this machine.
        package var interpreter: Interpreter?
        /// The directory mounted at /var/runtime, if any.
        package var libraries: String?
        /// Whether `import boto3` (`@aws-sdk/client-s3` for Node.js) works, as it does on AWS.
        package var hasSDK: Bool
    }

    private var interpreters: [String: Interpreter]
    private var libraries: [String: String]

    init(interpreters: [String: Interpreter], libraries: [String: String]) {
        self.interpreters = interpreters
        self.libraries = libraries
    }

    /// Looks for interpreters, running each that it finds once, some at a time; takes well under a second.
    ///
    /// `explicit` is runtime to executable (`--runtime`) and wins over what is found; `libraries` is runtime to
    /// directory (`--runtime-libs`). An option that can't be honoured is an error, never left out.
    package static func discover(
        explicit: [String: String],
        libraries: [String: String],
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) async throws(RuntimeOptionError) -> RuntimeCatalog {
        for (runtime, directory) in libraries.sorted(by: { $0.key < $1.key }) {
            try check(libraries: directory, of: runtime)
        }
        var interpreters = await installed(environment: environment)
        for (runtime, path) in explicit.sorted(by: { $0.key < $1.key }) {
            interpreters[runtime] = try await named(path, runtime)
        }
        return RuntimeCatalog(interpreters: interpreters, libraries: libraries)
    }

    /// Names that functions may be created with here.
    package var available: [String] { RuntimeName.accepted.filter { definition(of: $0) != nil } }

    package func availability(of runtime: String) -> RuntimeAvailability {
        if definition(of: runtime) != nil { return .available }
        if RuntimeName.deprecated.contains(runtime) { return .deprecated }
        guard RuntimeName.accepted.contains(runtime) else { return .unknown(valueSet: RuntimeName.accepted) }
        let here = "Runtimes of this server: \(available.joined(separator: ", "))."
        guard let language = RuntimeLanguage(runtime: runtime) else {
            return .notInstalled(
                message: "The runtime \(runtime) is not one that this server runs. \(here) "
                    + "A program of another language can run as provided.al2023 with its own bootstrap."
            )
        }
        let executable = language == .python ? runtime : "node"
        return .notInstalled(
            message: "The runtime \(runtime) is not installed on this server. \(here) "
                + "To add it, start the server with --runtime \(runtime)=/path/to/\(executable)."
        )
    }

    /// How to run `runtime`; nil unless it is available.
    package func definition(of runtime: String) -> RuntimeDefinition? {
        if runtime == "provided.al2" || runtime == "provided.al2023" { return .provided(runtime) }
        return interpreters[runtime].map { .managed(runtime, interpreter: $0, libraries: libraries[runtime]) }
    }

    /// Every runtime that has a bootstrap of ours, found or not.
    package var entries: [Entry] {
        RuntimeLanguage.allCases.flatMap(\.runtimes).map { runtime in
            let interpreter = interpreters[runtime]
            let directory = libraries[runtime]
            return Entry(
                runtime: runtime,
                interpreter: interpreter,
                libraries: directory,
                hasSDK: (interpreter?.hasSDK ?? false) || directory.map { Self.hasSDK(in: $0, of: runtime) } ?? false
            )
        }
    }

    /// Compiles the Python files of `Bootstraps.files`, written to `directory`, for every Python of the catalogue.
    ///
    /// Only makes cold starts shorter, by some milliseconds; they work without. Throws what to tell the operator.
    package func compileBootstraps(in directory: String) async throws(RuntimeOptionError) {
        let files = Bootstraps.files.map(\.path).filter { $0.hasSuffix(".py") }
        for (runtime, interpreter) in interpreters where interpreter.language == .python {
            do {
                try await InterpreterProbe().compile(files, in: directory, with: interpreter)
            } catch {
                throw RuntimeOptionError(option: runtime, reason: error.description)
            }
        }
    }

    private static func hasSDK(in directory: String, of runtime: String) -> Bool {
        let places =
            RuntimeLanguage(runtime: runtime) == .python
            ? ["boto3"] : ["node_modules/@aws-sdk/client-s3", "@aws-sdk/client-s3"]
        return places.contains { FileManager.default.fileExists(atPath: directory + "/" + $0) }
    }

    private static func check(libraries directory: String, of runtime: String) throws(RuntimeOptionError) {
        let option = "--runtime-libs \(runtime)=\(directory)"
        guard RuntimeLanguage(runtime: runtime) != nil else { throw notOurs(runtime, option) }
        var isDirectory: ObjCBool = false
        guard directory.hasPrefix("/"),
            FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory), isDirectory.boolValue
        else { throw RuntimeOptionError(option: option, reason: "is not the absolute path of a directory") }
    }

    private static func named(_ path: String, _ runtime: String) async throws(RuntimeOptionError) -> Interpreter {
        let option = "--runtime \(runtime)=\(path)"
        guard let language = RuntimeLanguage(runtime: runtime) else { throw notOurs(runtime, option) }
        guard path.hasPrefix("/") else {
            throw RuntimeOptionError(option: option, reason: "is not an absolute path")
        }
        let interpreter: Interpreter
        do {
            interpreter = try await InterpreterProbe().probe(path, language: language)
        } catch {
            throw RuntimeOptionError(option: option, reason: error.description)
        }
        let actual = language.runtime(version: interpreter.version)
        guard actual == runtime else {
            throw RuntimeOptionError(option: option, reason: "that is \(language.title) \(interpreter.version)")
        }
        return interpreter
    }

    private static func notOurs(_ runtime: String, _ option: String) -> RuntimeOptionError {
        let names = RuntimeLanguage.allCases.flatMap(\.runtimes).joined(separator: ", ")
        return RuntimeOptionError(option: option, reason: "\(runtime) takes no interpreter; those that do are \(names)")
    }

    /// The first usable interpreter of each runtime in the order of the search.
    private static func installed(environment: [String: String]) async -> [String: Interpreter] {
        let search = InterpreterSearch(environment: environment, home: NSHomeDirectory())
        var found: [String: Interpreter] = [:]
        for language in RuntimeLanguage.allCases {
            for interpreter in await probed(search.candidates(language), language) {
                let runtime = language.runtime(version: interpreter.version)
                if RuntimeLanguage(runtime: runtime) == language, found[runtime] == nil { found[runtime] = interpreter }
            }
        }
        return found
    }

    private static func probed(_ paths: [String], _ language: RuntimeLanguage) async -> [Interpreter] {
        let running = 4
        return await withTaskGroup(of: (Int, Interpreter?).self) { group in
            var results = [Interpreter?](repeating: nil, count: paths.count)
            for (index, path) in paths.enumerated() {
                if index >= running, let (done, interpreter) = await group.next() { results[done] = interpreter }
                group.addTask {
                    // Found by its name only: what isn't an interpreter (a pyenv shim) is no mistake of anybody's.
                    (index, try? await InterpreterProbe().probe(path, language: language))
                }
            }
            for await (done, interpreter) in group { results[done] = interpreter }
            return results.compactMap(\.self)
        }
    }
}
