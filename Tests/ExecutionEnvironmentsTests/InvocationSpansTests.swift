// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import MetricCore
import Testing

@testable import ExecutionEnvironments

struct InvocationSpansTests {
    private static let arrived = Timestamp(millisecondsSinceEpoch: 1_764_025_920_000)
    private static let millisecond: Int64 = 1_000_000

    private static let header =
        "Root=1-67891233-ABCDEF012345678912345678;Parent=2222222222222222;Sampled=1;Lineage=1:00000000:0"

    private static func invocation(
        parent: String?,
        header: String?
    ) -> (InvocationRequest, FunctionConfiguration) {
        let key = FunctionKey(accountID: "000000000000", region: "eu-west-1", name: "f")
        var request = InvocationRequest(
            requestID: "r",
            function: key,
            qualifier: "live",
            payload: [],
            traceHeader: header
        )
        request.span = InvocationSpan(parent: parent, arrived: arrived)
        let configuration = FunctionConfiguration(
            key: key,
            runtime: "python3.12",
            handler: "app.handler",
            role: "",
            code: CodeReference(objectID: "o", sha256: "", sizeBytes: 0),
            lastModified: Timestamp(millisecondsSinceEpoch: 0),
            revisionID: "r"
        )
        return (request, configuration)
    }

    private static func spans(
        parent: String? = "1111111111111111",
        waited: Duration = .zero,
        status: InvocationReport.Status = .success,
        beginning: InvocationSpans.Beginning? = nil,
        header: String? = Self.header
    ) -> [Span] {
        let (request, configuration) = Self.invocation(parent: parent, header: header)
        let report = InvocationReport(
            id: InvocationID("r"),
            status: status,
            duration: .milliseconds(5),
            initDuration: beginning?.initDuration
        )
        var random = SystemRandomNumberGenerator()
        return InvocationSpans(
            request: request,
            configuration: configuration,
            report: report,
            assigned: arrived.advanced(by: waited),
            beginning: beginning
        ).spans(using: &random)
    }

    @Test func `a warm invocation is a whole with its wait and its run`() {
        let spans = Self.spans()
        #expect(spans.map(\.name) == ["f", "queue", "invoke"])
        #expect(Set(spans.map(\.traceID)) == ["67891233abcdef012345678912345678"])
        // The function has the whole's id as its parent.
        #expect(spans[0].id == "2222222222222222" && spans[0].parent == "1111111111111111" && spans[0].kind == .server)
        #expect(spans[1].parent == spans[0].id && spans[2].parent == spans[0].id)
        #expect(Set(spans.map(\.id)).count == 3 && spans.allSatisfy { $0.id.utf8.count == 16 && $0.error == nil })
        #expect(spans[2].end - spans[2].start == 5 * Self.millisecond && spans[0].end == spans[2].end)
    }

    @Test func `a cold one has how its environment came to be within its wait`() {
        let beginning = InvocationSpans.Beginning(
            created: Self.arrived.advanced(by: .milliseconds(2)),
            initialized: Self.arrived.advanced(by: .milliseconds(90)),
            initDuration: .milliseconds(70)
        )
        let spans = Self.spans(parent: nil, waited: .milliseconds(91), beginning: beginning)
        #expect(spans.map(\.name) == ["f", "queue", "environment start", "init", "invoke"])
        #expect(spans[0].parent == nil && spans[2].parent == spans[1].id && spans[3].parent == spans[1].id)
        let offsets = spans.map {
            (($0.start - spans[0].start) / Self.millisecond, ($0.end - spans[0].start) / Self.millisecond)
        }
        let expected: [(Int64, Int64)] = [(0, 96), (0, 91), (2, 20), (20, 90), (91, 96)]
        for (found, wanted) in zip(offsets, expected) { #expect(found == wanted) }
    }

    @Test func `what was initialised before anybody asked is no part of the wait`() {
        let beginning = InvocationSpans.Beginning(
            created: Self.arrived.advanced(by: .milliseconds(-500)),
            initialized: Self.arrived.advanced(by: .milliseconds(-400)),
            initDuration: .milliseconds(50)
        )
        #expect(Self.spans(beginning: beginning).map(\.name) == ["f", "queue", "invoke"])
        // Begun for somebody else, and waited for: from the arrival on.
        let shared = InvocationSpans.Beginning(
            created: Self.arrived.advanced(by: .milliseconds(-500)),
            initialized: Self.arrived.advanced(by: .milliseconds(10)),
            initDuration: .milliseconds(50)
        )
        let spans = Self.spans(waited: .milliseconds(10), beginning: shared)
        #expect(spans.allSatisfy { $0.start >= spans[0].start && $0.end >= $0.start && $0.end <= spans[0].end })
    }

    @Test func `a failure is the run's and the whole's, and a header that is none has no spans`() {
        let spans = Self.spans(status: .timeout)
        #expect(spans.map(\.error) == ["Sandbox.Timedout", nil, "Sandbox.Timedout"])
        #expect(Self.spans(header: nil).isEmpty && Self.spans(header: "x").isEmpty)
    }

    @Test(arguments: [
        (LambdaError.tooManyRequests(.functionInvocationRateLimitExceeded), 429, false, true),
        (.service(message: "lost"), 500, true, false), (.recursiveInvocation, 400, false, false),
    ])
    func `what is refused is one span with the exception`(
        _ error: LambdaError,
        status: Int,
        isFault: Bool,
        isThrottle: Bool
    ) throws {
        let (request, configuration) = Self.invocation(parent: "1111111111111111", header: Self.header)
        let refused = Self.arrived.advanced(by: .milliseconds(3))
        func refusal(of request: InvocationRequest) -> Span? {
            RefusedInvocation(request: request, configuration: configuration, error: error, refused: refused).span
        }
        let span = try #require(refusal(of: request))
        #expect(span.traceID == "67891233abcdef012345678912345678" && span.name == "f" && span.kind == .server)
        #expect(span.id == "2222222222222222" && span.parent == "1111111111111111")
        #expect(span.end - span.start == 3 * Self.millisecond && span.error == error.wire.name)
        let attributes = Dictionary(uniqueKeysWithValues: span.attributes.map { ($0.name, $0.value) })
        #expect(attributes["error.type"] == .text(error.wire.name) && attributes["faas.invocation_id"] == .text("r"))
        #expect(attributes["http.response.status_code"] == .integer(status))
        #expect(attributes["martlet.fault"] == .flag(isFault) && attributes["martlet.throttle"] == .flag(isThrottle))
        #expect(attributes["martlet.throttle_reason"] == error.wire.reason.map(Span.Value.text))
        var unsampled = request
        unsampled.span = nil
        #expect(refusal(of: unsampled) == nil)
    }
}
