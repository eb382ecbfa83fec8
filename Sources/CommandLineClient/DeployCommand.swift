// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import ArgumentParser
import Foundation
import LambdaModel

/// `martlet deploy`: creates a function from a directory or a zip, or brings it up to date.
package struct DeployCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "deploy",
        abstract: "Create or update a function from a directory or a zip file.",
        discussion: """
            A directory is packed as it is, without .git and __pycache__. An update changes the code and the settings \
            that are given; --env replaces all variables.
            """
    )

    @Argument(help: "A directory, or a zip file.")
    private var path: String

    @Option(help: "The function's name.")
    private var name: String

    @OptionGroup private var settings: FunctionSettings

    @OptionGroup private var connection: ConnectionOptions

    package init() {}

    package func run() async throws {
        try await reportingErrors {
            let start = ContinuousClock.now
            let location = try connection.location()
            let requested = try settings.members(accountID: location.credentials.accountID)
            let zip = try Self.package(path)
            let deployment = Deployment(name: name, zip: zip, settings: requested)
            let outcome = try await LambdaClient.with(location) { try await deployment.run($0) }
            let seconds = String(format: "%.2f", (ContinuousClock.now - start) / .seconds(1))
            let arn = outcome.configuration["FunctionArn"]?.string ?? name
            let version = outcome.configuration["Version"]?.string ?? "$LATEST"
            try Terminal.writeLine(
                "\(outcome.isNew ? "Created" : "Updated") \(arn) (version \(version), \(zip.count) bytes) "
                    + "in \(seconds) s"
            )
        }
    }

    /// The zip of what `path` names.
    static func package(_ path: String) throws(ClientError) -> [UInt8] {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw ClientError("\(path) does not exist.")
        }
        if isDirectory.boolValue { return try CodeDirectory(path).zip() }
        let max = LimitsProfile.zipUploadBytesMax
        guard let file = FileHandle(forReadingAtPath: path) else { throw ClientError("\(path) can't be read.") }
        defer { file.closeFile() }
        let bytes: [UInt8]
        do {
            bytes = Array(try file.read(upToCount: max + 1) ?? Data())
        } catch {
            throw ClientError("\(path) can't be read: \(error.localizedDescription)")
        }
        guard bytes.count <= max else {
            throw ClientError("\(path) is larger than \(max) bytes, Lambda's limit for a package.")
        }
        guard bytes.starts(with: [0x50, 0x4B]) else {
            throw ClientError("\(path) is neither a directory nor a zip file.")
        }
        return bytes
    }
}

/// What `deploy` may say of a function besides its code.
struct FunctionSettings: ParsableArguments {
    @Option(help: ArgumentHelp("For example python3.12, nodejs22.x or provided.al2023.", valueName: "name"))
    var runtime: String?

    @Option(help: ArgumentHelp("What to call: module.function for Python, file.export for Node.js.", valueName: "text"))
    var handler: String?

    @Option(help: ArgumentHelp("Memory in MB (AWS's default: 128).", valueName: "mb"))
    var memory: Int?

    @Option(help: ArgumentHelp("Timeout in seconds (AWS's default: 3).", valueName: "seconds"))
    var timeout: Int?

    @Option(
        name: .customLong("env"),
        help: ArgumentHelp("Environment variable; may be repeated.", valueName: "name=value")
    )
    var environment: [String] = []

    @Option(help: "A description.")
    var description: String?

    @Option(
        help: ArgumentHelp("The function's role (default: a made-up one; it gives no rights here).", valueName: "arn")
    )
    var role: String?

    /// Members of CreateFunction's and UpdateFunctionConfiguration's requests, those that were given.
    func members(accountID: String) throws(ClientError) -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        if let runtime { members["Runtime"] = .string(runtime) }
        if let handler { members["Handler"] = .string(handler) }
        if let memory { members["MemorySize"] = .integer(memory) }
        if let timeout { members["Timeout"] = .integer(timeout) }
        if let description { members["Description"] = .string(description) }
        if let role { members["Role"] = .string(role) }
        guard !environment.isEmpty else { return members }
        var variables: [String: JSONValue] = [:]
        for pair in environment {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[0].isEmpty else { throw ClientError("--env takes NAME=VALUE.") }
            guard variables.updateValue(.string(parts[1]), forKey: parts[0]) == nil else {
                throw ClientError("--env gives \(parts[0]) twice.")
            }
        }
        members["Environment"] = .object(["Variables": .object(variables)])
        return members
    }
}

