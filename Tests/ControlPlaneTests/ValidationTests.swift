// SPDX-License-Identifier: Apache-2.0
import AWSWire
import CodeStore
import ControlPlane
import LambdaModel
import Testing

struct ValidationTests {
    func create(_ extra: [String: JSONValue], limits: LimitsProfile = .classic) async throws -> LambdaError? {
        let fixture = try ControlPlaneFixture(limits: limits)
        defer { try? fixture.remove() }
        let error = try await refusal { try await fixture.create("f", extra) }
        if error != nil { #expect(try await fixture.code.objectIDs().isEmpty) }
        return error
    }

    @Test func `an empty request names all that is missing`() async throws {
        let fixture = try ControlPlaneFixture()
        defer { try? fixture.remove() }
        let error = try await refusal {
            try await fixture.controlPlane.createFunction(Array("{}".utf8), caller: ControlPlaneFixture.caller)
        }
        #expect(
            error
                == .validation(
                    message: "3 validation errors detected: Value null at 'functionName' failed to satisfy constraint: "
                        + "Member must not be null; Value null at 'role' failed to satisfy constraint: Member must not be "
                        + "null; Value null at 'code' failed to satisfy constraint: Member must not be null"
                )
        )
    }

    @Test(
        arguments: [
            (
                ["Role": .string("x")],
                "at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: "
            ),
            (["Handler": .string("a b")], "Value 'a b' at 'handler' failed"),
            (
                ["Handler": .string(String(repeating: "h", count: 129))],
                "Member must have length less than or equal to 128"
            ),
            (["Description": .string(String(repeating: "é", count: 257))], "at 'description' failed"),
            (
                ["Timeout": .integer(0)],
                "Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1"
            ),
            (
                ["MemorySize": .integer(127)],
                "Value '127' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128"
            ),
            (["MemorySize": .integer(32_769)], "Member must have value less than or equal to 32768"),
            (["EphemeralStorage": .object(["Size": .integer(511)])], "Value '511' at 'ephemeralStorage.size'"),
            (["EphemeralStorage": .object([:])], "Value null at 'ephemeralStorage.size'"),
            (["PackageType": .string("Tar")], "Member must satisfy enum value set: [Zip, Image]"),
            (["Architectures": .array([.string("mips")])], "Value '[mips]' at 'architectures'"),
            (
                ["Architectures": .array([.string("x86_64"), .string("arm64")])],
                "Value '[x86_64, arm64]' at 'architectures' failed to satisfy constraint: Member must have length less than or equal to 1"
            ),
            (
                ["Environment": .object(["Variables": .object(["_X": .string("1")])])],
                "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+"
            ),
            (["Environment": .object(["Variables": .object(["X": .string("1")])])], "Map keys must satisfy constraint"),
            (["TracingConfig": .object(["Mode": .string("On")])], "at 'tracingConfig.mode'"),
            (["LoggingConfig": .object(["LogFormat": .string("XML")])], "at 'loggingConfig.logFormat'"),
            (["LoggingConfig": .object(["LogGroup": .string("a b")])], "at 'loggingConfig.logGroup'"),
            (["FunctionName": .string("a b")], "Value 'a b' at 'functionName'"),
            (
                ["FunctionName": .string(String(repeating: "a", count: 141))],
                "Member must have length less than or equal to 140"
            ),
        ] as [([String: JSONValue], String)]
    )
    func `the front door`(extra: [String: JSONValue], text: String) async throws {
        let error = try #require(try await create(extra))
        #expect(error.wire.name == "ValidationException")
        #expect(error.wire.message.hasPrefix("1 validation error detected: "))
        #expect(error.wire.message.contains(text), "\(error.wire.message)")
    }

