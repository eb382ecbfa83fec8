// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Logging
import NIOCore
import ServerConfiguration

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the server until SIGTERM or SIGINT."
    )

    @OptionGroup var options: ServeOptions

    func run() async throws {
        do {
            let configuration = try await options.configuration()
            // The processors are the functions' too, and a loop that has its thread to itself hands work to no other.
            NIOSingletons.groupLoopCountSuggestion = max(1, System.coreCount / 2)
            LoggingSystem.bootstrap { label in
                var handler = StreamLogHandler.standardError(label: label)
                handler.logLevel = Logger.Level(rawValue: configuration.logLevel.rawValue) ?? .info
                return handler
            }
            try await MartletServer(configuration).run()
        } catch {
            FileHandle.standardError.write(Data("martlet: \(error)\n".utf8))
            throw ExitCode(1)
        }
    }
}
