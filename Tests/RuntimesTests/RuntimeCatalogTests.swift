// SPDX-License-Identifier: Apache-2.0

import Foundation
import LambdaModel
import Testing

@testable import Runtimes

private func interpreter(
    _ language: RuntimeLanguage,
    _ version: String,
    path: String,
    prefix: String
) throws
    -> Interpreter
{
    Interpreter(
        language: language,
        version: try #require(InterpreterVersion(version)),
        path: path,
        prefix: prefix,
        libraryDirectories: [],
        hasSDK: false
    )
}

/// A directory that is removed with the value's last use in a test.
private struct TemporaryDirectory {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/runtimes-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    func script(_ name: String, _ text: String) throws -> String {
        let file = path + "/" + name
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file)
        return file
    }

    func remove() throws { try FileManager.default.removeItem(atPath: path) }
}

@Suite struct RuntimeCatalogTests {
    private func catalog() throws -> RuntimeCatalog {
        RuntimeCatalog(
            interpreters: [
                "python3.11": try interpreter(.python, "3.11.2", path: "/usr/bin/python3.11", prefix: "/usr"),
                "python3.12": try interpreter(
                    .python,
                    "3.12.1",
                    path: "/srv/py/3.12.1/bin/python3.12",
                    prefix: "/srv/py/3.12.1"
                ),
                "nodejs20.x": try interpreter(.nodejs, "20.20.2", path: "/usr/bin/node", prefix: "/usr"),
            ],
            libraries: ["python3.12": "/srv/libs"]
        )
    }

    @Test func `a name is available, missing, deprecated or unknown`() throws {
        let catalog = try catalog()
        #expect(catalog.availability(of: "python3.12") == .available)
        #expect(catalog.availability(of: "provided.al2023") == .available)
        #expect(catalog.availability(of: "python3.7") == .deprecated)
        #expect(catalog.availability(of: "go1.x") == .deprecated)
        #expect(catalog.availability(of: "python3.99") == .unknown(valueSet: RuntimeName.accepted))
        #expect(catalog.availability(of: "") == .unknown(valueSet: RuntimeName.accepted))
    }

