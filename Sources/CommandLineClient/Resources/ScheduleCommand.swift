// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import ArgumentParser
import LambdaModel

/// `martlet schedule`: EventBridge Scheduler's schedules.
package struct ScheduleCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "schedule",
        abstract: "List, show, make and delete schedules that invoke functions.",
        subcommands: [List.self, Get.self, Create.self, Delete.self]
    )

    static let path = "/schedules"
    static let service = "scheduler"

    static func path(_ name: String) -> String { "\(path)/\(PercentEncoding.encode(name))" }

    package init() {}
}

extension ScheduleCommand {
    struct List: OperationCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List the schedules.")

        @Option(help: ArgumentHelp("Only those whose names begin with it.", valueName: "text")) var namePrefix: String?
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            try options.output.write(
                try await client.list(
                    ScheduleCommand.path,
                    "Schedules",
                    query: [("NamePrefix", namePrefix)],
                    marker: ("NextToken", "NextToken"),
                    service: ScheduleCommand.service
                ),
                [
                    .init("Name", "Name"), .init("Group", "GroupName"), .init("State", "State"),
                    .init("Target", "Target.Arn"),
                ],
                empty: "There is no schedule."
            )
        }
    }

    struct Get: OperationCommand {
        static let configuration = CommandConfiguration(commandName: "get", abstract: "Show a schedule.")

        @OptionGroup var target: GroupedSchedule
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            let answer = try await client.send(
                .get,
                ScheduleCommand.path(target.name),
                query: target.query,
                service: ScheduleCommand.service
            )
            try options.output.write(try answer.json())
        }
    }

    struct Create: OperationCommand {
        static let configuration = CommandConfiguration(
            commandName: "create",
            abstract: "Make a schedule.",
            discussion:
                "For example: martlet schedule create nightly --schedule-expression 'cron(0 3 * * ? *)' --target report"
        )

        @OptionGroup var target: GroupedSchedule
        @Option(help: ArgumentHelp("cron(…), rate(…) or at(…).", valueName: "text")) var scheduleExpression: String
        @Option(help: ArgumentHelp("Of the expression (default: UTC).", valueName: "zone"))
        var scheduleExpressionTimezone: String?
        @Option(name: .customLong("target"), help: ArgumentHelp("A function's name, or an ARN.", valueName: "name|arn"))
        var destination: String
        @Option(help: ArgumentHelp("The event (default: EventBridge's own).", valueName: "json")) var input: String?
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            let credentials = client.location.credentials
            let key = FunctionKey(accountID: credentials.accountID, region: credentials.region, name: destination)
            let whom: [String: JSONValue?] = [
                "Arn": .string(destination.hasPrefix("arn:") ? destination : key.arn),
                "RoleArn": .string("arn:aws:iam::\(credentials.accountID):role/martlet"),
                "Input": input.map(JSONValue.string),
            ]
            let answer = try await client.send(
                .post,
                ScheduleCommand.path(target.name),
                [
                    "ScheduleExpression": .string(scheduleExpression),
                    "ScheduleExpressionTimezone": scheduleExpressionTimezone.map(JSONValue.string),
                    "GroupName": target.groupName.map(JSONValue.string),
                    "FlexibleTimeWindow": .object(["Mode": .string("OFF")]),
                    "Target": .object(whom.compactMapValues(\.self)),
                ],
                service: ScheduleCommand.service
            )
            try options.output.write(try answer.json())
        }
    }

    struct Delete: OperationCommand {
        static let configuration = CommandConfiguration(commandName: "delete", abstract: "Delete a schedule.")

        @OptionGroup var target: GroupedSchedule
        @OptionGroup var options: ResourceOptions

        func perform(_ client: LambdaClient) async throws {
            _ = try await client.send(
                .delete,
                ScheduleCommand.path(target.name),
                query: target.query,
                service: ScheduleCommand.service
            )
        }
    }
}

/// A schedule, and its group where it is not the default one.
struct GroupedSchedule: ParsableArguments {
    @Argument(help: "The schedule's name.") var name: String
    @Option(help: ArgumentHelp("The schedule's group.", valueName: "name")) var groupName: String?

    var query: String { LambdaClient.query([("groupName", groupName)]) }
}
