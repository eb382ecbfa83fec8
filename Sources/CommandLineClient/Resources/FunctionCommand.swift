// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import ArgumentParser
import LambdaModel

/// `martlet function`: functions, in the words of `aws lambda`.
package struct FunctionCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "function",
        abstract: "List, show, change and delete functions.",
        discussion: "'martlet deploy' makes them.",
        subcommands: [
            List.self, Get.self, GetConfiguration.self, UpdateConfiguration.self, Delete.self, PutConcurrency.self,
            GetConcurrency.self, DeleteConcurrency.self, ListTags.self, TagResource.self, UntagResource.self,
        ]
    )

    package init() {}
}

extension FunctionCommand {
    struct List: OperationCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List the functions.")

        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            try options.output.write(
                try await client.list(LambdaPath.functions + "/", "Functions"),
                [
                    .init("Name", "FunctionName"), .init("Runtime", "Runtime"), .init("Handler", "Handler"),
                    .init("MB", "MemorySize", isNumber: true), .init("Timeout", "Timeout", isNumber: true),
                    .init("Bytes", "CodeSize", isNumber: true), .init("Modified", "LastModified"),
                ],
                empty: "There is no function. 'martlet deploy' makes one."
            )
        }
    }

    struct Get: OperationCommand {
        static let configuration = CommandConfiguration(
            commandName: "get",
            abstract: "Show a function: its configuration, where its code is, tags and concurrency."
        )

        @OptionGroup var target: QualifiedFunction
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            try options.output.write(
                try await client.send(.get, LambdaPath.function(target.name), query: target.query).json()
            )
        }
    }

    struct GetConfiguration: OperationCommand {
        static let configuration = CommandConfiguration(
            commandName: "get-configuration",
            abstract: "Show a function's configuration."
        )

        @OptionGroup var target: QualifiedFunction
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            try options.output.write(
                try await client.send(.get, LambdaPath.configuration(target.name), query: target.query).json()
            )
        }
    }

    struct UpdateConfiguration: OperationCommand {
        static let configuration = CommandConfiguration(
            commandName: "update-configuration",
            abstract: "Change settings of a function."
        )

        @Argument(help: "The function's name or ARN.") var name: String
        @Option(help: ArgumentHelp("Memory in MB.", valueName: "mb")) var memorySize: Int?
        @Option(help: ArgumentHelp("Timeout in seconds.", valueName: "seconds")) var timeout: Int?
        @Option(help: ArgumentHelp("What to call.", valueName: "text")) var handler: String?
        @Option(help: ArgumentHelp("For example python3.12.", valueName: "name")) var runtime: String?
        @Option(help: "A description.") var description: String?
        @Option(help: ArgumentHelp("The function's role.", valueName: "arn")) var role: String?
        @OptionGroup var options: ResourceOptions

        func validate() throws {
            let given: [Any?] = [memorySize, timeout, handler, runtime, description, role]
            guard given.contains(where: { $0 != nil }) else { throw ValidationError("Give a setting to change.") }
        }

        func perform(_ client: LambdaClient) async throws {
            let answer = try await client.send(
                .put,
                LambdaPath.configuration(name),
                [
                    "MemorySize": memorySize.map(JSONValue.integer), "Timeout": timeout.map(JSONValue.integer),
                    "Handler": handler.map(JSONValue.string), "Runtime": runtime.map(JSONValue.string),
                    "Description": description.map(JSONValue.string), "Role": role.map(JSONValue.string),
                ]
            )
            try options.output.write(try answer.json())
        }
    }

    struct Delete: OperationCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete",
            abstract: "Delete a function with its versions and aliases, or one version."
        )

        @OptionGroup var target: QualifiedFunction
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            _ = try await client.send(.delete, LambdaPath.function(target.name), query: target.query)
        }
    }

    struct PutConcurrency: OperationCommand {
        static let configuration = CommandConfiguration(
            commandName: "put-concurrency",
            abstract: "Reserve concurrency for a function; 0 switches it off."
        )

        @Argument(help: "The function's name or ARN.") var name: String
        @Option(help: ArgumentHelp("Invocations at once.", valueName: "count")) var reservedConcurrentExecutions: Int
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            let answer = try await client.send(
                .put,
                LambdaPath.concurrency(name),
                ["ReservedConcurrentExecutions": .integer(reservedConcurrentExecutions)]
            )
            try options.output.write(try answer.json())
        }
    }

    struct GetConcurrency: OperationCommand {
        static let configuration = CommandConfiguration(
            commandName: "get-concurrency",
            abstract: "Show what is reserved for a function."
        )

        @Argument(help: "The function's name or ARN.") var name: String
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            try options.output.write(try await client.send(.get, LambdaPath.reservedConcurrency(name)).json())
        }
    }

    struct DeleteConcurrency: OperationCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete-concurrency",
            abstract: "Let a function share the account's concurrency again."
        )

        @Argument(help: "The function's name or ARN.") var name: String
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            _ = try await client.send(.delete, LambdaPath.concurrency(name))
        }
    }

    struct ListTags: OperationCommand {
        static let configuration = CommandConfiguration(commandName: "list-tags", abstract: "Show a function's tags.")

        @Argument(help: "The function's name or ARN.") var name: String
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            let answer = try await client.send(.get, LambdaPath.tags(of: name, client)).json()
            try options.output.write(answer["Tags"] ?? .object([:]))
        }
    }

    struct TagResource: OperationCommand {
        static let configuration = CommandConfiguration(
            commandName: "tag-resource",
            abstract: "Add tags to a function, or replace those of the same key."
        )

        @Argument(help: "The function's name or ARN.") var name: String
        @Option(parsing: .upToNextOption, help: ArgumentHelp("Tags.", valueName: "key=value")) var tags: [KeyValue]
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            let pairs = tags.map { ($0.key, JSONValue.string($0.value)) }
            _ = try await client.send(
                .post,
                LambdaPath.tags(of: name, client),
                ["Tags": .object(Dictionary(pairs) { _, last in last })]
            )
        }
    }

    struct UntagResource: OperationCommand {
        static let configuration = CommandConfiguration(
            commandName: "untag-resource",
            abstract: "Take tags from a function."
        )

        @Argument(help: "The function's name or ARN.") var name: String
        @Option(parsing: .upToNextOption, help: ArgumentHelp("Keys of tags.", valueName: "key")) var tagKeys: [String]
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            let query = LambdaClient.query(tagKeys.map { ("tagKeys", $0) })
            _ = try await client.send(.delete, LambdaPath.tags(of: name, client), query: query)
        }
    }
}

/// A function, or a version or alias of it.
struct QualifiedFunction: ParsableArguments {
    @Argument(help: "The function's name or ARN.") var name: String
    @Option(help: ArgumentHelp("Version or alias.", valueName: "qualifier")) var qualifier: String?

    var query: String { LambdaClient.query([("Qualifier", qualifier)]) }
}

extension LambdaPath {
    static func concurrency(_ name: String) -> String {
        "/2017-10-31/functions/\(PercentEncoding.encode(name))/concurrency"
    }
    static func reservedConcurrency(_ name: String) -> String {
        "/2019-09-30/functions/\(PercentEncoding.encode(name))/concurrency"
    }

    /// A function's ARN is asked for by its name, or taken as it is.
    static func tags(of name: String, _ client: LambdaClient) -> String {
        let credentials = client.location.credentials
        let key = FunctionKey(accountID: credentials.accountID, region: credentials.region, name: name)
        return "/2017-03-31/tags/\(PercentEncoding.encode(name.hasPrefix("arn:") ? name : key.arn))"
    }
}