    @Test func `a missing runtime's message says what is here and how to add it`() throws {
        let catalog = try catalog()
        #expect(
            catalog.availability(of: "python3.13")
                == .notInstalled(
                    message: "The runtime python3.13 is not installed on this server. Runtimes of this server: "
                        + "nodejs20.x, python3.11, python3.12, provided.al2, provided.al2023. To add it, start the "
                        + "server with --runtime python3.13=/path/to/python3.13."
                )
        )
        guard case .notInstalled(let message) = catalog.availability(of: "java21") else {
            Issue.record("java21 has no interpreter here")
            return
        }
        #expect(message.contains("provided.al2023"))
        #expect(!message.contains("--runtime"))
    }

    @Test func `refusals carry AWS's texts`() {
        #expect(RuntimeAvailability.available.refusal(of: "python3.12") == nil)
        #expect(
            RuntimeAvailability.deprecated.refusal(of: "python3.7")
                == .invalidParameterValue(
                    message: "The runtime parameter of python3.7 is no longer supported for creating or updating AWS "
                        + "Lambda functions. We recommend you use a supported runtime while creating or updating "
                        + "functions."
                )
        )
        #expect(
            RuntimeAvailability.unknown(valueSet: ["a", "b"]).refusal(of: "x")
                == .invalidParameterValue(
                    message: "Value x at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
                        + "[a, b] or be a valid ARN"
                )
        )
    }

    @Test func `an interpreter under usr needs no mount`() throws {
        let definition = try #require(try catalog().definition(of: "python3.11"))
        #expect(definition.managed)
        #expect(definition.mounts.isEmpty)
        #expect(definition.executables == ["/usr/bin/python3.11"])
        #expect(definition.environment["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.11")
        #expect(definition.environment["PYTHONPATH"] == "/var/runtime")
        #expect(
            definition.arguments(executable: "/usr/bin/python3.11", memoryMiB: 128, customerEnvironment: [:])
                == ["/usr/bin/python3.11", "/var/rapid/python/bootstrap.py"]
        )
    }

    @Test func `an interpreter elsewhere is seen at var lang, and libraries at var runtime`() throws {
        let definition = try #require(try catalog().definition(of: "python3.12"))
        #expect(
            definition.mounts == [
                .init(host: "/srv/py/3.12.1", inside: "/var/lang"), .init(host: "/srv/libs", inside: "/var/runtime"),
            ]
        )
        #expect(definition.executables == ["/var/lang/bin/python3.12"])
    }

    @Test func `node is told how much memory it has`() throws {
        let definition = try #require(try catalog().definition(of: "nodejs20.x"))
        #expect(
            definition.arguments(executable: "/usr/bin/node", memoryMiB: 128, customerEnvironment: [:])
                == [
                    "/usr/bin/node", "--max-semi-space-size=6", "--max-old-space-size=116",
                    "/var/rapid/nodejs/index.cjs",
                ]
        )
        #expect(definition.environment["NODE_PATH"]?.hasPrefix("/opt/nodejs/node20/node_modules:") == true)
    }

    @Test func `a runtime's version has the interpreter's`() throws {
        let catalog = try catalog()
        let versions = try ["python3.12", "nodejs20.x", "provided.al2023"].map {
            try #require(catalog.definition(of: $0)).version
        }
        #expect(try #require(versions[0].wholeMatch(of: #/python:3\.12\.v3\.12\.\d+/#)).output == versions[0])
        #expect(try #require(versions[1].wholeMatch(of: #/nodejs:20\.v20\.\d+\.\d+/#)).output == versions[1])
        #expect(versions[2] == "provided:al2023.v1")
    }

    @Test func `a wrapper starts managed runtimes only`() throws {
        let catalog = try catalog()
        let wrapped = ["AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"]
        let python = try #require(catalog.definition(of: "python3.11"))
        #expect(
            python.arguments(executable: "/usr/bin/python3.11", memoryMiB: 128, customerEnvironment: wrapped).first
                == "/opt/wrap"
        )
        #expect(python.wrapper(wrapped) == "/opt/wrap" && python.wrapper([:]) == nil)
        #expect(python.wrapper(["AWS_LAMBDA_EXEC_WRAPPER": ""]) == nil)
        let own = try #require(catalog.definition(of: "provided.al2"))
        #expect(!own.managed && own.wrapper(wrapped) == nil)
        #expect(own.executables == ["/var/task/bootstrap", "/opt/bootstrap"])
        #expect(own.environment["AWS_EXECUTION_ENV"] == nil)
        #expect(
            own.arguments(executable: "/opt/bootstrap", memoryMiB: 128, customerEnvironment: wrapped)
                == ["/opt/bootstrap"]
        )
    }

    @Test(arguments: [
        ("3.12.1", "3.12.1"), ("v20.20.2", "20.20.2"), ("3.14.0rc1", "3.14.0"), ("v21.0.0-nightly", "21.0.0"),
    ])
    func `versions are read`(text: String, version: String) {
        #expect(InterpreterVersion(text)?.description == version)
    }

    @Test(arguments: ["", "3", "3.12", "v", "a.b.c", "3.12.", "-", "3..1"])
    func `what is no version is none`(text: String) {
        #expect(InterpreterVersion(text) == nil)
    }

    @Test func `bootstraps are in the executable, byte for byte`() throws {
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/Runtimes/Bootstraps").standardizedFileURL
        for file in Bootstraps.files {
            #expect(try Data(file.bytes) == Data(contentsOf: source.appendingPathComponent(file.path)))
        }
        // And nothing is left out.
        let found = FileManager.default.enumerator(atPath: source.path)?.compactMap { $0 as? String } ?? []
        #expect(Set(found.filter { $0.contains(".") }) == Set(Bootstraps.files.map(\.path)))
    }
}

/// With real programs of this machine, at most a second each.
@Suite struct RuntimeDiscoveryTests {
    @Test func `discovery finds the system's interpreters by running them`() async throws {
        let catalog = try await RuntimeCatalog.discover(explicit: [:], libraries: [:])
        for entry in catalog.entries {
            guard let interpreter = entry.interpreter else { continue }
            #expect(interpreter.language.runtime(version: interpreter.version) == entry.runtime)
            #expect(catalog.availability(of: entry.runtime) == .available)
            #expect(FileManager.default.isExecutableFile(atPath: interpreter.path))
            #expect(interpreter.path.isBelow(interpreter.prefix))
        }
        if FileManager.default.fileExists(atPath: "/usr/bin/python3") {
            #expect(catalog.available.contains { $0.hasPrefix("python") })
        }
    }

    @Test func `with nothing in the environment the system's directories are searched`() {
        let search = InterpreterSearch(environment: [:], home: "/nonexistent")
        for candidate in search.candidates(.python) + search.candidates(.nodejs) {
            #expect(candidate.isBelow("/usr") || candidate.isBelow("/opt"))
        }
    }

