// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ArgumentParser

/// A command that is one operation of an AWS API.
protocol OperationCommand: AsyncParsableCommand {
    var options: ResourceOptions { get }

    func perform(_ client: LambdaClient) async throws
}

extension OperationCommand {
    func run() async throws {
        try await reportingErrors {
            try await LambdaClient.with(options.connection.location()) { client in try await perform(client) }
        }
    }
}

/// What all of them have.
struct ResourceOptions: ParsableArguments {
    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions
}

extension LambdaClient {
    /// Pages that one listing asks for.
    private static let pagesMax = 10_000

    /// All of a listing, page by page.
    ///
    /// `marker` names the parameter that goes on where the member `next` of a page's answer says.
    func list(
        _ path: String,
        _ member: String,
        query: [(String, String?)] = [],
        marker: (parameter: String, next: String) = ("Marker", "NextMarker"),
        service: String = "lambda"
    ) async throws -> [JSONValue] {
        var items: [JSONValue] = []
        var next: String?
        for _ in 0..<Self.pagesMax {
            let parameters = query + [(marker.parameter, next)]
            let answer = try await send(.get, path, query: Self.query(parameters), service: service).json()
            items += answer[member]?.array ?? []
            let following = answer[marker.next]?.string
            guard let following, !following.isEmpty, following != next else { return items }
            next = following
        }
        return items
    }

    /// Sends a JSON object, of the members that have a value.
    func send(
        _ method: Method,
        _ path: String,
        _ members: [String: JSONValue?],
        service: String = "lambda"
    ) async throws -> Answer {
        try await send(
            method,
            path,
            headers: [("Content-Type", "application/json")],
            body: JSONValue.object(members.compactMapValues(\.self)).bytes,
            service: service
        )
    }

    /// Those parameters that have a value.
    static func query(_ parameters: [(String, String?)]) -> String {
        parameters.compactMap { name, value in value.map { "\(name)=\(PercentEncoding.encode($0))" } }
            .joined(separator: "&")
    }
}

/// `KEY=VALUE`.
struct KeyValue: ExpressibleByArgument, Equatable {
    var key: String
    var value: String

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else { return nil }
        key = String(parts[0])
        value = String(parts[1])
    }
}
