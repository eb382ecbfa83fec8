// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Testing

/// What is stated is what is verified.
struct StatedCredentialTests {
    private func stated(_ authorization: String) -> StatedCredential? {
        StatedCredential(
            SigV4Request(method: "POST", path: "/", query: "", headers: [.init("Authorization", authorization)])
        )
    }

    @Test(arguments: [
        "AWS4-HMAC-SHA256 Credential=AKIA/20250101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 SignedHeaders=host,Signature=00,Credential=AKIA/20250101/us-east-1/sqs/aws4_request",
        "AWS4-HMAC-SHA256 SignedHeaders=host,\tCredential=AKIA/20250101/us-east-1/sqs/aws4_request\t,Signature=00",
        "  AWS4-HMAC-SHA256  SignedHeaders=host , \t Credential = AKIA/20250101/us-east-1/sqs/aws4_request",
        "AWS4-HMAC-SHA256 Credential=B/20250101/eu-west-1/s3/aws4_request,"
            + "Credential=AKIA/20250101/us-east-1/sqs/aws4_request",
    ])
    func `it is found wherever it stands`(authorization: String) {
        let credential = stated(authorization)
        #expect(credential?.accessKeyID == "AKIA" && credential?.region == "us-east-1")
        #expect(credential?.service == "sqs")
    }

    @Test(arguments: [
        "", "Bearer Credential=AKIA/20250101/us-east-1/sqs/aws4_request", "AWS4-HMAC-SHA256 Signature=00",
        "AWS4-HMAC-SHA256\tCredential=AKIA/20250101/us-east-1/sqs/aws4_request",
        "AWS4-HMAC-SHA256 Credential=AKIA/20250101/us-east-1/sqs",
        "AWS4-HMAC-SHA256 XCredential=AKIA/20250101/us-east-1/sqs/aws4_request",
    ])
    func `what is none is none`(authorization: String) {
        #expect(stated(authorization) == nil)
    }
}
