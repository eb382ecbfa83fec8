// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import Testing

/// The examples of the S3 API reference, "Authenticating Requests: Using the Authorization Header".
@Suite struct S3SignatureTests {
    private let signer = SigV4Signer(
        accessKey: AccessKey(id: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        region: "us-east-1",
        service: SigV4Signer.s3
    )

    private func signature(_ request: SigV4Request, _ body: String) throws -> String {
        let time = try #require(BasicTime.parse("20130524T000000Z"))
        let added = signer.sign(request, body: Array(body.utf8), at: time)
        let text = try #require(added.first { $0.name == "Authorization" }?.value)
        return try #require(text.split(separator: "Signature=").last.map(String.init))
    }

    @Test func `an object that is read`() throws {
        let request = SigV4Request(
            method: "GET",
            path: "/test.txt",
            query: "",
            headers: [.init("Host", "examplebucket.s3.amazonaws.com"), .init("Range", "bytes=0-9")]
        )
        #expect(
            try signature(request, "") == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        )
    }

    @Test func `a path is signed as it is on the wire, encoded once`() throws {
        let request = SigV4Request(
            method: "PUT",
            path: "/test%24file.text",
            query: "",
            headers: [
                .init("Date", "Fri, 24 May 2013 00:00:00 GMT"), .init("Host", "examplebucket.s3.amazonaws.com"),
                .init("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ]
        )
        #expect(
            try signature(request, "Welcome to Amazon S3.")
                == "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        )
    }
}
