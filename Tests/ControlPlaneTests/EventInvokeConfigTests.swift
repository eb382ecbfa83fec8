// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import LambdaModel
import Testing

/// What is set for asynchronous invocations.
struct EventInvokeConfigTests {
    private let fixture: ControlPlaneFixture
    private let arn = "arn:aws:lambda:us-east-1:000000000000:function:f"

    init() throws { fixture = try ControlPlaneFixture() }

    private var plane: ControlPlane { fixture.controlPlane }

    private func call(
        _ operation: LambdaOperation,
        on name: String = "f",
        qualifier: String? = nil,
        _ members: [String: JSONValue]? = nil
    ) async throws -> JSONValue {
        try await plane.call(
            operation,
            ["FunctionName": name],
            query: qualifier.map { "Qualifier=\($0)" } ?? "",
            body: members.map { JSONValue.object($0).bytes } ?? []
        )
    }

    private func put(
        on name: String = "f",
        qualifier: String? = nil,
        _ members: [String: JSONValue]
    ) async throws -> JSONValue {
        try await call(.putFunctionEventInvokeConfig, on: name, qualifier: qualifier, members)
    }

    private func none(_ arn: String) -> LambdaError {
        .resourceNotFound(message: "The function \(arn) doesn't have an EventInvokeConfig")
    }

    private static let noFunction = LambdaError.resourceNotFound(message: "The function doesn't exist.")

    private func destination(_ arn: String, _ side: String = "OnSuccess") -> [String: JSONValue] {
        ["DestinationConfig": .object([side: .object(["Destination": .string(arn)])])]
    }

    /// A function `f` with version 1 and the alias `live`.
    private func prepare() async throws {
        try await fixture.activating {
            try await fixture.create("f")
            _ = try await fixture.settled("f")
            try await plane.call(.publishVersion, ["FunctionName": "f"])
        }
        let alias = JSONValue.object(["Name": .string("live"), "FunctionVersion": .string("1")])
        try await plane.call(.createAlias, ["FunctionName": "f"], body: alias.bytes)
    }