    @Test(
        arguments: [
            (["FunctionName": .string(String(repeating: "a", count: 65))], "1 validation error detected: "),
            (["Runtime": .null], "Runtime and Handler are mandatory"),
            (["Runtime": .string("nodejs22.x")], "nodejs22.x is not installed."),
            (["Runtime": .string("go1.x")], "The runtime parameter of go1.x is no longer supported"),
            (
                ["Runtime": .string("cobol")],
                "Value cobol at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [python3.12, nodejs22.x] or be a valid ARN"
            ),
            (["Code": .object([:])], "Please provide a source for function code."),
            (["Code": .object(["S3Bucket": .string("bucket"), "S3Key": .string("k")])], "Code from S3"),
            (["Code": .object(["ImageUri": .string("x")])], "container image"),
            (["Code": .object(["ZipFile": .string("")])], "Uploaded file must be a non-empty zip"),
            (
                ["Code": .object(["ZipFile": .string("AAAA")])],
                "Could not unzip uploaded file. Please check your file, then try to upload again."
            ),
            (["Code": .object(["ZipFile": .string(SampleCode.traversal)])], "Could not unzip uploaded file."),
            (["PackageType": .string("Image")], "PackageType Image is not available"),
            (["PublishTo": .string("LATEST_PUBLISHED")], "PublishTo is not available"),
            (
                ["Architectures": .array([.string(Architecture.host == .arm64 ? "x86_64" : "arm64")])],
                "this machine runs"
            ),
            (
                [
                    "Environment": .object([
                        "Variables": .object(["AWS_REGION": .string("x"), "LAMBDA_TASK_ROOT": .string("x")])
                    ])
                ], "Reserved keys used in this request: AWS_REGION, LAMBDA_TASK_ROOT"
            ),
            (
                [
                    "Environment": .object([
                        "Variables": .object(["KEY": .string(String(repeating: "v", count: 4_096))])
                    ])
                ], "exceeded the 4KB limit. String measured: {\"KEY\":\"vvv"
            ),
            (["Environment": .object(["Variables": .object(["KEY": .string("a\0b")])])], "NUL"),
            (
                ["LoggingConfig": .object(["SystemLogLevel": .string("WARN")])],
                "LogLevel is not supported when LogFormat is set to \"Text\"."
            ),
            (
                ["Tags": .object(Dictionary(uniqueKeysWithValues: (0..<51).map { ("t\($0)", JSONValue.string("v")) }))],
                "Number of tags exceeds resource tag limit."
            ),
            (
                ["MemorySize": .integer(3_073)],
                "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 3072 (limits profile 'classic'; start the server with --limits current for AWS's limits of today)"
            ),
            (
                ["MemorySize": .integer(129)],
                "in steps of 64 (limits profile 'classic'; start the server with --limits current for AWS's limits of today)"
            ),
            (["MemorySize": .integer(20_000)], "less than or equal to 3072 (limits profile 'classic')"),
            (
                ["EphemeralStorage": .object(["Size": .integer(1_024)])],
                "less than or equal to 512 (limits profile 'classic'; start the server"
            ),
        ] as [([String: JSONValue], String)]
    )
    func `what the values mean here`(extra: [String: JSONValue], text: String) async throws {
        let error = try #require(try await create(extra))
        #expect(error.wire.name == "InvalidParameterValueException")
        #expect(error.wire.message.contains(text), "\(error.wire.message)")
    }

