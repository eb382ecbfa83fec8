// SPDX-License-Identifier: Apache-2.0
import AWSClient
import AWSWire
import ControlPlane
import LambdaModel
import Testing

@Suite struct CodeFromBucketTests {
    private static func code(_ key: String, _ extra: [String: JSONValue] = [:]) -> [String: JSONValue] {
        let code: [String: JSONValue] = ["S3Bucket": .string("code"), "S3Key": .string(key)]
        return ["Code": .object(code.merging(extra) { $1 })]
    }

    private func refused(_ buckets: CodeBuckets, _ members: [String: JSONValue]) async throws -> LambdaError? {
        let fixture = try ControlPlaneFixture(buckets: buckets)
        defer { try? fixture.remove() }
        return try await refusal { try await fixture.create("f", members) }
    }

    @Test func `functions and layers are made of an object, in the version that is named`() async throws {
        let zip = try #require(Base64.decode(SampleCode.echo))
        let fixture = try ControlPlaneFixture(
            buckets: .reached { object, _ in
                guard object == S3Object(bucket: "code", key: "f.zip", version: "3") else {
                    throw ServiceFailure.refused(status: 404, code: "NoSuchKey", message: "m")
                }
                return zip
            }
        )
        defer { try? fixture.remove() }
        let version: [String: JSONValue] = ["S3ObjectVersion": .string("3")]
        let uploaded = try await fixture.create("uploaded")
        let function = try await fixture.create("f", Self.code("f.zip", version))
        #expect(function["CodeSha256"] == uploaded["CodeSha256"])
        let content = Self.code("f.zip", version)["Code"] ?? .null
        let layer = try await fixture.controlPlane.publishLayerVersion(
            "l",
            JSONValue.object(["Content": content]).bytes,
            origin: "http://localhost",
            caller: ControlPlaneFixture.caller
        )
        #expect(layer["Content"]?["CodeSha256"] == uploaded["CodeSha256"])
    }

    @Test func `S3's refusals reach the caller in AWS's words, its own troubles as the server's`() async throws {
        func answer(_ failure: ServiceFailure) async throws -> LambdaError? {
            try await refused(.reached { _, _ in throw failure }, Self.code("f.zip"))
        }
        #expect(
            try await answer(
                .refused(status: 404, code: "NoSuchKey", message: "The specified key does not exist.")
            )
                == .invalidParameterValue(
                    message:
                        "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified "
                        + "key does not exist."
                )
        )
        #expect(
            try await answer(.refused(status: 403, code: "AccessDenied", message: "Access Denied."))
                == .accessDenied(
                    name: "AccessDeniedException",
                    message: "Your access has been denied by S3, please make sure your request credentials have "
                        + "permission to GetObject for code/f.zip. S3 Error Code: AccessDenied. S3 Error Message: Access "
                        + "Denied."
                )
        )
        #expect(
            try await answer(.tooLarge(bytesMax: 262_144_000))
                == .invalidParameterValue(message: "Unzipped size must be smaller than 262144000 bytes")
        )
        for failure in [
            ServiceFailure.refused(status: 503, code: "SlowDown", message: "m"), .unreachable(cause: "http://10.0.0.1"),
        ] {
            #expect(
                try await answer(failure)
                    == .service(
                        message: "The server's S3 endpoint is out of order or can't be reached. Nothing was changed."
                    )
            )
        }
    }

    @Test func `what is no zip, nothing at all, or two sources at once is refused`() async throws {
        #expect(
            try await refused(.reached { _, _ in Array("no zip".utf8) }, Self.code("f.zip"))
                == .invalidParameterValue(
                    message: "Could not unzip uploaded file. Please check your file, then try to upload again."
                )
        )
        #expect(
            try await refused(.reached { _, _ in [] }, Self.code("f.zip"))
                == .invalidParameterValue(message: "Uploaded file must be a non-empty zip")
        )
        #expect(
            try await refused(.notConfigured, Self.code("f.zip", ["ZipFile": .string(SampleCode.echo)]))
                == .invalidParameterValue(
                    message: "Please do not provide other FunctionCode parameters when providing a ZipFile."
                )
        )
        #expect(
            try await refused(.notConfigured, ["Code": .object(["S3Bucket": .string("code")])])
                == .invalidParameterValue(message: "Please provide a source for function code.")
        )
    }

    @Test func `without an endpoint or a key the option is named`() async throws {
        #expect(try await refused(.notConfigured, Self.code("f.zip"))?.wire.message.contains("--s3-endpoint") == true)
        #expect(
            try await refused(.withoutKey, Self.code("f.zip"))?.wire.message.contains("--s3-access-key-id") == true
        )
    }
}
