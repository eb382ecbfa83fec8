// SPDX-License-Identifier: Apache-2.0
import AWSWire
import CodeStore
import ControlPlane
import Foundation
import LambdaModel
import Testing

/// Layers: their versions, and functions that have them.
struct LayerTests {
    private let fixture: ControlPlaneFixture
    private let caller = ControlPlaneFixture.caller

    init() throws { fixture = try ControlPlaneFixture() }

    private var plane: ControlPlane { fixture.controlPlane }

    private func publication(_ extra: [String: JSONValue] = [:], zip: String = SampleCode.two) -> [UInt8] {
        JSONValue.object(["Content": .object(["ZipFile": .string(zip)])].merging(extra) { $1 }).bytes
    }

    @discardableResult
    private func publish(_ name: String, _ extra: [String: JSONValue] = [:]) async throws -> JSONValue {
        try await plane.publishLayerVersion(name, publication(extra), origin: "http://h:1", caller: caller)
    }

    private func arn(_ name: String, _ number: Int) -> String {
        "arn:aws:lambda:us-east-1:000000000000:layer:\(name):\(number)"
    }

    private func layers(_ arns: String...) -> [String: JSONValue] { ["Layers": .array(arns.map(JSONValue.string))] }

    private func update(_ name: String, _ extra: [String: JSONValue]) async throws -> JSONValue {
        try await plane.updateFunctionConfiguration(name, JSONValue.object(extra).bytes, caller: caller)
    }

