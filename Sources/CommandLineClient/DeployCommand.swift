// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import ArgumentParser
import Foundation
import LambdaModel
import ServerConfiguration

/// `martlet deploy`: creates a function from a directory or a zip, or brings it up to date.
package struct DeployCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "deploy",
        abstract: "Create or update a function from a directory or a zip file.",
        discussion: """
            A directory is packed as it is, without .git and __pycache__. An update changes the code and the settings \
            that are given; --env replaces all variables. With --alias the new code is published as a version, and the alias \
            comes to it: at once, or with --shift canary:10%:5m (a tenth of the calls for five minutes, then all) or \
            linear:10%:1m (a tenth more each minute). The alias goes back when the new version has more errors than \
            --errors-max.
            """
    )

    @Argument(help: "A directory, or a zip file.", completion: .file())
    private var path: String

    @Option(help: "The function's name.")
    private var name: String

    @OptionGroup private var settings: FunctionSettings

    @Option(help: ArgumentHelp("Publish a version, and bring this alias to it.", valueName: "name"))
    private var alias: String?

    @Option(
        help: ArgumentHelp("How the alias comes to the new version (default: at once).", valueName: "kind:percent:time")
    )
    private var shift: String?

    @Option(help: ArgumentHelp("Errors of the new version with which it goes on.", valueName: "count"))
    private var errorsMax = 0

    @OptionGroup private var connection: ConnectionOptions

    package init() {}

    package func validate() throws {
        guard shift == nil || alias != nil else { throw ValidationError("--shift goes with --alias.") }
        guard errorsMax >= 0 else { throw ValidationError("--errors-max is not negative.") }
        guard shift == nil || Self.shift(shift) != nil else {
            throw ValidationError("--shift is such as canary:10%:5m or linear:10%:1m: 1 % to 99 %, 1s to 24h.")
        }
    }

    private static func shift(_ text: String?) -> AliasShift? {
        text.flatMap { AliasShift($0) { Duration(configured: $0) } }
    }

    package func run() async throws {
        try await reportingErrors {
            let start = ContinuousClock.now
            let location = try connection.location()
            let requested = try settings.members(accountID: location.credentials.accountID)
            let zip = try Self.package(path)
            let deployment = Deployment(name: name, zip: zip, settings: requested)
            try await LambdaClient.with(location) { client in
                let outcome = try await deployment.run(client)
                let seconds = String(format: "%.2f", (ContinuousClock.now - start) / .seconds(1))
                let arn = outcome.configuration["FunctionArn"]?.string ?? name
                let version = outcome.configuration["Version"]?.string ?? "$LATEST"
                try Terminal.writeLine(
                    "\(outcome.isNew ? "Created" : "Updated") \(arn) (version \(version), \(zip.count) bytes) "
                        + "in \(seconds) s"
                )
                if let moved = try await move(client) { try Terminal.writeLine(moved) }
            }
        }
    }

    /// Brings the alias, where one is named, to a version of what was deployed.
    private func move(_ client: LambdaClient) async throws -> String? {
        guard let alias else { return nil }
        let published = try await Publication(function: name, description: nil).run(client)
        guard let version = published["Version"]?.string else {
            throw ClientError("The server's answer has no version.")
        }
        let shift = Self.shift(shift) ?? .all
        return try await AliasRollout(function: name, alias: alias, shift: shift, errorsMax: Int64(errorsMax))
            .run(client, to: version)
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

    func run(_ client: LambdaClient) async throws -> Outcome {
        guard let current = try await current(client) else {
            let created = try await create(client)
            return Outcome(isNew: true, configuration: try await settle(client, created))
        }
        // A change that somebody else began; how it ends does not matter, since this one replaces it.
        do { _ = try await settle(client, current) } catch let error as ClientError where error.status == nil {}
        var configuration = try await client.upload(
            .put,
            LambdaPath.code(name),
            JSONValue.object(["ZipFile": .string(Base64.encode(zip))]).bytes,
            "Uploading \(name)"
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
        return try await client.upload(
            .post,
            LambdaPath.functions,
            JSONValue.object(request).bytes,
            "Uploading \(name)"
        ).json()
    }

    private func current(_ client: LambdaClient) async throws -> JSONValue? {
        do {
            return try await client.send(.get, LambdaPath.configuration(name)).json()
        } catch let error as ClientError where error.status == 404 {
            return nil
        }
    }

    private func settle(_ client: LambdaClient, _ answer: JSONValue) async throws -> JSONValue {
        try await Settling(name: name).wait(client, answer)
    }
}
