// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel

/// Publishes what `$LATEST` is, and waits until it can be invoked.
struct Publication: Sendable {
    var function: String
    var description: String?

    /// FunctionConfiguration of the version; the last one again where nothing has changed.
    func run(_ client: LambdaClient) async throws -> JSONValue {
        let answer = try await client.send(
            .post,
            LambdaPath.function(function) + "/versions",
            ["Description": description.map(JSONValue.string)]
        ).json()
        guard let version = answer["Version"]?.string else {
            throw ClientError("The server's answer has no version.")
        }
        return try await Settling(name: function, qualifier: version).wait(client, answer)
    }
}

/// Waits until a function's last change is done.
struct Settling: Sendable {
    /// Longer than a function's preparation may take.
    static let timeout = Duration.seconds(120)

    var name: String
    var qualifier: String?

    /// - Throws: `ClientError` with the server's reason where it failed.
    func wait(_ client: LambdaClient, _ answer: JSONValue) async throws -> JSONValue {
        let deadline = ContinuousClock.now + Self.timeout
        let progress = ProgressLine("Preparing \(name)")
        defer { progress.end() }
        var pause = Duration.milliseconds(20)
        var latest = answer
        while true {
            if try Self.isOver(latest) { return latest }
            guard ContinuousClock.now < deadline else {
                throw ClientError("\(name) is still being prepared after \(Self.timeout).")
            }
            progress.show()
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(500))
            let query = LambdaClient.query([("Qualifier", qualifier)])
            latest = try await client.send(.get, LambdaPath.configuration(name), query: query).json()
        }
    }

    /// Throws when the last change failed.
    static func isOver(_ configuration: JSONValue) throws(ClientError) -> Bool {
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
