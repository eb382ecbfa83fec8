// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CommandLineClient
import ExecutionEnvironments
import Foundation

/// The one program: the server, and the commands that speak to it.
@main
struct Martlet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "AWS Lambda on this machine: functions in sandboxes, behind Lambda's own API.",
        discussion: """
            Start the server with 'martlet serve'. In another shell, eval "$(martlet env)" lets the AWS CLI and every AWS SDK
            use it unchanged.
            """,
        version: "0.1.0",
        subcommands: [
            ServeCommand.self, EnvCommand.self, DeployCommand.self, InvokeCommand.self, LogsCommand.self,
            TopCommand.self, UsageCommand.self, BudgetCommand.self, FunctionCommand.self, VersionCommand.self,
            AliasCommand.self, LayerCommand.self, SourceCommand.self, ScheduleCommand.self, KeyCommand.self,
            S3URLCommand.self, DoctorCommand.self, ReferenceCommand.self,
        ]
    )

    /// The spawner is started here, while this process has one thread: it forks, and it keeps what the server gives up.
    static func main() async {
        let command = CommandLine.arguments.dropFirst().first
        if command == "serve" || command == "doctor" {
            do {
                try SpawnerStart.begin()
            } catch {
                FileHandle.standardError.write(Data("martlet: \(error)\n".utf8))
                Foundation.exit(1)
            }
        }
        await main(nil)
    }
}