    @Test func `a version is published, shown and listed as AWS does`() async throws {
        defer { try? fixture.remove() }
        let first = try await publish(
            "l",
            [
                "Description": .string("d"), "LicenseInfo": .string("MIT"),
                "CompatibleRuntimes": .array([.string("python3.12")]),
                "CompatibleArchitectures": .array([.string("x86_64")]),
            ]
        )
        #expect(
            first["CreatedDate"] == .string("2025-11-24T23:12:27.000+0000") && first["Version"] == .integer(1)
                && first["LayerVersionArn"] == .string(arn("l", 1)) && first["LicenseInfo"] == .string("MIT")
        )
        #expect(first["LayerArn"] == .string("arn:aws:lambda:us-east-1:000000000000:layer:l"))
        #expect(first["Content"]?["CodeSize"] == .integer(176))
        #expect(try await plane.getLayerVersion("l", number: "1", origin: "http://h:1", caller: caller) == first)
        #expect(try await plane.getLayerVersionByARN(arn("l", 1), origin: "http://h:1", caller: caller) == first)
        let second = try await publish("arn:aws:lambda:us-east-1:000000000000:layer:l")
        #expect(second["Version"] == .integer(2) && second["Description"] == .string(""))
        for absent in ["LicenseInfo", "CompatibleRuntimes", "CompatibleArchitectures"] {
            #expect(second[absent] == nil, "\(absent)")
        }
        let versions = try await plane.listLayerVersions("l", "", caller: caller)
        #expect(versions["LayerVersions"]?.array?.map { $0["Version"] } == [.integer(2), .integer(1)])
        #expect(versions["LayerVersions"]?.array?.first?["Content"] == nil)
        let list = try await plane.listLayers("CompatibleRuntime=python3.12", caller: caller)
        let item = try #require(list["Layers"]?.array?.first)
        #expect(item["LayerName"] == .string("l") && item["LatestMatchingVersion"]?["Version"] == .integer(1))
        #expect(
            try await plane.listLayerVersions("absent", "", caller: caller)
                == .object(["LayerVersions": .array([])])
        )
    }

    @Test func `listings page with markers`() async throws {
        defer { try? fixture.remove() }
        for name in ["a", "b"] { for _ in 0..<2 { try await publish(name) } }
        let first = try await plane.listLayers("MaxItems=1", caller: caller)
        let marker = try #require(first["NextMarker"]?.string)
        let second = try await plane.listLayers("MaxItems=1&Marker=\(marker)", caller: caller)
        #expect(second["Layers"]?.array?.map { $0["LayerName"] } == [.string("b")] && second["NextMarker"] == nil)
        let newest = try await plane.listLayerVersions("a", "MaxItems=1", caller: caller)
        let next = try #require(newest["NextMarker"]?.string)
        let oldest = try await plane.listLayerVersions("a", "Marker=\(next)", caller: caller)
        #expect(oldest["LayerVersions"]?.array?.map { $0["Version"] } == [.integer(1)])
        #expect(
            try await refusal { try await plane.listLayers("Marker=!", caller: caller) }
                == .invalidParameterValue(message: "Invalid Marker.")
        )
    }

    @Test func `the front door speaks AWS's words`() async throws {
        defer { try? fixture.remove() }
        let runtime = try await refusal { try await publish("l", ["CompatibleRuntimes": .array([.string("cobol")])]) }
        #expect(
            runtime
                == .validation(
                    message: "1 validation error detected: Value '[cobol]' at 'compatibleRuntimes' failed to satisfy "
                        + "constraint: Member must satisfy enum value set: [python3.12, nodejs22.x]"
                )
        )
        let architecture = try await refusal {
            try await publish("l", ["CompatibleArchitectures": .array([.string("vax"), .string("x86_64")])])
        }
        #expect(
            architecture
                == .validation(
                    message:
                        "1 validation error detected: Value '[vax, x86_64]' at 'compatibleArchitectures' failed to "
                        + "satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: "
                        + "[x86_64, arm64], Member must not be null]"
                )
        )
        let names = [
            "bad name", "", "arn:aws:lambda:us-east-1:000000000000:layer:l:1", "arn:aws:lambda:us-east-1:1:layer:l",
            String(repeating: "x", count: 141),
        ]
        for name in names {
            guard case .validation? = try await refusal({ try await publish(name) }) else {
                Issue.record("\(name) was not refused at the front door")
                continue
            }
        }
        #expect(
            try await refusal { try await plane.getLayerVersionByARN("l", origin: "http://h", caller: caller) }
                == .validation(
                    message:
                        "1 validation error detected: Value 'l' at 'arn' failed to satisfy constraint: Member must "
                        + "satisfy regular expression pattern: "
                        + #"(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|"#
                        + #"(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)"#
                )
        )
        for number in ["0", "-1"] {
            #expect(
                try await refusal {
                    try await plane.getLayerVersion("l", number: number, origin: "http://h", caller: caller)
                } == .invalidParameterValue(message: "Layer Version Cannot be less than 1")
            )
        }
        let absent = LambdaError.resourceNotFound(message: "The resource you requested does not exist.")
        #expect(
            try await refusal { try await plane.getLayerVersion("l", number: "1", origin: "http://h", caller: caller) }
                == absent
        )
        #expect(
            try await refusal { try await plane.getLayerVersionByARN(arn("l", 9), origin: "http://h", caller: caller) }
                == absent
        )
        try await plane.deleteLayerVersion("l", number: "1", caller: caller)
    }

    @Test func `another account's and another region's layers are refused`() async throws {
        defer { try? fixture.remove() }
        let other = "arn:aws:lambda:us-east-1:111111111111:layer:l:1"
        for error in [
            try await refusal { try await plane.getLayerVersionByARN(other, origin: "http://h", caller: caller) },
            try await refusal { try await fixture.create("f", layers(other)) },
        ] {
            #expect(error?.wire.name == "AccessDeniedException" && error?.wire.message.contains(other) == true)
        }
        let elsewhere = layers("arn:aws:lambda:eu-west-1:000000000000:layer:l:1")
        #expect(
            try await refusal { try await fixture.create("f", elsewhere) }
                == .invalidParameterValue(
                    message: "Layers are not in the same region as the function. Layers are expected to be in region "
                        + "us-east-1."
                )
        )
    }

    @Test func `an archive that is no good makes no version and leaves nothing`() async throws {
        defer { try? fixture.remove() }
        let body = publication(zip: SampleCode.traversal)
        #expect(
            try await refusal { try await plane.publishLayerVersion("l", body, origin: "http://h", caller: caller) }
                == .invalidParameterValue(
                    message: "Could not unzip uploaded file. Please check your file, then try to upload again."
                )
        )
        #expect(try await fixture.code.objectIDs().isEmpty)
        #expect(try await publish("l")["Version"] == .integer(1))
    }

    @Test func `what functions may name, in AWS's words`() async throws {
        defer { try? fixture.remove() }
        for name in ["a", "b", "c", "d", "e", "f"] { try await publish(name) }
        try await publish("a")
        func text(_ extra: [String: JSONValue]) async throws -> String? {
            try await refusal { try await fixture.create("f", extra) }?.wire.message
        }
        let six = ["a", "b", "c", "d", "e", "f"].map { JSONValue.string(arn($0, 1)) }
        #expect(try await text(["Layers": .array(six)]) == "Cannot reference more than 5 layers.")
        for (one, two) in [(arn("a", 1), arn("a", 2)), (arn("b", 1), arn("b", 1))] {
            #expect(
                try await text(layers(arn("c", 1), one, two))
                    == "Two different versions of the same layer are not allowed to be referenced in the same function. "
                    + "\(one) and \(two) are versions of the same layer."
            )
        }
        for absent in [arn("none", 1), arn("a", 9), "arn:aws:lambda:::awslayer:AmazonLinux1803"] {
            #expect(try await text(layers(absent)) == "Layer version \(absent) does not exist.")
        }
        #expect(
            try await text(layers("arn:aws:lambda:us-east-1:000000000000:layer:a"))
                == "1 validation error detected: Value '[arn:aws:lambda:us-east-1:000000000000:layer:a]' at 'layers' failed "
                + "to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to "
                + "140, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: "
                + #"(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:"#
                + "::awslayer:[a-zA-Z0-9-_]+), Member must not be null]"
        )
        #expect(try await fixture.code.objectIDs().count == 7)
    }

    @Test func `layers are shown in their order, changed, and taken away`() async throws {
        defer { try? fixture.remove() }
        for name in ["a", "b"] { try await publish(name) }
        let created = try await fixture.create("f", layers(arn("b", 1), arn("a", 1)))
        #expect(
            created["Layers"]
                == .array([
                    .object(["Arn": .string(arn("b", 1)), "CodeSize": .integer(176)]),
                    .object(["Arn": .string(arn("a", 1)), "CodeSize": .integer(176)]),
                ])
        )
        let settled = try await fixture.activating { try await fixture.settled("f") }
        #expect(settled["Layers"] == created["Layers"])
        let kept = try await update("f", ["Timeout": .integer(9)])
        #expect(kept["Layers"] == created["Layers"])
        _ = try await fixture.activating { try await fixture.settled("f") }
        let removed = try await update("f", layers())
        #expect(removed["Layers"] == nil)
    }

    @Test func `a deleted version stays for the functions that have it, and its code goes with the last`() async throws
    {
        defer { try? fixture.remove() }
        try await publish("l")
        for name in ["f", "g"] {
            try await fixture.create(name, layers(arn("l", 1)))
            _ = try await fixture.activating { try await fixture.settled(name) }
        }
        func collect() async throws -> Int {
            fixture.advance(by: CodeCollector.grace)
            await plane.collector.deleteDue()
            return try await fixture.code.objectIDs().count
        }
        try await plane.deleteLayerVersion("l", number: "1", caller: caller)
        #expect(try await collect() == 3)
        #expect(try await refusal { try await fixture.create("h", layers(arn("l", 1))) }?.wire.status == 400)
        #expect(try await fixture.show("f")["Layers"]?.array?.count == 1)
        // Another start finds it in use too.
        let next = try ControlPlaneFixture(in: fixture.directory)
        try await next.controlPlane.collector.collectLeftovers()
        #expect(try await next.code.objectIDs().count == 3)
        try await plane.deleteFunction("g", qualifier: nil, caller: caller)
        #expect(try await collect() == 2)
        _ = try await update("f", layers())
        // The old configuration runs until the new one is active.
        #expect(try await collect() == 2)
        _ = try await fixture.activating { try await fixture.settled("f") }
        #expect(try await collect() == 1)
    }

    @Test func `a layer that is published stays when its last function goes`() async throws {
        defer { try? fixture.remove() }
        try await publish("l")
        try await fixture.create("f", layers(arn("l", 1)))
        try await plane.deleteFunction("f", qualifier: nil, caller: caller)
        fixture.advance(by: CodeCollector.grace)
        await plane.collector.deleteDue()
        #expect(try await fixture.code.objectIDs().count == 1)
        try await fixture.create("f", layers(arn("l", 1)))
    }
}