    @Test func `options that can't be honoured are errors that say why`() async throws {
        let directory = try TemporaryDirectory()
        let shim = try directory.script("python3.12", "#!/bin/sh\nexec python3.12 \"$@\"\n")
        let cases = [
            (["python3.12": "/nonexistent/python3.12"], "is not an executable file"),
            (["python3.12": "python3.12"], "is not an absolute path"),
            (["python3.12": shim], "is a script, not the interpreter itself"),
            (["python3.12": "/usr/bin/true"], "is not Python"),
            (["python3.12": "/usr/bin/false"], "could not be run"),
            (["python3.99": "/usr/bin/python3"], "takes no interpreter"),
            (["provided.al2023": "/usr/bin/python3"], "takes no interpreter"),
        ]
        for (explicit, reason) in cases {
            let error = await #expect(throws: RuntimeOptionError.self) {
                try await RuntimeCatalog.discover(explicit: explicit, libraries: [:], environment: [:])
            }
            #expect(error?.description.contains(reason) == true, "\(explicit): \(String(describing: error))")
        }
        try directory.remove()
    }

    @Test func `library directories are checked, and looked into for the SDK`() async throws {
        let directory = try TemporaryDirectory()
        try FileManager.default.createDirectory(
            atPath: directory.path + "/boto3",
            withIntermediateDirectories: true
        )
        for (runtime, path) in [("python3.12", "/nonexistent"), ("python3.12", "libs"), ("java21", directory.path)] {
            await #expect(throws: RuntimeOptionError.self) {
                try await RuntimeCatalog.discover(explicit: [:], libraries: [runtime: path], environment: [:])
            }
        }
        let catalog = try await RuntimeCatalog.discover(
            explicit: [:],
            libraries: ["python3.12": directory.path],
            environment: [:]
        )
        let entry = try #require(catalog.entries.first { $0.runtime == "python3.12" })
        #expect(entry.libraries == directory.path)
        #expect(entry.hasSDK)
        try directory.remove()
    }

    @Test func `an interpreter of another version is refused`() async throws {
        let catalog = try await RuntimeCatalog.discover(explicit: [:], libraries: [:])
        guard let here = catalog.entries.first(where: { $0.runtime.hasPrefix("python") && $0.interpreter != nil }),
            let interpreter = here.interpreter
        else { return }
        let other = here.runtime == "python3.8" ? "python3.9" : "python3.8"
        let error = await #expect(throws: RuntimeOptionError.self) {
            try await RuntimeCatalog.discover(explicit: [other: interpreter.path], libraries: [:])
        }
        #expect(error?.reason == "that is Python \(interpreter.version)")
    }

    @Test func `a program that takes too long is killed`() async throws {
        let directory = try TemporaryDirectory()
        let program = directory.path + "/waits"
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/cc")
        compiler.arguments = ["-x", "c", "-", "-o", program]
        let source = Pipe()
        compiler.standardInput = source
        try compiler.run()
        try source.fileHandleForWriting.write(
            contentsOf: Data("int pause(void); int main(void) { for (;;) pause(); }".utf8)
        )
        try source.fileHandleForWriting.close()
        compiler.waitUntilExit()
        var probe = InterpreterProbe()
        probe.timeout = .milliseconds(50)
        let error = await #expect(throws: InterpreterProbeError.self) {
            try await probe.probe(program, language: .python)
        }
        #expect(error?.reason.contains("took over") == true)
    }

    @Test func `bootstraps are compiled for each Python`() async throws {
        let directory = try TemporaryDirectory()
        for file in Bootstraps.files {
            let target = URL(fileURLWithPath: directory.path + "/" + file.path)
            try FileManager.default.createDirectory(
                at: target.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(file.bytes).write(to: target)
        }
        let catalog = try await RuntimeCatalog.discover(explicit: [:], libraries: [:])
        try await catalog.compileBootstraps(in: directory.path)
        let pythons = catalog.entries.filter { $0.interpreter?.language == .python }
        if !pythons.isEmpty {
            for place in ["python/", "python/snapstart/"] {
                let cache = try FileManager.default.contentsOfDirectory(atPath: "\(directory.path)/\(place)__pycache__")
                let sources = Bootstraps.files.count {
                    $0.path.hasPrefix(place) && !$0.path.dropFirst(place.count).contains("/")
                }
                #expect(cache.count == pythons.count * sources && sources > 0, "\(place)")
            }
        }
        try directory.remove()
    }
}
