// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import ArgumentParser

/// `martlet version`: published versions of a function.
package struct VersionCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "List, publish, show and delete a function's versions.",
        subcommands: [List.self, Publish.self, Get.self, Delete.self]
    )

    package init() {}
}

extension VersionCommand {
    struct List: OperationCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List a function's versions.")

        @Argument(help: "The function's name or ARN.") var function: String
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            try options.output.write(
                try await client.list(LambdaPath.function(function) + "/versions", "Versions"),
                [
                    .init("Version", "Version"), .init("Description", "Description"), .init("Runtime", "Runtime"),
                    .init("MB", "MemorySize", isNumber: true), .init("Bytes", "CodeSize", isNumber: true),
                    .init("Modified", "LastModified"),
                ],
                empty: "There is no version."
            )
        }
    }

    struct Publish: OperationCommand {
        static let configuration = CommandConfiguration(
            commandName: "publish",
            abstract: "Publish what $LATEST is now, and wait until it can be invoked."
        )

        @Argument(help: "The function's name or ARN.") var function: String
        @Option(help: "A description.") var description: String?
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            try options.output.write(
                try await Publication(function: function, description: description).run(client)
            )
        }
    }

    struct Get: OperationCommand {
        static let configuration = CommandConfiguration(commandName: "get", abstract: "Show a version.")

        @Argument(help: "The function's name or ARN.") var function: String
        @Argument(help: "The version's number.") var version: String
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            let query = LambdaClient.query([("Qualifier", version)])
            try options.output.write(
                try await client.send(.get, LambdaPath.configuration(function), query: query).json()
            )
        }
    }

    struct Delete: OperationCommand {
        static let configuration = CommandConfiguration(commandName: "delete", abstract: "Delete a version.")

        @Argument(help: "The function's name or ARN.") var function: String
        @Argument(help: "The version's number.") var version: String
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            let query = LambdaClient.query([("Qualifier", version)])
            _ = try await client.send(.delete, LambdaPath.function(function), query: query)
        }
    }
}
