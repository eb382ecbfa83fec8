// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import InvocationCore
import LambdaModel
import Testing

private let arn = "arn:aws:lambda:us-east-1:000000000000:function:f"
private let labels = ["FunctionName": "f"]

@Suite(.timeLimit(.minutes(10)))
struct FunctionURLConfigurationTests {
    private static let none = JSONValue.object(["AuthType": .string("NONE")]).bytes

    /// Runs `test` with the function `f`, its version 1 and the alias `live`.
    private func withFunction(
        _ test: @Sendable @escaping (ControlPlaneFixture, ControlPlane) async throws -> Void
    ) async throws {
        let fixture = try ControlPlaneFixture()
        defer { try? fixture.remove() }
        try await fixture.activating {
            try await fixture.create("f")
            _ = try await fixture.settled("f")
            try await fixture.controlPlane.call(.publishVersion, labels)
            let alias = JSONValue.object(["Name": .string("live"), "FunctionVersion": .string("1")])
            try await fixture.controlPlane.call(.createAlias, labels, body: alias.bytes)
            try await test(fixture, fixture.controlPlane)
        }
    }

    @Test func `a URL is made, shown, changed and deleted`() async throws {
        try await withFunction { fixture, plane async throws in
            let made = try await plane.call(.createFunctionUrlConfig, labels, body: Self.none)
            let url = try #require(made["FunctionUrl"]?.string)
            #expect(url.wholeMatch(of: #/http://[a-z2-7]{32}\.lambda-url\.us-east-1\.localhost:4566//#) != nil)
            #expect(made["FunctionArn"] == .string(arn))
            #expect(made["InvokeMode"] == nil && made["CreationTime"] == .string("2025-11-24T23:12:27.000Z"))
            let shown = try await plane.call(.getFunctionUrlConfig, labels)
            #expect(shown["FunctionUrl"] == .string(url) && shown["InvokeMode"] == .string("BUFFERED"))
            #expect(shown["LastModifiedTime"] == made["CreationTime"] && shown["Cors"] == nil)
            fixture.advance(by: .seconds(60))
            let change = JSONValue.object([
                "AuthType": .string("AWS_IAM"), "Cors": .object(["AllowOrigins": .array([.string("*")])]),
            ])
            let changed = try await plane.call(.updateFunctionUrlConfig, labels, body: change.bytes)
            #expect(changed["FunctionUrl"] == .string(url) && changed["AuthType"] == .string("AWS_IAM"))
            #expect(changed["LastModifiedTime"] == .string("2025-11-24T23:13:27.000Z"))
            #expect(changed["InvokeMode"] == nil)
            #expect(changed["Cors"] == .object(["AllowOrigins": .array([.string("*")])]))
            let without = JSONValue.object(["Cors": .object([:]), "InvokeMode": .string("RESPONSE_STREAM")])
            let last = try await plane.call(.updateFunctionUrlConfig, labels, body: without.bytes)
            #expect(last["Cors"] == nil && last["InvokeMode"] == .string("RESPONSE_STREAM"))
            try await plane.call(.deleteFunctionUrlConfig, labels)
            #expect(
                try await refusal { try await plane.call(.getFunctionUrlConfig, labels) }
                    == .resourceNotFound(message: "The resource you requested does not exist.")
            )
        }
    }

    @Test(arguments: [
        ("http://127.0.0.1:4566", "http", ":4566"), ("https://[::1]:443", "https", ":443"),
        ("http://example.com", "http", ""), ("http://[::1]", "http", ""),
    ])
    func `a URL has the scheme and the port of the caller's way here`(
        origin: String,
        scheme: String,
        port: String
    ) async throws {
        try await withFunction { _, plane async throws in
            let made = try await plane.call(.createFunctionUrlConfig, labels, body: Self.none, origin: origin)
            let url = made["FunctionUrl"]?.string ?? ""
            #expect(url.hasPrefix("\(scheme)://") && url.hasSuffix(".localhost\(port)/"))
        }
    }

    @Test func `a function and its aliases have URLs of their own, listed in pages`() async throws {
        try await withFunction { _, plane async throws in
            let empty = try await plane.call(.listFunctionUrlConfigs, labels)
            #expect(empty["FunctionUrlConfigs"] == .array([]) && empty["NextMarker"] == nil)
            try await plane.call(.createFunctionUrlConfig, labels, query: "Qualifier=live", body: Self.none)
            try await plane.call(.createFunctionUrlConfig, labels, body: Self.none)
            #expect(
                try await refusal { try await plane.call(.createFunctionUrlConfig, labels, body: Self.none) }
                    == .resourceConflict(
                        message: "Failed to create function url config for [functionArn = \(arn)]. Error message:  "
                            + "FunctionUrlConfig exists for this Lambda function"
                    )
            )
            var arns: [String] = []
            var marker: String? = ""
            while let next = marker {
                let query = "MaxItems=1" + (next.isEmpty ? "" : "&Marker=\(next)")
                let page = try await plane.call(.listFunctionUrlConfigs, labels, query: query)
                arns += (page["FunctionUrlConfigs"]?.array ?? []).compactMap { $0["FunctionArn"]?.string }
                marker = page["NextMarker"]?.string
            }
            #expect(arns == [arn, "\(arn):live"])
        }
    }

    @Test func `an alias's URL goes with it`() async throws {
        try await withFunction { _, plane async throws in
            let made = try await plane.call(
                .createFunctionUrlConfig,
                labels,
                query: "Qualifier=live",
                body: Self.none
            )
            let id = String((made["FunctionUrl"]?.string ?? "").dropFirst("http://".count).prefix { $0 != "." })
            let target = try #require(try await plane.functionURL(id: id))
            #expect(target.arn == "\(arn):live" && target.qualifier == "live" && target.policy.statements.isEmpty)
            try await plane.call(.deleteAlias, ["FunctionName": "f", "Name": "live"])
            #expect(try await plane.functionURL(id: id) == nil)
            #expect(try await plane.functionURL(id: "") == nil)
        }
    }

    @Test(arguments: [
        (LambdaOperation.createFunctionUrlConfig, "Function does not exist"),
        (.updateFunctionUrlConfig, "Function does not exist"),
        (.getFunctionUrlConfig, "The resource you requested does not exist."),
        (.deleteFunctionUrlConfig, "The resource you requested does not exist."),
    ])
    func `what is not there, and what can't have a URL`(operation: LambdaOperation, message: String) async throws {
        try await withFunction { _, plane async throws in
            for (name, query) in [("absent", ""), ("f", "Qualifier=nobody")] {
                #expect(
                    try await refusal {
                        try await plane.call(operation, ["FunctionName": name], query: query, body: Self.none)
                    } == .resourceNotFound(message: message)
                )
            }
            let places = [("f", "Qualifier=1", "1"), ("f:1", "", "1"), ("f", "Qualifier=$LATEST", "$LATEST")]
            for (name, query, value) in places {
                #expect(
                    try await refusal {
                        try await plane.call(operation, ["FunctionName": name], query: query, body: Self.none)
                    }
                        == .validation(
                            message: "1 validation error detected: Value '\(value)' at 'qualifier' failed to satisfy "
                                + #"constraint: Member must satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$)"#
                        )
                )
            }
        }
    }

    @Test func `lists and changes of what is not there`() async throws {
        try await withFunction { _, plane async throws in
            #expect(
                try await refusal { try await plane.call(.listFunctionUrlConfigs, ["FunctionName": "absent"]) }
                    == .resourceNotFound(message: "Function does not exist")
            )
            #expect(
                try await refusal { try await plane.call(.updateFunctionUrlConfig, labels, body: Self.none) }
                    == .resourceNotFound(message: "The resource you requested does not exist.")
            )
        }
    }
}
