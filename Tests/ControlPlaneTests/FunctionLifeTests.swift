// SPDX-License-Identifier: Apache-2.0
import AWSWire
import CodeStore
import ControlPlane
import LambdaModel
import MetadataStore
import Testing

struct FunctionLifeTests {
    let fixture: ControlPlaneFixture
    let caller = ControlPlaneFixture.caller

    init() throws {
        fixture = try ControlPlaneFixture()
    }

    @Test func `a new function is Pending, and shown as AWS shows it`() async throws {
        defer { try? fixture.remove() }
        let answer = try await fixture.create("f")
        #expect(
            Set(try #require(answer.object).keys) == [
                "Architectures", "CodeSha256", "CodeSize", "Description", "EphemeralStorage", "FunctionArn",
                "FunctionName", "Handler", "LastModified", "LoggingConfig", "MemorySize", "PackageType", "RevisionId",
                "Role", "Runtime", "RuntimeVersionConfig", "SnapStart", "State", "StateReason", "StateReasonCode",
                "Timeout", "TracingConfig", "Version",
            ]
        )
        #expect(answer["State"] == .string("Pending"))
        #expect(answer["StateReason"] == .string("The function is being created."))
        #expect(answer["StateReasonCode"] == .string("Creating"))
        #expect(answer["FunctionArn"] == .string("arn:aws:lambda:us-east-1:000000000000:function:f"))
        #expect(answer["LastModified"] == .string("2025-11-24T23:12:27.000+0000"))
        #expect(answer["Timeout"] == .integer(3) && answer["MemorySize"] == .integer(128))
        #expect(answer["CodeSize"] == .integer(Base64.decode(SampleCode.echo)?.count ?? 0))
        #expect(
            answer["LoggingConfig"]
                == .object(["LogFormat": .string("Text"), "LogGroup": .string("/aws/lambda/f")])
        )
    }

    @Test func `while it is Pending nothing else may be done with it`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let pending = LambdaError.resourceConflict(
            message:
                "The operation cannot be performed at this time. The function is currently in the following state: "
                + "Pending"
        )
        let key = FunctionKey(accountID: caller.accountID, region: caller.region, name: "f")
        let plane = fixture.controlPlane
        #expect(try await refusal { try await plane.invocable(key, qualifier: nil) } == pending)
        let update = JSONValue.object(["Timeout": .integer(5)]).bytes
        #expect(
            try await refusal { try await plane.updateFunctionConfiguration("f", update, caller: caller) } == pending
        )
        let code = JSONValue.object(["ZipFile": .string(SampleCode.two)]).bytes
        #expect(try await refusal { try await plane.updateFunctionCode("f", code, caller: caller) } == pending)
        #expect(
            try await refusal { try await fixture.create("f") }
                == .resourceConflict(message: "Function already exist: f")
        )
        #expect(try await fixture.code.objectIDs().count == 1)
    }

    @Test func `it turns Active with another revision`() async throws {
        defer { try? fixture.remove() }
        let created = try await fixture.create("f")
        let shown = try await fixture.activating { try await fixture.settled("f") }
        #expect(shown["State"] == .string("Active") && shown["LastUpdateStatus"] == .string("Successful"))
        #expect(shown["StateReason"] == nil)
        #expect(shown["RevisionId"] != created["RevisionId"])
        let key = FunctionKey(accountID: caller.accountID, region: caller.region, name: "f")
        let active = try await fixture.controlPlane.invocable(key, qualifier: "$LATEST")
        #expect(JSONValue.string(active.revisionID) == shown["RevisionId"])
    }

    @Test func `an update runs the old configuration until it is Successful`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        _ = try await fixture.activating { try await fixture.settled("f") }
        let plane = fixture.controlPlane
        let change = JSONValue.object([
            "Timeout": .integer(30), "MemorySize": .integer(192),
            "Environment": .object(["Variables": .object(["KEY": .string("value")])]),
        ])
        let answer = try await plane.updateFunctionConfiguration("f", change.bytes, caller: caller)
        #expect(answer["LastUpdateStatus"] == .string("InProgress") && answer["State"] == .string("Active"))
        #expect(answer["LastUpdateStatusReasonCode"] == .string("Creating"))
        #expect(answer["Timeout"] == .integer(30))
        let key = FunctionKey(accountID: caller.accountID, region: caller.region, name: "f")
        #expect(try await plane.invocable(key, qualifier: nil).timeoutSeconds == 3)
        let refused = try await refusal {
            try await plane.updateFunctionConfiguration("f", change.bytes, caller: caller)
        }
        #expect(
            refused
                == .resourceConflict(
                    message: "The operation cannot be performed at this time. An update is in progress for resource: "
                        + key.arn
                )
        )
        let shown = try await fixture.activating { try await fixture.settled("f") }
        #expect(shown["LastUpdateStatus"] == .string("Successful"))
        #expect(shown["Environment"] == .object(["Variables": .object(["KEY": .string("value")])]))
        let active = try await plane.invocable(key, qualifier: nil)
        #expect(active.timeoutSeconds == 30 && active.environment == ["KEY": "value"])
        #expect(fixture.retired.last == "f \(active.revisionID)")
    }

    @Test func `new code replaces the old, which is deleted when no URL is good for it any more`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        _ = try await fixture.activating { try await fixture.settled("f") }
        let old = try await fixture.code.objectIDs()
        let body = JSONValue.object(["ZipFile": .string(SampleCode.two)]).bytes
        let answer = try await fixture.controlPlane.updateFunctionCode("f", body, caller: caller)
        #expect(answer["CodeSha256"] != (try await fixture.create("g"))["CodeSha256"])
        _ = try await fixture.activating { try await fixture.settled("f") }
        #expect(Set(try await fixture.code.objectIDs()).isSuperset(of: old))
        fixture.advance(by: CodeCollector.grace)
        await fixture.controlPlane.collector.deleteDue()
        #expect(Set(try await fixture.code.objectIDs()).isDisjoint(with: old))
    }

    @Test func `a dry run of new code changes nothing`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let before = try await fixture.activating { try await fixture.settled("f") }
        let body = JSONValue.object(["ZipFile": .string(SampleCode.two), "DryRun": .bool(true)]).bytes
        _ = try await fixture.controlPlane.updateFunctionCode("f", body, caller: caller)
        #expect(try await fixture.show("f") == before)
        #expect(try await fixture.code.objectIDs().count == 1)
    }

    @Test func `code that can't be prepared makes the function Failed`() async throws {
        defer { try? fixture.remove() }
        fixture.failPreparing(.invalidParameterValue(message: "broken"))
        try await fixture.create("f")
        let shown = try await fixture.activating { try await fixture.settled("f") }
        #expect(shown["State"] == .string("Failed") && shown["StateReason"] == .string("broken"))
        #expect(shown["StateReasonCode"] == .string("InvalidZipFileException"))
        fixture.failPreparing(nil)
        let body = JSONValue.object(["ZipFile": .string(SampleCode.two)]).bytes
        _ = try await fixture.controlPlane.updateFunctionCode("f", body, caller: caller)
        let mended = try await fixture.activating { try await fixture.settled("f") }
        #expect(mended["State"] == .string("Active") && mended["LastUpdateStatus"] == .string("Successful"))
    }

    @Test func `an update that fails leaves what ran before`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        _ = try await fixture.activating { try await fixture.settled("f") }
        fixture.failPreparing(.invalidParameterValue(message: "broken"))
        let body = JSONValue.object(["ZipFile": .string(SampleCode.two)]).bytes
        _ = try await fixture.controlPlane.updateFunctionCode("f", body, caller: caller)
        let shown = try await fixture.activating { try await fixture.settled("f") }
        #expect(shown["State"] == .string("Active") && shown["LastUpdateStatus"] == .string("Failed"))
        #expect(shown["LastUpdateStatusReason"] == .string("broken"))
        let key = FunctionKey(accountID: caller.accountID, region: caller.region, name: "f")
        let active = try await fixture.controlPlane.invocable(key, qualifier: nil)
        #expect(JSONValue.string(active.code.sha256) != shown["CodeSha256"])
    }

    @Test func `what a crash left unsettled is settled by the next start`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let orphan = try await fixture.code.put(Array("PK".utf8))
        let next = try ControlPlaneFixture(in: fixture.directory)
        try await next.controlPlane.collector.collectLeftovers()
        #expect(try await !next.code.objectIDs().contains(orphan.objectID))
        let shown = try await next.activating { try await next.settled("f") }
        #expect(shown["State"] == .string("Active"))
    }

    @Test func `twenty functions at once are all settled`() async throws {
        defer { try? fixture.remove() }
        let fixture = fixture
        try await fixture.activating {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<20 {
                    group.addTask {
                        try await fixture.create("f\(index)")
                        let shown = try await fixture.settled("f\(index)")
                        #expect(shown["State"] == .string("Active"))
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `a revision that isn't the latest is refused`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let shown = try await fixture.activating { try await fixture.settled("f") }
        let plane = fixture.controlPlane
        func change(_ revision: JSONValue?) -> [UInt8] {
            JSONValue.object(["Timeout": .integer(9), "RevisionId": revision ?? .null]).bytes
        }
        #expect(
            try await refusal {
                try await plane.updateFunctionConfiguration("f", change(.string("x")), caller: caller)
            }
                == .preconditionFailed(
                    message: "The Revision Id provided does not match the latest Revision Id. Call the "
                        + "GetFunction/GetAlias API to retrieve the latest Revision Id"
                )
        )
        #expect(
            try await refusal {
                try await plane.updateFunctionConfiguration("f", change(shown["RevisionId"]), caller: caller)
            } == nil
        )
    }

    @Test func `deleting`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let plane = fixture.controlPlane
        let absent = LambdaError.resourceNotFound(
            message: "Function not found: arn:aws:lambda:us-east-1:000000000000:function:absent"
        )
        #expect(
            try await refusal { try await plane.deleteFunction("absent", qualifier: nil, caller: caller) } == absent
        )
        #expect(
            try await refusal { try await plane.deleteFunction("absent", qualifier: "7", caller: caller) } == absent
        )
        #expect(
            try await refusal { try await plane.deleteFunction("f", qualifier: "$LATEST", caller: caller) }
                == .invalidParameterValue(
                    message: "$LATEST version cannot be deleted without deleting the function."
                )
        )
        try await plane.deleteFunction("f", qualifier: "7", caller: caller)
        _ = try await fixture.show("f")
        try await plane.deleteFunction("f", qualifier: nil, caller: caller)
        #expect(try await refusal { try await fixture.show("f") }?.wire.status == 404)
        #expect(fixture.retired.last == "f all")
    }

    @Test func `an alias that moves while its old version is deleted is never found without one`() async throws {
        defer { try? fixture.remove() }
        let fixture = fixture
        let plane = fixture.controlPlane
        try await fixture.create("f", ["Publish": .bool(true)])
        _ = try await fixture.activating { try await fixture.settled("f") }
        let function = ["FunctionName": "f"]
        func body(_ members: [String: JSONValue]) -> [UInt8] { JSONValue.object(members).bytes }
        let first: [String: JSONValue] = ["Name": .string("live"), "FunctionVersion": .string("1")]
        try await plane.call(.createAlias, function, body: body(first))
        let key = FunctionKey(accountID: caller.accountID, region: caller.region, name: "f")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    while !Task.isCancelled { _ = try await plane.invocable(key, qualifier: "live") }
                } catch is CancellationError {}
            }
            for number in 2...40 {
                // Versions are only made of what has changed.
                try await fixture.metadata.change { transaction in
                    var record = try #require(try transaction.record(key))
                    record.configuration.description = "\(number)"
                    try transaction.update(record)
                }
                try await plane.call(.publishVersion, function)
                let version = body(["FunctionVersion": .string("\(number)")])
                try await plane.call(.updateAlias, ["FunctionName": "f", "Name": "live"], body: version)
                try await plane.call(.deleteFunction, function, query: "Qualifier=\(number - 1)")
            }
            group.cancelAll()
            try await group.waitForAll()
        }
    }
}
