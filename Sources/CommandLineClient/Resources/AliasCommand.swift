// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import ArgumentParser

/// `martlet alias`: names for versions of a function.
package struct AliasCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "alias",
        abstract: "List, show, make, change and delete a function's aliases.",
        discussion: "'martlet deploy --alias' moves one step by step.",
        subcommands: [List.self, Get.self, Create.self, Update.self, Delete.self]
    )

    package init() {}
}

extension AliasCommand {
    struct List: OperationCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List a function's aliases.")

        @Argument(help: "The function's name or ARN.") var function: String
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            try options.output.write(
                try await client.list(LambdaPath.aliases(function), "Aliases"),
                [
                    .init("Name", "Name"), .init("Version", "FunctionVersion"),
                    .init("Other version") { alias in
                        (alias["RoutingConfig"]?["AdditionalVersionWeights"]?.object ?? [:])
                            .map { "\($0.key) (\(TableColumn.text($0.value)))" }.sorted().joined(separator: " ")
                    },
                    .init("Description", "Description"),
                ],
                empty: "There is no alias."
            )
        }
    }

    struct Get: OperationCommand {
        static let configuration = CommandConfiguration(commandName: "get", abstract: "Show an alias.")

        @Argument(help: "The function's name or ARN.") var function: String
        @Argument(help: "The alias.") var name: String
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            try options.output.write(try await client.send(.get, LambdaPath.alias(function, name)).json())
        }
    }

    struct Create: OperationCommand {
        static let configuration = CommandConfiguration(commandName: "create", abstract: "Make an alias.")

        @Argument(help: "The function's name or ARN.") var function: String
        @Argument(help: "The alias.") var name: String
        @Option(help: ArgumentHelp("The version that it stands for.", valueName: "number")) var functionVersion: String
        @OptionGroup var settings: AliasSettings
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            var members = try settings.members
            members["Name"] = JSONValue.string(name)
            members["FunctionVersion"] = JSONValue.string(functionVersion)
            let answer = try await client.send(.post, LambdaPath.aliases(function), members)
            try options.output.write(try answer.json())
        }
    }

    struct Update: OperationCommand {
        static let configuration = CommandConfiguration(commandName: "update", abstract: "Change an alias.")

        @Argument(help: "The function's name or ARN.") var function: String
        @Argument(help: "The alias.") var name: String
        @Option(help: ArgumentHelp("The version that it stands for.", valueName: "number")) var functionVersion: String?
        @OptionGroup var settings: AliasSettings
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            var members = try settings.members
            members["FunctionVersion"] = functionVersion.map(JSONValue.string)
            let answer = try await client.send(.put, LambdaPath.alias(function, name), members)
            try options.output.write(try answer.json())
        }
    }

    struct Delete: OperationCommand {
        static let configuration = CommandConfiguration(commandName: "delete", abstract: "Delete an alias.")

        @Argument(help: "The function's name or ARN.") var function: String
        @Argument(help: "The alias.") var name: String
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            _ = try await client.send(.delete, LambdaPath.alias(function, name))
        }
    }
}

/// What an alias has besides its version.
struct AliasSettings: ParsableArguments {
    @Option(help: "A description.") var description: String?
    @Option(
        help: ArgumentHelp("A second version and its share from 0 to 1; none ends it.", valueName: "version=share|none")
    )
    var routingConfig: String?

    var members: [String: JSONValue?] {
        get throws(ClientError) {
            var members: [String: JSONValue?] = [:]
            if let description { members["Description"] = JSONValue.string(description) }
            guard let routingConfig else { return members }
            var weights: [String: JSONValue] = [:]
            if routingConfig != "none" {
                guard let pair = KeyValue(argument: routingConfig), Double(pair.value) != nil else {
                    throw ClientError("--routing-config takes VERSION=SHARE, such as 2=0.1, or none.")
                }
                weights[pair.key] = .number(pair.value)
            }
            members["RoutingConfig"] = JSONValue.object(["AdditionalVersionWeights": .object(weights)])
            return members
        }
    }
}

extension LambdaPath {
    static func aliases(_ function: String) -> String { self.function(function) + "/aliases" }
    static func alias(_ function: String, _ name: String) -> String {
        aliases(function) + "/\(PercentEncoding.encode(name))"
    }
}