    @Test func `Put replaces, Update merges`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let both: [String: JSONValue] = [
            "MaximumRetryAttempts": .integer(2), "MaximumEventAgeInSeconds": .integer(60),
        ]
        let first = try await put(both)
        #expect(first["FunctionArn"] == .string("\(arn):$LATEST"))
        #expect(first["DestinationConfig"] == .object(["OnSuccess": .object([:]), "OnFailure": .object([:])]))
        #expect(first["MaximumRetryAttempts"] == .integer(2) && first["MaximumEventAgeInSeconds"] == .integer(60))
        #expect(first["LastModified"]?.string == nil, "a number of seconds")
        #expect(try await call(.getFunctionEventInvokeConfig, qualifier: "$LATEST") == first)
        let merged = try await call(.updateFunctionEventInvokeConfig, ["MaximumRetryAttempts": .integer(0)])
        #expect(merged["MaximumRetryAttempts"] == .integer(0) && merged["MaximumEventAgeInSeconds"] == .integer(60))
        let replaced = try await put(["MaximumRetryAttempts": .integer(1)])
        #expect(replaced["MaximumRetryAttempts"] == .integer(1) && replaced["MaximumEventAgeInSeconds"] == nil)
        #expect(try await call(.getFunctionEventInvokeConfig) == replaced)
    }

    @Test func `each qualifier has its own, which goes with it`() async throws {
        defer { try? fixture.remove() }
        try await prepare()
        for (qualifier, attempts) in [("live", 0), ("1", 1), ("$LATEST", 2)] {
            let made = try await put(qualifier: qualifier, ["MaximumRetryAttempts": .integer(attempts)])
            #expect(made["FunctionArn"] == .string("\(arn):\(qualifier)"))
        }
        let list = try await call(.listFunctionEventInvokeConfigs)
        #expect(
            list["FunctionEventInvokeConfigs"]?.array?.map { $0["FunctionArn"]?.string }
                == ["\(arn):$LATEST", "\(arn):1", "\(arn):live"]
        )
        #expect(list["NextMarker"] == nil)
        let page = try await plane.call(
            .listFunctionEventInvokeConfigs,
            ["FunctionName": "f"],
            query: "MaxItems=2"
        )
        let marker = try #require(page["NextMarker"]?.string)
        let rest = try await plane.call(
            .listFunctionEventInvokeConfigs,
            ["FunctionName": "f"],
            query: "Marker=\(marker)"
        )
        #expect(rest["FunctionEventInvokeConfigs"]?.array?.count == 1)
        try await plane.call(.deleteAlias, ["FunctionName": "f", "Name": "live"])
        #expect(
            try await refusal { try await call(.getFunctionEventInvokeConfig, qualifier: "live") }
                == none("\(arn):live")
        )
        _ = try await call(.deleteFunctionEventInvokeConfig)
        #expect(try await refusal { try await call(.deleteFunctionEventInvokeConfig) } == none("\(arn):$LATEST"))
        #expect(try await call(.getFunctionEventInvokeConfig, qualifier: "1")["MaximumRetryAttempts"] == .integer(1))
    }

    @Test func `who is not there is refused in AWS's words`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let one: [String: JSONValue] = ["MaximumRetryAttempts": .integer(1)]
        for (name, qualifier) in [("absent", nil), ("absent", "x"), ("f", "x"), ("f", "7")] as [(String, String?)] {
            #expect(try await refusal { try await put(on: name, qualifier: qualifier, one) } == Self.noFunction)
            #expect(
                try await refusal {
                    try await call(.updateFunctionEventInvokeConfig, on: name, qualifier: qualifier, one)
                } == Self.noFunction
            )
        }
        #expect(try await refusal { try await call(.listFunctionEventInvokeConfigs, on: "absent") } == Self.noFunction)
        let absent = "arn:aws:lambda:us-east-1:000000000000:function:absent:$LATEST"
        #expect(try await refusal { try await call(.getFunctionEventInvokeConfig, on: "absent") } == none(absent))
        #expect(try await refusal { try await call(.deleteFunctionEventInvokeConfig, on: "absent") } == none(absent))
        #expect(
            try await refusal { try await call(.updateFunctionEventInvokeConfig, one) } == none("\(arn):$LATEST")
        )
        #expect(
            try await refusal { try await put(on: "\(arn):live", qualifier: "dead", one) }
                == .invalidParameterValue(
                    message: "The derived qualifier from the function name does not match the specified qualifier."
                )
        )
        #expect(
            try await refusal { try await put([:]) }
                == .invalidParameterValue(
                    message: "You must specify at least one of error handling or destination setting."
                )
        )
    }

    @Test func `destinations are other functions, queues, topics and buses`() async throws {
        defer { try? fixture.remove() }
        for name in ["f", "g"] { try await fixture.create(name) }
        let prefix = "arn:aws:lambda:us-east-1:000000000000:function"
        let good = try await put(destination("\(prefix):g"))
        #expect(good["DestinationConfig"]?["OnSuccess"]?["Destination"] == .string("\(prefix):g"))
        #expect(good["DestinationConfig"]?["OnFailure"] == .object([:]) && good["MaximumRetryAttempts"] == nil)
        for arn in [
            "arn:aws:sqs:us-east-1:000000000000:q", "arn:aws:sns:us-east-1:000000000000:t",
            "arn:aws:events:us-east-1:000000000000:event-bus/default",
        ] { _ = try await put(destination(arn)) }
        _ = try await put(destination("arn:aws:s3:::bucket", "OnFailure"))
        let merged = try await call(.updateFunctionEventInvokeConfig, destination("\(prefix):g"))
        #expect(merged["DestinationConfig"]?["OnFailure"]?["Destination"] == .string("arn:aws:s3:::bucket"))
        #expect(
            try await put(["DestinationConfig": .object(["OnSuccess": .object([:])])])["DestinationConfig"]
                == .object(["OnSuccess": .object([:]), "OnFailure": .object([:])])
        )
        for arn in ["\(prefix):absent", "\(prefix):g:live"] {
            #expect(
                try await refusal { try await put(destination(arn)) }
                    == .invalidParameterValue(message: "The destination ARN \(arn) is invalid.")
            )
        }
        #expect(
            try await refusal { try await put(destination("\(prefix):f", "OnFailure")) }
                == .invalidParameterValue(message: "You can't specify the function as a destination for itself.")
        )
        for arn in ["arn:aws:iam:us-east-1:000000000000:function:f", "arn:aws:s3:::bucket"] {
            #expect(
                try await refusal { try await put(destination(arn)) }
                    == .invalidParameterValue(
                        message: "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination="
                            + "\(arn)), onFailure=null) is invalid."
                    )
            )
        }
        guard case .validation? = try await refusal({ try await put(destination("arn:aws:_-/!lambda:x", "OnFailure")) })
        else {
            Issue.record("a destination that is no ARN was taken")
            return
        }
    }
}
