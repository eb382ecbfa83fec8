// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import ArgumentParser
import LambdaModel

/// `martlet budget`: what functions may use in a day or a month.
package struct BudgetCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "budget",
        abstract: "Set, list and delete limits of what functions may use.",
        discussion: """
            A budget that is reached is told in the server's log. With --action stop its functions get no concurrency until the \
            period ends, the budget is deleted, or somebody reserves some for them: callers get AWS's \
            TooManyRequestsException.
            """,
        subcommands: [Put.self, List.self, Delete.self]
    )

    static let path = "/_martlet/budgets"

    package init() {}
}

extension BudgetCommand {
    enum Unit: String, CaseIterable, ExpressibleByArgument {
        case requests
        case gbSeconds = "gb-seconds"
        case usd
    }

    enum Period: String, CaseIterable, ExpressibleByArgument {
        case day
        case month
    }

    enum Action: String, CaseIterable, ExpressibleByArgument {
        case warn
        case stop
    }

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "put",
            abstract: "Set a budget, or change one.",
            discussion: "For example: martlet budget put shop --tag team=shop --limit 5 --unit usd --action stop"
        )

        @Argument(help: "The budget's name.")
        private var name: String

        @Option(help: ArgumentHelp("The function that it is for.", valueName: "name"))
        private var function: String?

        @Option(help: ArgumentHelp("Functions that have this tag, instead of one function.", valueName: "key=value"))
        private var tag: String?

        @Option(help: ArgumentHelp("How much of the unit, with up to six decimals.", valueName: "number"))
        private var limit: String

        @Option(help: ArgumentHelp("usd at AWS's list prices, gb-seconds or requests.", valueName: "unit"))
        private var unit: Unit = .usd

        @Option(help: ArgumentHelp("In which it may be used, UTC: day or month.", valueName: "period"))
        private var period: Period = .month

        @Option(help: ArgumentHelp("What is done when it is reached: warn or stop.", valueName: "action"))
        private var action: Action = .warn

        @OptionGroup private var connection: ConnectionOptions

        func validate() throws {
            guard (function == nil) != (tag == nil) else { throw ValidationError("Give one of --function and --tag.") }
            if let tag, tag.first == "=" || !tag.contains("=") { throw ValidationError("--tag takes KEY=VALUE.") }
        }

        func run() async throws {
            try await reportingErrors {
                var request: [String: JSONValue] = [
                    "Limit": .string(limit), "Unit": .string(unit.rawValue), "Period": .string(period.rawValue),
                    "Action": .string(action.rawValue),
                ]
                request["Function"] = function.map(JSONValue.string)
                if let tag {
                    let parts = tag.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                    request["TagKey"] = .string(String(parts[0]))
                    request["TagValue"] = .string(String(parts[1]))
                }
                _ = try await LambdaClient.with(connection.location()) { [request] client in
                    try await client.send(
                        .put,
                        "\(BudgetCommand.path)/\(PercentEncoding.encode(name))",
                        headers: [("Content-Type", "application/json")],
                        body: JSONValue.object(request).bytes
                    )
                }
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List the budgets, and what is used of them."
        )

        @OptionGroup private var output: OutputOptions
        @OptionGroup private var connection: ConnectionOptions

        func run() async throws {
            try await reportingErrors {
                let answer = try await LambdaClient.with(connection.location()) { client in
                    try await client.send(.get, BudgetCommand.path)
                }
                let budgets = try answer.json()["Budgets"]?.array ?? []
                try output.write(budgets, Self.columns, empty: "There is no budget.")
            }
        }

        private static let columns: [TableColumn] = [
            .init("Name", "Name"),
            .init("For") { each in
                each["Function"]?.string ?? "\(each["TagKey"]?.string ?? "")=\(each["TagValue"]?.string ?? "")"
            },
            .init("Used", "Used", isNumber: true), .init("Limit", "Limit", isNumber: true), .init("Unit", "Unit"),
            .init("Period", "Period"), .init("Action", "Action"),
            .init("State") { each in
                guard each["IsReached"]?.bool == true else { return "within" }
                let stopped = each["StoppedFunctions"]?.array?.compactMap(\.string) ?? []
                return stopped.isEmpty ? "reached" : "stopped \(stopped.joined(separator: " "))"
            },
        ]
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete",
            abstract: "Delete a budget: what it has stopped goes on."
        )

        @Argument(help: "The budget's name.")
        private var name: String

        @OptionGroup private var connection: ConnectionOptions

        func run() async throws {
            try await reportingErrors {
                _ = try await LambdaClient.with(connection.location()) { client in
                    try await client.send(.delete, "\(BudgetCommand.path)/\(PercentEncoding.encode(name))")
                }
            }
        }
    }
}