/// The requests that bring a function to where it shall be.
struct Deployment: Sendable {
    struct Outcome: Sendable {
        var isNew: Bool
        /// FunctionConfiguration, settled.
        var configuration: JSONValue
    }

    var name: String
    var zip: [UInt8]
    var settings: [String: JSONValue]

    /// Longer than a function's preparation may take.
    static let settlingTimeout = Duration.seconds(120)

    func run(_ client: LambdaClient) async throws -> Outcome {
        guard let current = try await current(client) else {
            let created = try await create(client)
            return Outcome(isNew: true, configuration: try await settle(client, created))
        }
        // A change that somebody else began; how it ends does not matter, since this one replaces it.
        do { _ = try await settle(client, current) } catch let error as ClientError where error.status == nil {}
        var configuration = try await client.send(
            .put,
            LambdaPath.code(name),
            headers: Self.json,
            body: JSONValue.object(["ZipFile": .string(Base64.encode(zip))]).bytes
        ).json()
        configuration = try await settle(client, configuration)
        let changes = settings.filter { configuration[$0.key] != $0.value }
        guard !changes.isEmpty else { return Outcome(isNew: false, configuration: configuration) }
        configuration = try await client.send(
            .put,
            LambdaPath.configuration(name),
            headers: Self.json,
            body: JSONValue.object(changes).bytes
        ).json()
        return Outcome(isNew: false, configuration: try await settle(client, configuration))
    }

    private static let json = [("Content-Type", "application/json")]

    private func create(_ client: LambdaClient) async throws -> JSONValue {
        let missing = [("Runtime", "--runtime"), ("Handler", "--handler")].filter { settings[$0.0] == nil }
        guard missing.isEmpty else {
            let options = missing.map(\.1).joined(separator: " and ")
            throw ClientError("There is no function \(name) yet: give \(options) to create it.")
        }
        var request = settings
        request["FunctionName"] = .string(name)
        request["Code"] = .object(["ZipFile": .string(Base64.encode(zip))])
        if request["Role"] == nil {
            request["Role"] = .string("arn:aws:iam::\(client.location.credentials.accountID):role/martlet")
        }
        return try await client.send(
            .post,
            LambdaPath.functions,
            headers: Self.json,
            body: JSONValue.object(request).bytes
        ).json()
    }

    private func current(_ client: LambdaClient) async throws -> JSONValue? {
        do {
            return try await client.send(.get, LambdaPath.configuration(name)).json()
        } catch let error as ClientError where error.status == 404 {
            return nil
        }
    }

    /// Waits until the last change is done; fails with the server's reason when it failed.
    private func settle(_ client: LambdaClient, _ answer: JSONValue) async throws -> JSONValue {
        let deadline = ContinuousClock.now + Self.settlingTimeout
        var pause = Duration.milliseconds(20)
        var latest = answer
        var hasProgressLine = false
        defer { if hasProgressLine { Terminal.note("\r\u{1B}[K", terminator: "") } }
        while true {
            if try Self.isSettled(latest) { return latest }
            guard ContinuousClock.now < deadline else {
                throw ClientError("\(name) is still being prepared after \(Self.settlingTimeout).")
            }
            if Terminal.isErrorInteractive {
                Terminal.note("\rPreparing \(Terminal.harmless(name)) …", terminator: "")
                hasProgressLine = true
            }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(500))
            latest = try await client.send(.get, LambdaPath.configuration(name)).json()
        }
    }

    /// Throws when the last change failed.
    static func isSettled(_ configuration: JSONValue) throws(ClientError) -> Bool {
        let state = configuration["State"]?.string
        let update = configuration["LastUpdateStatus"]?.string
        if state == "Pending" || update == "InProgress" { return false }
        if state == "Failed" || update == "Failed" {
            let reason = configuration[state == "Failed" ? "StateReason" : "LastUpdateStatusReason"]?.string
            throw ClientError("The function could not be prepared: \(reason ?? "the server gave no reason")")
        }
        return true
    }
}
