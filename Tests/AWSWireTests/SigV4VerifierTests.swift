// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import Testing

struct SigV4VerifierTests {
    static let key = AccessKey(id: "AKIAEXAMPLE", secret: "secret")
    let verifier = SigV4Verifier(regions: ["us-east-1"], services: ["lambda"])

    func time(_ text: String) throws -> Timestamp { try #require(BasicTime.parse(text)) }

    func signed(
        at date: String = "20250101T000500Z",
        region: String = "us-east-1",
        service: String = "lambda",
        key: AccessKey = key,
        body: [UInt8] = []
    ) throws -> SigV4Request {
        var request = SigV4Request(
            method: "POST",
            path: "/2015-03-31/functions",
            query: "",
            headers: [.init("Host", "localhost:4566")]
        )
        let signer = SigV4Signer(accessKey: key, region: region, service: service)
        request.headers += signer.sign(request, body: body, at: try time(date))
        return request
    }

    /// The exception's name and text that a request is refused with; nil when it is accepted.
    func refusal(of request: SigV4Request, at date: String = "20250101T000500Z", body: [UInt8] = []) throws -> [String]?
    {
        do {
            let now = try time(date)
            let pending = try verifier.examine(request, at: now) { id, _ in
                id == Self.key.id ? .secret(Self.key.secret) : id == "ASIAOLD" ? .expired : .unknown
            }
            try pending.verify(body: body)
            return nil
        } catch let error as LambdaError {
            #expect(error.wire.status == 403)
            return [error.wire.name, error.wire.message]
        }
    }

    func edited(_ name: String, _ edit: (inout String) -> Void) throws -> SigV4Request {
        var request = try signed()
        let index = try #require(request.headers.firstIndex { $0.name.lowercased() == name })
        edit(&request.headers[index].value)
        return request
    }

    @Test(arguments: [
        ("20250101T000000Z", nil), ("20250101T001000Z", nil),
        (
            "20250101T001001Z",
            "Signature expired: 20250101T000500Z is now earlier than 20250101T000501Z (20250101T001001Z - 5 min.)"
        ),
        (
            "20241231T235959Z",
            "Signature not yet current: 20250101T000500Z is still later than 20250101T000459Z (20241231T235959Z + 5 min.)"
        ),
    ])
    func `the clock may differ by five minutes`(now: String, text: String?) throws {
        let refusal = try refusal(of: signed(), at: now)
        #expect(refusal == text.map { ["InvalidSignatureException", $0] })
    }

    @Test func `an unknown key is not recognised`() throws {
        let refusal = try refusal(of: signed(key: AccessKey(id: "AKIAOTHER", secret: "secret")))
        #expect(refusal == ["UnrecognizedClientException", "The security token included in the request is invalid."])
    }

    @Test func `an expired session says so`() throws {
        let refusal = try refusal(of: signed(key: AccessKey(id: "ASIAOLD", secret: "s", sessionToken: "t")))
        #expect(refusal == ["ExpiredTokenException", "The security token included in the request is expired"])
    }

    @Test func `a wrong secret gives a wrong signature`() throws {
        let refusal = try refusal(of: signed(key: AccessKey(id: Self.key.id, secret: "other")))
        #expect(refusal?.first == "InvalidSignatureException")
        #expect(refusal?.last?.hasPrefix("The request signature we calculated does not match") == true)
    }

    @Test func `no signature at all`() throws {
        let request = SigV4Request(method: "GET", path: "/", query: "", headers: [.init("Host", "h")])
        #expect(try refusal(of: request) == ["MissingAuthenticationTokenException", "Missing Authentication Token"])
    }

    @Test func `another region or service`() throws {
        let text = try refusal(of: signed(region: "eu-west-1", service: "sqs"))
        #expect(
            text == [
                "InvalidSignatureException",
                "Credential should be scoped to a valid region, not 'eu-west-1'. "
                    + "Credential should be scoped to correct service: 'lambda'. ",
            ]
        )
    }

    @Test func `a body that isn't the one that was signed`() throws {
        let request = try signed(body: Array("{}".utf8))
        #expect(try refusal(of: request, body: Array("{}".utf8)) == nil)
        #expect(try refusal(of: request, body: Array("[]".utf8))?.first == "InvalidSignatureException")
    }

    @Test(arguments: [
        "", "Bearer abc", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential", "AWS4-HMAC-SHA256 Credential=a",
        "AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=a/20250101/us-east-1/lambda/aws4_request, SignedHeaders=, Signature=00",
        "AWS4-HMAC-SHA256 Credential=a/20250101/us-east-1/lambda/aws4_request, SignedHeaders=Host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=a/20250101/us-east-1/lambda/aws4_request, SignedHeaders=x;host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=a/20250101/us-east-1/lambda/aws4_request, SignedHeaders=host;host, Signature=00",
        "AWS4-HMAC-SHA512 Credential=a/20250101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=00",
    ])
    func `a malformed Authorization header is incomplete`(value: String) throws {
        let request = try edited("authorization") { $0 = value }
        #expect(try refusal(of: request)?.first == "IncompleteSignatureException")
    }

