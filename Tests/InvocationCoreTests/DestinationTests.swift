// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import Testing

@testable import InvocationCore

/// What destinations are named by, and how often they are tried.
@Suite struct DestinationTests {
    @Test func `an ARN is taken apart`() throws {
        let queue = try #require(DestinationARN("arn:aws:sqs:us-east-1:000000000000:q"))
        #expect(queue.service == .sqs && queue.region == "us-east-1" && queue.accountID == "000000000000")
        #expect(queue.resource == "q" && !queue.isFIFO && queue.function == nil)
        #expect(DestinationARN("arn:aws:sns:us-east-1:000000000000:t.fifo")?.isFIFO == true)
        #expect(DestinationARN("arn:aws:s3:::b.fifo")?.isFIFO == false)
        let bus = try #require(DestinationARN("arn:aws:events:us-east-1:000000000000:event-bus/b"))
        #expect(bus.resource == "event-bus/b")
        let function = try #require(
            DestinationARN("arn:aws:lambda:us-east-1:000000000000:function:f:live")?.function
        )
        #expect(function.key.name == "f" && function.qualifier == "live")
        let plain = try #require(DestinationARN("arn:aws:lambda:us-east-1:000000000000:function:f")?.function)
        #expect(plain.qualifier == nil)
    }

    @Test(
        arguments: [
            "", "arn", "arn:aws:sqs:us-east-1:000000000000", "arn:aws:sqs:us-east-1:000000000000:",
            "arn:aws:kinesis:us-east-1:000000000000:stream/s", "arn::sqs:us-east-1:000000000000:q", "q",
        ]
    )
    func `what names nothing is none`(text: String) {
        #expect(DestinationARN(text) == nil)
    }

    @Test func `a delivery is tried for about an hour, more and more seldom`() {
        let policy = DeliveryRetryPolicy()
        var waits: [Duration] = []
        for tries in 1... {
            guard case .retry(let delay) = policy.decide(mayPass: true, tries: tries) else { break }
            waits.append(delay)
        }
        #expect(waits.count == DeliveryRetryPolicy.triesMax - 1)
        #expect(Array(waits.prefix(4)) == [.seconds(1), .seconds(2), .seconds(4), .seconds(8)])
        #expect(waits.last == .seconds(300) && waits == waits.sorted())
        let total = waits.reduce(Duration.zero, +)
        #expect(total > .seconds(3_000) && total < .seconds(4_000))
        #expect(policy.decide(mayPass: true, tries: .max) == .drop)
    }

    @Test func `what was refused for good is dropped at once`() {
        #expect(DeliveryRetryPolicy().decide(mayPass: false, tries: 1) == .drop)
    }
}
