// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Testing

@testable import AWSClient

@Suite struct ServiceErrorBodyTests {
    private func read(_ text: String) -> ServiceErrorBody { ServiceErrorBody(Array(text.utf8)) }

    @Test func `code and message are read, whatever else there is`() {
        let body = read(
            """
            <?xml version="1.0" encoding="UTF-8"?>
            <Error><Code>NoSuchKey</Code><Message>The &lt;key&gt; &amp;lt; doesn&apos;t exist.</Message><Key>a</Key></Error>
            """
        )
        #expect(body.code == "NoSuchKey")
        #expect(body.message == "The <key> &lt; doesn't exist.")
    }

    @Test func `the code of a service's former protocol counts before its type`() {
        let body = Array(#"{"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "gone"}"#.utf8)
        let former = "AWS.SimpleQueueService.NonExistentQueue"
        #expect(ServiceErrorBody(body, queryError: "\(former);Sender").code == former)
        #expect(ServiceErrorBody(body, queryError: former).code == former)
        for header in ["", ";Sender", nil] {
            #expect(ServiceErrorBody(body, queryError: header).code == "QueueDoesNotExist")
        }
        #expect(ServiceErrorBody(body, queryError: "\(former);Sender").message == "gone")
    }

    @Test func `what is no such answer has neither`() {
        for text in ["", "<html><body>Bad gateway", "<Code>", "<Code></Message>", "\u{0}"] {
            #expect(read(text).code == nil && read(text).message == nil, "\(text)")
        }
        #expect(ServiceErrorBody([0xFF, 0xFE, 0x3C]).code == nil)
    }

    @Test func `texts are cut and have no control characters`() {
        let body = read("<Code>A\r\n\u{1B}[31mB</Code><Message>\(String(repeating: "x", count: 5_000))</Message>")
        #expect(body.code == "A[31mB")
        #expect(body.message?.count == 256)
        let late = read(String(repeating: " ", count: ServiceErrorBody.bytesMax) + "<Code>Late</Code>")
        #expect(late.code == nil)
    }

    @Test func `an object's path keeps its slashes and encodes the rest once`() {
        #expect(S3Object(bucket: "code", key: "a b/ü+~$%.zip").path == "/code/a%20b/%C3%BC%2B~%24%25.zip")
        #expect(S3Object(bucket: "code", key: "/a//../b/").path == "/code//a//../b/")
        #expect(S3Object(bucket: "b", key: "k", version: "1.5&x").query == "versionId=1.5%26x")
    }

    @Test func `the host's name has a port only where it is not the scheme's own`() {
        func authority(_ url: String) -> String {
            ServiceEndpoint(url: url, region: "r", accessKey: .init(id: "i", secret: "s")).authority
        }
        #expect(authority("http://a:80") == "a")
        #expect(authority("https://a:443") == "a")
        #expect(authority("http://a:443") == "a:443")
        #expect(authority("http://[::1]:9000") == "[::1]:9000")
        #expect(authority("https://s3.example") == "s3.example")
    }
}
