// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import Testing

struct ARNTests {
    @Test(arguments: [
        (
            "arn:aws:lambda:us-east-1:000000000000:function:f:live", "lambda", "us-east-1", "000000000000",
            "function:f:live"
        ),
        ("arn:aws:s3:::bucket/a:b", "s3", "", "", "bucket/a:b"),
        ("arn:aws:iam::000000000000:role/path/r", "iam", "", "000000000000", "role/path/r"),
        ("arn:aws-cn:sqs:cn-north-1:000000000000:q", "sqs", "cn-north-1", "000000000000", "q"),
    ])
    func `an ARN is its parts, and comes back`(
        text: String,
        service: String,
        region: String,
        account: String,
        resource: String
    ) throws {
        let arn = try #require(ARN(text))
        #expect((arn.service, arn.region, arn.accountID, arn.resource) == (service, region, account, resource))
        #expect(arn.description == text)
        #expect(arn.canonical.description.hasPrefix("arn:aws:\(service):") && arn.canonical.resource == resource)
    }

    @Test(arguments: [
        "", "arn", "arn:aws:lambda:us-east-1:000000000000", "arn:aws:lambda:us-east-1:000000000000:", "ARN:aws:s3:::b",
        "arn::s3:::b", "arn:aws::us-east-1:0:b", "arn:aws:s3:us east:0:b", "arn:aws:s3::0\u{301}:b", " arn:aws:s3:::b",
        "arn\u{301}:aws:s3:::b", "arn:a*s:s3:::b",
    ])
    func `what is none`(text: String) {
        #expect(ARN(text) == nil)
        #expect(ARN("arn:aws:s3:::" + String(repeating: "b", count: ARN.bytesMax)) == nil)
    }

    @Test(
        arguments: [
            ("arn:aws:lambda:us-east-1:000000000000:function:f", "f", nil),
            ("arn:aws-cn:lambda:us-east-1:000000000000:function:f:1", "f", "1"),
            ("arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST", "f", "$LATEST"),
        ] as [(String, String, String?)]
    )
    func `a function, a version or an alias`(text: String, name: String, qualifier: String?) throws {
        let found = try #require(ARN(text)?.function)
        #expect(found.key == FunctionKey(accountID: "000000000000", region: "us-east-1", name: name))
        #expect(found.qualifier == qualifier)
    }

    @Test(arguments: [
        "arn:aws:s3:us-east-1:000000000000:function:f", "arn:aws:lambda:us-east-1:0:function:f",
        "arn:aws:lambda::000000000000:function:f", "arn:aws:lambda:us-east-1:000000000000:layer:f",
        "arn:aws:lambda:us-east-1:000000000000:function", "arn:aws:lambda:us-east-1:000000000000:function:",
        "arn:aws:lambda:us-east-1:000000000000:function:f:", "arn:aws:lambda:us-east-1:000000000000:function:f:1:2",
        "arn:aws:lambda:us-east-1:000000000000:function:f:$X", "arn:aws:lambda:us-east-1:000000000000:function:f/g",
        "arn:aws:lambda:US-EAST-1:000000000000:function:f",
    ])
    func `what names no function`(text: String) {
        #expect(ARN(text)?.function == nil)
    }
}

struct RegionNameTests {
    @Test func `AWS's regions have a region's form`() {
        #expect(RegionName.all.count > 40 && RegionName.all.allSatisfy { RegionName.isValid($0) })
    }
}