    @Test func `the profile is named in a refused timeout`() async throws {
        #expect(
            try await create(["Timeout": .integer(301)])
                == .validation(
                    message:
                        "1 validation error detected: Value '301' at 'timeout' failed to satisfy constraint: Member "
                        + "must have value less than or equal to 300 (limits profile 'classic'; start the server with "
                        + "--limits current for AWS's limits of today)"
                )
        )
        #expect(
            try await create(["Timeout": .integer(901)], limits: .current)
                == .validation(
                    message:
                        "1 validation error detected: Value '901' at 'timeout' failed to satisfy constraint: Member "
                        + "must have value less than or equal to 900"
                )
        )
    }

    @Test(arguments: [
        (LimitsProfile.classic, 128, 3), (.classic, 3_008, 300), (.classic, 3_072, 1), (.current, 129, 900),
        (.current, 10_240, 1),
    ])
    func `the ends of what a profile allows`(limits: LimitsProfile, memory: Int, timeout: Int) async throws {
        #expect(
            try await create(["MemorySize": .integer(memory), "Timeout": .integer(timeout)], limits: limits) == nil
        )
    }

    @Test(arguments: [
        "", "[]", "{", "null", #"{"FunctionName":1}"#, #"{"Timeout":"3"}"#, #"{"Timeout":1.5}"#, #"{"Code":[]}"#,
        #"{"Environment":{"Variables":{"KEY":1}}}"#, #"{"Tags":{"a":null}}"#,
        #"{"Timeout":99999999999999999999}"#, #"{"Code":{"ZipFile":"no base64"}}"#,
    ])
    func `bodies that are no request`(body: String) async throws {
        let fixture = try ControlPlaneFixture()
        defer { try? fixture.remove() }
        let error = try await refusal {
            try await fixture.controlPlane.createFunction(Array(body.utf8), caller: ControlPlaneFixture.caller)
        }
        #expect(error?.wire.status == 400)
    }

    @Test func `base64 that isn't any is not code`() async throws {
        #expect(
            try await create(["Code": .object(["ZipFile": .string("no base64")])])
                == .invalidRequestContent(
                    message: "Could not parse request body into json: 'ZipFile' is not valid base64"
                )
        )
    }

    @Test func `an image is no code of a function from a zip`() async throws {
        let fixture = try ControlPlaneFixture()
        defer { try? fixture.remove() }
        try await fixture.activating {
            try await fixture.create("f")
            let before = try await fixture.settled("f")
            for zip: [String: JSONValue] in [[:], ["ZipFile": .string(SampleCode.echo)]] {
                let body = JSONValue.object(zip.merging(["ImageUri": .string("r/i:t")]) { $1 }).bytes
                let error = try await refusal {
                    try await fixture.controlPlane.updateFunctionCode("f", body, caller: ControlPlaneFixture.caller)
                }
                #expect(
                    error
                        == .invalidParameterValue(
                            message: "Please don't provide ImageUri when updating a function with packageType Zip."
                        )
                )
            }
            #expect(try await fixture.show("f") == before)
        }
    }

    @Test func `an upload over 50 MB is refused`() async throws {
        let fixture = try ControlPlaneFixture()
        defer { try? fixture.remove() }
        // Put together as bytes: seventy million of them.
        let body = ControlPlaneFixture.creation("f", ["Code": .object(["ZipFile": .string("?")])])
        let mark = try #require(body.firstIndex(of: UInt8(ascii: "?")))
        let digits = [UInt8](repeating: UInt8(ascii: "A"), count: LimitsProfile.zipUploadBytesMax / 3 * 4 + 8)
        let error = try await refusal {
            try await fixture.controlPlane.createFunction(
                Array(body[..<mark]) + digits + Array(body[(mark + 1)...]),
                caller: ControlPlaneFixture.caller
            )
        }
        #expect(error == .requestTooLarge(message: "Zipped size must be smaller than 52428800 bytes"))
    }

    @Test func `JSON logs have levels`() async throws {
        let fixture = try ControlPlaneFixture()
        defer { try? fixture.remove() }
        let answer = try await fixture.create(
            "f",
            [
                "LoggingConfig": .object([
                    "LogFormat": .string("JSON"), "ApplicationLogLevel": .string("DEBUG"), "LogGroup": .string("/my"),
                ])
            ]
        )
        #expect(
            answer["LoggingConfig"]
                == .object([
                    "LogFormat": .string("JSON"), "ApplicationLogLevel": .string("DEBUG"),
                    "SystemLogLevel": .string("INFO"), "LogGroup": .string("/my"),
                ])
        )
    }

    @Test func `what has no effect here is shown all the same`() async throws {
        let fixture = try ControlPlaneFixture()
        defer { try? fixture.remove() }
        let answer = try await fixture.create(
            "f",
            [
                "TracingConfig": .object(["Mode": .string("Active")]),
                "DeadLetterConfig": .object(["TargetArn": .string("arn:aws:sqs:us-east-1:000000000000:q")]),
                "Environment": .object([:]),
            ]
        )
        #expect(answer["TracingConfig"] == .object(["Mode": .string("Active")]))
        #expect(answer["DeadLetterConfig"]?["TargetArn"] == .string("arn:aws:sqs:us-east-1:000000000000:q"))
        #expect(answer["Environment"] == .object(["Variables": .object([:])]))
    }

    @Test func `an update of a version or alias is refused`() async throws {
        let fixture = try ControlPlaneFixture()
        defer { try? fixture.remove() }
        let error = try await refusal {
            try await fixture.controlPlane.updateFunctionConfiguration(
                "f:live",
                Array("{}".utf8),
                caller: ControlPlaneFixture.caller
            )
        }
        #expect(error?.wire.message.hasPrefix("This operation is permitted on Lambda functions only.") == true)
    }
}