    @Test func `what is missing of an Authorization header is named`() throws {
        let request = try edited("authorization") { $0 = "AWS4-HMAC-SHA256 SignedHeaders=host" }
        #expect(
            try refusal(of: request)?.last
                == "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' "
                + "parameter. Authorization=AWS4-HMAC-SHA256"
        )
    }

    @Test func `the host must be signed`() throws {
        let request = try edited("authorization") {
            $0 = $0.replacing("SignedHeaders=host;", with: "SignedHeaders=")
        }
        #expect(
            try refusal(of: request) == [
                "InvalidSignatureException",
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
            ]
        )
    }

    @Test(arguments: ["0", "zz", "00", String(repeating: "0", count: 64), String(repeating: "0", count: 6_000)])
    func `a signature of another form is a wrong one`(signature: String) throws {
        let request = try edited("authorization") {
            guard let start = $0.ranges(of: "Signature=").first else { return }
            $0 = $0[..<start.upperBound] + signature
        }
        #expect(try refusal(of: request)?.first == "InvalidSignatureException")
    }

    @Test(arguments: [
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "abc", "",
        String(repeating: "g", count: 64),
    ])
    func `other statements about the body are refused`(value: String) throws {
        let request = try edited("x-amz-content-sha256") { $0 = value }
        #expect(try refusal(of: request)?.first == "InvalidSignatureException")
    }

    @Test func `the body can't be taken out of a signature afterwards`() throws {
        var request = try signed()
        request.headers.removeAll { $0.name == "X-Amz-Content-SHA256" }
        request.headers.append(.init("x-amz-content-sha256", "UNSIGNED-PAYLOAD"))
        #expect(try refusal(of: request)?.first == "InvalidSignatureException")
    }

    @Test(arguments: ["2025-01-01T00:05:00Z", "20250101T000500", "20250230T000500Z", "20251301T000500Z", "x"])
    func `a date of another form`(date: String) throws {
        let request = try edited("x-amz-date") { $0 = date }
        #expect(try refusal(of: request)?.first == "IncompleteSignatureException")
    }

    @Test func `two Authorization headers are refused`() throws {
        var request = try signed()
        if let authorization = request.headers.last { request.headers.append(authorization) }
        #expect(try refusal(of: request)?.first == "IncompleteSignatureException")
    }

    @Test func `a long request line is refused`() throws {
        var request = try signed()
        request.query = String(repeating: "a&", count: 20_000)
        #expect(try refusal(of: request)?.first == "IncompleteSignatureException")
    }

    @Test(arguments: ["0", "604801", "x", "-1", ""])
    func `a presigned life out of bounds`(seconds: String) throws {
        let signer = SigV4Signer(accessKey: Self.key, region: "us-east-1", service: "lambda")
        var request = SigV4Request(method: "GET", path: "/", query: "", headers: [.init("Host", "h")])
        request.query = signer.presign(request, seconds: 60, at: try time("20250101T000500Z"))
            .replacing("X-Amz-Expires=60", with: "X-Amz-Expires=\(seconds)")
        #expect(try refusal(of: request)?.first == "IncompleteSignatureException")
    }

    @Test func `a head that states its hash is checked before the body comes`() throws {
        let request = try signed(body: [1])
        let now = try time("20250101T000500Z")
        var pending = try verifier.examine(request, at: now) { _, _ in .secret(Self.key.secret) }
        #expect(try pending.verifyHead())
        var wrong = try verifier.examine(request, at: now) { _, _ in .secret("other") }
        #expect(throws: LambdaError.self) { try wrong.verifyHead() }
    }

    // MARK: Keys that were derived

    private func accepts(
        _ request: SigV4Request,
        _ keys: SigningKeys,
        secret: String,
        body: [UInt8] = []
    ) throws -> Bool {
        let verifier = SigV4Verifier(regions: ["us-east-1", "eu-west-1"], services: ["lambda", "logs"], keys: keys)
        do {
            var pending = try verifier.examine(request, at: try time("20250101T000500Z")) { _, _ in .secret(secret) }
            try pending.verifyHead()
            try pending.verify(body: body)
            return true
        } catch let error as LambdaError {
            #expect(error.wire.name == "InvalidSignatureException")
            return false
        }
    }

    @Test func `a derived key serves one access key, secret, day, region and service`() throws {
        let keys = SigningKeys()
        for _ in 0..<3 { #expect(try accepts(signed(), keys, secret: Self.key.secret)) }
        #expect(keys.count == 1)
        for other in ["eu-west-1", "us-east-1"] {
            #expect(try accepts(signed(region: other, service: "logs"), keys, secret: Self.key.secret))
        }
        #expect(try accepts(signed(key: AccessKey(id: "AKIAOTHER", secret: "o")), keys, secret: "o"))
        #expect(keys.count == 4)
        #expect(try !accepts(signed(key: AccessKey(id: "AKIAOTHER", secret: Self.key.secret)), keys, secret: "o"))
        // The secret is another one from now on.
        #expect(try !accepts(signed(), keys, secret: "new"))
        #expect(try accepts(signed(key: AccessKey(id: Self.key.id, secret: "new")), keys, secret: "new"))
        #expect(try !accepts(signed(), keys, secret: "new"))
        #expect(keys.count == 4)
        keys.forget(Self.key.id)
        #expect(keys.count == 1)
    }

    @Test func `wrong signatures leave no key, and there are so many at most`() throws {
        let keys = SigningKeys()
        #expect(try !accepts(signed(), keys, secret: "other"))
        #expect(keys.count == 0)
        for index in 0..<SigningKeys.keysMax + 10 {
            let key = AccessKey(id: "AKIA\(index)", secret: "s\(index)")
            #expect(try accepts(signed(key: key), keys, secret: key.secret))
        }
        #expect(keys.count == 10)
    }

    @Test func `the body is compared whether the head was checked before or not`() throws {
        let keys = SigningKeys()
        for body: [UInt8] in [[1], [2]] {
            #expect(try accepts(signed(body: [1]), keys, secret: Self.key.secret, body: body) == (body == [1]))
            #expect(try (refusal(of: signed(body: [1]), body: body) == nil) == (body == [1]))
        }
    }
}
