// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import Testing

@testable import ExecutionEnvironments
@testable import Runtimes

/// Which functions begin in a blank environment, and why others don't.
struct EnvironmentStartTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var runtime = "python3.12"
        var variables: [String: String]? = nil
        var operatorVariables: [String: String] = [:]
        var temporaryMiB = 512
        var hasExternalExtensions = false
        var needsMemoryAtStart = false
        var expected: EnvironmentStart

        var testDescription: String { name }
    }

    private static let python = EnvironmentStart.blank(BlankKind(runtime: "python3.12", memoryMiB: nil))
    private static let node = EnvironmentStart.blank(BlankKind(runtime: "nodejs20.x", memoryMiB: 256))

    private static let own = EnvironmentStart.blank(BlankKind(runtime: "provided.al2023", memoryMiB: nil))

    static let cases: [Case] = [
        Case(name: "Python", expected: python),
        Case(name: "Node.js takes its memory on the command line", runtime: "nodejs20.x", expected: node),
        Case(
            name: "without control groups the memory is a limit of the process",
            needsMemoryAtStart: true,
            expected: .blank(BlankKind(runtime: "python3.12", memoryMiB: 256))
        ),
        Case(name: "own runtime", runtime: "provided.al2023", expected: own),
        Case(
            name: "own runtime with what others read at their start",
            runtime: "provided.al2023",
            variables: ["LD_LIBRARY_PATH": "mine", "AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"],
            hasExternalExtensions: true,
            expected: own
        ),
        Case(
            name: "own runtime, larger /tmp",
            runtime: "provided.al2023",
            temporaryMiB: 513,
            expected: .exec(.temporarySize)
        ),
        Case(
            name: "wrapper",
            variables: ["AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"],
            expected: .exec(.wrapper)
        ),
        Case(name: "no wrapper", variables: ["AWS_LAMBDA_EXEC_WRAPPER": ""], expected: python),
        Case(name: "external extensions", hasExternalExtensions: true, expected: .exec(.externalExtensions)),
        Case(name: "larger /tmp", temporaryMiB: 513, expected: .exec(.temporarySize)),
        Case(
            name: "ordinary variables",
            variables: ["STAGE": "x", "AWS_STS_REGIONAL_ENDPOINTS": ""],
            expected: python
        ),
        Case(name: "PATH is not read", variables: ["PATH": "/opt/bin"], expected: python),
        Case(
            name: "NODE_ENV is not read",
            runtime: "nodejs20.x",
            variables: ["NODE_ENV": "production"],
            expected: node
        ),
        Case(name: "what it is anyway", variables: ["TZ": ":UTC", "LANG": "en_US.UTF-8"], expected: python),
        Case(name: "the operator's are in both", operatorVariables: ["PYTHONUTF8": "1"], expected: python),
        Case(
            name: "the operator's, replaced",
            variables: ["PYTHONUTF8": "0"],
            operatorVariables: ["PYTHONUTF8": "1"],
            expected: .exec(.variables)
        ),
        Case(
            name: "too much for the block",
            operatorVariables: ["LARGE": String(repeating: "x", count: EnvironmentStart.variablesBytesMax)],
            expected: .exec(.variablesSize)
        ),
        Case(
            name: "own runtime, a NUL that init takes from nobody",
            runtime: "provided.al2023",
            variables: ["A": "b\u{0}c"],
            expected: .exec(.variablesSize)
        ),
    ]

    static let readAtStart: [Case] =
        [
            "PYTHONPATH", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "TZ", "LANG", "LC_ALL", "LD_LIBRARY_PATH",
            "LD_PRELOAD", "HOME", "GLIBC_TUNABLES", "MALLOC_ARENA_MAX", "OPENSSL_CONF", "SSL_CERT_FILE",
        ].map { Case(name: $0, variables: [$0: "mine"], expected: .exec(.variables)) }
        + ["NODE_OPTIONS", "NODE_PATH", "NODE_EXTRA_CA_CERTS", "UV_THREADPOOL_SIZE", "TZ", "HOME"].map {
            Case(name: "Node.js: \($0)", runtime: "nodejs20.x", variables: [$0: "mine"], expected: .exec(.variables))
        }

    @Test(arguments: cases + readAtStart)
    func `a function's start`(_ example: Case) throws {
        var configuration = FunctionConfiguration(
            key: FunctionKey(accountID: "000000000000", region: "eu-west-1", name: "f"),
            runtime: example.runtime,
            handler: "app.handler",
            role: "",
            code: CodeReference(objectID: "o", sha256: "", sizeBytes: 0),
            lastModified: Timestamp(millisecondsSinceEpoch: 0),
            revisionID: "r"
        )
        configuration.environment = example.variables
        configuration.memoryMiB = 256
        configuration.ephemeralStorageMiB = example.temporaryMiB
        let runtime = try definition(example.runtime)
        let environment = ProcessEnvironment(
            configuration,
            runtime: runtime,
            initialization: .onDemand,
            operatorVariables: example.operatorVariables,
            credentials: SessionCredentialValues(accessKeyID: "ASIA", secretAccessKey: "s", sessionToken: "t"),
            logStream: "2026/01/01/[$LATEST]0"
        )
        let start = EnvironmentStart.decide(
            configuration,
            runtime: runtime,
            environment: environment,
            operatorVariables: example.operatorVariables,
            hasExternalExtensions: example.hasExternalExtensions,
            needsMemoryAtStart: example.needsMemoryAtStart
        )
        #expect(start == example.expected)
    }

    private func definition(_ runtime: String) throws -> RuntimeDefinition {
        guard let language = RuntimeLanguage(runtime: runtime) else { return .provided(runtime) }
        let version = language == .python ? "3.12.1" : "20.1.0"
        let interpreter = Interpreter(
            language: language,
            version: try #require(InterpreterVersion(version)),
            path: "/usr/bin/\(language.rawValue)",
            prefix: "/usr",
            libraryDirectories: [],
            hasSDK: false
        )
        return .managed(runtime, interpreter: interpreter, libraries: nil)
    }

    @Test func `code is named as the spawner takes it`() {
        #expect(UnpackedCode.name(of: "/var/lib/martlet/sandboxes/code/a-b+c") == "a-b+c")
    }
}
