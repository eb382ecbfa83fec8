// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import ArgumentParser

/// `martlet layer`: what functions share.
package struct LayerCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "layer",
        abstract: "List, publish, show and delete layers.",
        subcommands: [List.self, ListVersions.self, Publish.self, Get.self, Delete.self]
    )

    static let path = "/2018-10-31/layers"

    static func versions(_ layer: String) -> String { "\(path)/\(PercentEncoding.encode(layer))/versions" }

    package init() {}
}

extension LayerCommand {
    struct List: OperationCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List the layers.")

        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            try options.output.write(
                try await client.list(LayerCommand.path, "Layers"),
                [
                    .init("Name", "LayerName"), .init("Version", "LatestMatchingVersion.Version", isNumber: true),
                    .init("Made", "LatestMatchingVersion.CreatedDate"),
                    .init("Description", "LatestMatchingVersion.Description"),
                ],
                empty: "There is no layer."
            )
        }
    }

    struct ListVersions: OperationCommand {
        static let configuration = CommandConfiguration(
            commandName: "list-versions",
            abstract: "List a layer's versions."
        )

        @Argument(help: "The layer's name or ARN.") var layer: String
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            try options.output.write(
                try await client.list(LayerCommand.versions(layer), "LayerVersions"),
                [
                    .init("Version", "Version", isNumber: true), .init("Made", "CreatedDate"),
                    .init("Runtimes", "CompatibleRuntimes"), .init("Description", "Description"),
                ],
                empty: "There is no version."
            )
        }
    }

    struct Publish: OperationCommand {
        static let configuration = CommandConfiguration(
            commandName: "publish",
            abstract: "Publish a directory or a zip file as a layer's next version."
        )

        @Argument(help: "The layer's name.") var layer: String
        @Argument(help: "A directory, or a zip file.", completion: .file()) var path: String
        @Option(help: "A description.") var description: String?
        @Option(parsing: .upToNextOption, help: ArgumentHelp("Runtimes that it is for.", valueName: "name"))
        var compatibleRuntimes: [String] = []
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            let zip = try DeployCommand.package(path)
            let members: [String: JSONValue?] = [
                "Content": .object(["ZipFile": .string(Base64.encode(zip))]),
                "Description": description.map(JSONValue.string),
                "CompatibleRuntimes": compatibleRuntimes.isEmpty
                    ? nil : .array(compatibleRuntimes.map(JSONValue.string)),
            ]
            let body = JSONValue.object(members.compactMapValues(\.self))
            let answer = try await client.upload(.post, LayerCommand.versions(layer), body.bytes, "Uploading \(layer)")
            try options.output.write(try answer.json())
        }
    }

    struct Get: OperationCommand {
        static let configuration = CommandConfiguration(commandName: "get", abstract: "Show a layer's version.")

        @Argument(help: "The layer's name or ARN.") var layer: String
        @Argument(help: "The version's number.") var version: Int
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            try options.output.write(try await client.send(.get, "\(LayerCommand.versions(layer))/\(version)").json())
        }
    }

    struct Delete: OperationCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete",
            abstract: "Delete a layer's version; functions that have it keep it."
        )

        @Argument(help: "The layer's name or ARN.") var layer: String
        @Argument(help: "The version's number.") var version: Int
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            _ = try await client.send(.delete, "\(LayerCommand.versions(layer))/\(version)")
        }
    }
}
