// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import Testing

@testable import ExecutionEnvironments
@testable import Runtimes

/// Who wins when two set the same environment variable.
struct ProcessEnvironmentTests {
    private func variables(
        customer: [String: String]?,
        operatorVariables: [String: String] = [:],
        managed: Bool = true
    ) -> [String: String] {
        environment(customer: customer, operatorVariables: operatorVariables, managed: managed).variables
    }

    private func environment(
        customer: [String: String]?,
        operatorVariables: [String: String] = [:],
        managed: Bool = true,
        initialization: InitializationType = .onDemand
    ) -> ProcessEnvironment {
        var configuration = FunctionConfiguration(
            key: FunctionKey(accountID: "000000000000", region: "eu-west-1", name: "f"),
            runtime: "python3.12",
            handler: "app.handler",
            role: "",
            code: CodeReference(objectID: "o", sha256: "", sizeBytes: 0),
            lastModified: Timestamp(millisecondsSinceEpoch: 0),
            revisionID: "r"
        )
        configuration.environment = customer
        let runtime = RuntimeDefinition(
            runtime: "python3.12",
            managed: managed,
            interpreter: nil,
            mounts: [],
            executables: ["/usr/bin/python3"],
            environment: ["PATH": "/var/lang/bin", "LANG": "en_US.UTF-8", "AWS_EXECUTION_ENV": "AWS_Lambda_python3.12"]
        )
        return ProcessEnvironment(
            configuration,
            runtime: runtime,
            initialization: initialization,
            operatorVariables: operatorVariables,
            credentials: SessionCredentialValues(accessKeyID: "ASIA", secretAccessKey: "s", sessionToken: "t"),
            logStream: "2026/01/01/[$LATEST]0"
        )
    }

    @Test func `a function can read how its environment came to be`() {
        for (initialization, word) in [
            (InitializationType.onDemand, "on-demand"), (.provisionedConcurrency, "provisioned-concurrency"),
        ] {
            let seen = environment(customer: nil, initialization: initialization).variables
            #expect(seen["AWS_LAMBDA_INITIALIZATION_TYPE"] == word)
        }
    }

    @Test func `an extension has what is the function's and not what is the runtime's`() {
        let names = environment(customer: ["MINE": "a", "_MINE": "b"]).extensionList.map { $0.split(separator: "=")[0] }
        #expect(
            Set(names) == [
                "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
                "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "LANG", "MINE",
                "PATH", "SHLVL", "TZ",
            ]
        )
    }

    @Test func `the customer's win over the operator's and over those of the runtime that may be replaced`() {
        let result = variables(
            customer: ["PATH": "/mine", "AWS_ENDPOINT_URL": "b", "TZ": "Europe/Berlin"],
            operatorVariables: ["AWS_ENDPOINT_URL": "a", "ONLY": "operator"]
        )
        #expect(result["PATH"] == "/mine" && result["LANG"] == "en_US.UTF-8")
        #expect(result["AWS_ENDPOINT_URL"] == "b" && result["ONLY"] == "operator" && result["TZ"] == "Europe/Berlin")
    }

    @Test func `nobody replaces the platform's`() {
        let mine = [
            "AWS_LAMBDA_FUNCTION_NAME": "x", "AWS_REGION": "x", "_HANDLER": "x", "AWS_LAMBDA_RUNTIME_API": "x",
            "AWS_SECRET_ACCESS_KEY": "x", "AWS_EXECUTION_ENV": "x", "LAMBDA_TASK_ROOT": "x",
        ]
        let result = variables(customer: mine, operatorVariables: mine)
        for name in mine.keys { #expect(result[name] != "x", "\(name)") }
        #expect(result["AWS_REGION"] == "eu-west-1" && result["_HANDLER"] == "app.handler")
        #expect(result["AWS_LAMBDA_RUNTIME_API"] == "169.254.100.1:9001")
    }

    @Test func `the telemetry log is for our own bootstraps`() {
        #expect(variables(customer: nil)["_LAMBDA_TELEMETRY_LOG_FD"] == "3")
        #expect(variables(customer: nil, managed: false)["_LAMBDA_TELEMETRY_LOG_FD"] == nil)
    }
}
