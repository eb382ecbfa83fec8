// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import ArgumentParser

/// `martlet source`: event source mappings.
package struct SourceCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "source",
        abstract:
            "List, show, make, change and delete event source mappings: queues and streams that invoke functions.",
        subcommands: [List.self, Get.self, Create.self, Update.self, Delete.self]
    )

    static let path = "/2015-03-31/event-source-mappings"

    static func path(_ id: String) -> String { "\(path)/\(PercentEncoding.encode(id))" }

    package init() {}
}

extension SourceCommand {
    struct List: OperationCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List the mappings.")

        @Option(help: ArgumentHelp("Only those of this function.", valueName: "name")) var functionName: String?
        @Option(help: ArgumentHelp("Only those of this source.", valueName: "arn")) var eventSourceArn: String?
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            let filters = [("FunctionName", functionName), ("EventSourceArn", eventSourceArn)]
            try options.output.write(
                try await client.list(SourceCommand.path, "EventSourceMappings", query: filters),
                [
                    .init("UUID", "UUID"), .init("State", "State"), .init("Batch", "BatchSize", isNumber: true),
                    .init("Function", "FunctionArn"), .init("Source", "EventSourceArn"),
                    .init("Last result", "LastProcessingResult"),
                ],
                empty: "There is no event source mapping."
            )
        }
    }

    struct Get: OperationCommand {
        static let configuration = CommandConfiguration(commandName: "get", abstract: "Show a mapping.")

        @Argument(help: "The mapping's UUID.") var uuid: String
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            try options.output.write(try await client.send(.get, SourceCommand.path(uuid)).json())
        }
    }

    struct Create: OperationCommand {
        static let configuration = CommandConfiguration(commandName: "create", abstract: "Make a mapping.")

        @Option(help: ArgumentHelp("The function, with or without a qualifier.", valueName: "name"))
        var functionName: String
        @Option(help: ArgumentHelp("The queue or stream.", valueName: "arn")) var eventSourceArn: String
        @Option(help: ArgumentHelp("Of a stream: TRIM_HORIZON, LATEST or AT_TIMESTAMP.", valueName: "position"))
        var startingPosition: String?
        @OptionGroup var settings: SourceSettings
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            var members = settings.members
            members["FunctionName"] = JSONValue.string(functionName)
            members["EventSourceArn"] = JSONValue.string(eventSourceArn)
            members["StartingPosition"] = startingPosition.map(JSONValue.string)
            try options.output.write(try await client.send(.post, SourceCommand.path + "/", members).json())
        }
    }

    struct Update: OperationCommand {
        static let configuration = CommandConfiguration(commandName: "update", abstract: "Change a mapping.")

        @Argument(help: "The mapping's UUID.") var uuid: String
        @Option(help: ArgumentHelp("Another function.", valueName: "name")) var functionName: String?
        @OptionGroup var settings: SourceSettings
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            var members = settings.members
            members["FunctionName"] = functionName.map(JSONValue.string)
            try options.output.write(try await client.send(.put, SourceCommand.path(uuid), members).json())
        }
    }

    struct Delete: OperationCommand {
        static let configuration = CommandConfiguration(commandName: "delete", abstract: "Delete a mapping.")

        @Argument(help: "The mapping's UUID.") var uuid: String
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            _ = try await client.send(.delete, SourceCommand.path(uuid))
        }
    }
}

/// What a mapping may be given at first and later.
struct SourceSettings: ParsableArguments {
    @Option(help: ArgumentHelp("Records of one invocation.", valueName: "count")) var batchSize: Int?
    @Option(help: ArgumentHelp("How long a batch is collected.", valueName: "seconds"))
    var maximumBatchingWindowInSeconds: Int?
    @Flag(inversion: .prefixedNo, help: "Whether the function is invoked.") var enabled: Bool?

    var members: [String: JSONValue?] {
        [
            "BatchSize": batchSize.map(JSONValue.integer),
            "MaximumBatchingWindowInSeconds": maximumBatchingWindowInSeconds.map(JSONValue.integer),
            "Enabled": enabled.map(JSONValue.bool),
        ]
    }
}
