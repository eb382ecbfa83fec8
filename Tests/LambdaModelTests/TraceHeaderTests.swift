// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import Testing

/// A trace header is made or checked part by part; nothing else of a caller's gets through.
struct TraceHeaderTests {
    private struct Counter: RandomNumberGenerator {
        var value: UInt64 = 0x0123_4567_89AB_CDEF
        mutating func next() -> UInt64 {
            value &+= 1
            return value
        }
    }

    private let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")
    private let time = Timestamp(millisecondsSinceEpoch: 1_764_025_947_123)
    private static let root = "1-5759e988-bd862e3fe1be46a994272793"

    private func header(_ caller: String?, isActive: Bool = false) -> TraceHeader {
        var random = Counter()
        return TraceHeader(continuing: caller, function: function, isActive: isActive, at: time, using: &random)
    }

    private func isWellFormed(_ header: TraceHeader) -> Bool {
        header.description.wholeMatch(
            of: #/Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01];Lineage=\d+:[0-9a-f]{8}:\d+/#
        ) != nil
    }

    @Test func `without a caller's header a trace begins`() {
        let made = header(nil)
        #expect(isWellFormed(made), "\(made)")
        #expect(made.root.hasPrefix("1-6924e65b-") && !made.isSampled)
        #expect(made.lineage.requests == 1 && made.lineage.loops == 0)
        #expect(header(nil, isActive: true).isSampled)
        #expect(TraceHeader(made.description) == made)
    }

    @Test func `a caller's trace goes on`() {
        let kept = header("Root=\(Self.root);Parent=53995c3f42cd8ad8;Sampled=1;Lineage=3:a87bd80c:1")
        #expect(kept.description == "Root=\(Self.root);Parent=53995c3f42cd8ad8;Sampled=1;Lineage=4:a87bd80c:1")
        #expect(header("Self=1-0-0; Root=\(Self.root) ;Sampled=1").root != Self.root)
        #expect(header("Self=1-0-0; Root=\(Self.root);Sampled=1").root == Self.root)
    }

    /// U+037E is the semicolon's other spelling: equal text in Swift, other bytes on the wire.
    @Test func `only what is written is read, to the byte`() {
        let text = header(nil).description
        #expect(TraceHeader(text) != nil)
        #expect(TraceHeader(text.replacing(";", with: "\u{37E}")) == nil)
    }

    @Test func `what a caller left out is made`() {
        let made = header("Root=\(Self.root)", isActive: true)
        #expect(isWellFormed(made) && made.root == Self.root && made.isSampled)
        #expect(!header("Root=\(Self.root);Sampled=?").isSampled)
        #expect(!header("Root=\(Self.root);Sampled=0", isActive: true).isSampled)
    }

    @Test func `whether it is sampled is seen in what is written`() {
        let longest = "Root=\(Self.root);Parent=53995c3f42cd8ad8;Sampled=1;Lineage=32767:a87bd80c:255"
        for made in [header(nil), header(nil, isActive: true), header(longest)] {
            #expect(TraceHeader.isSampled(made.description) == made.isSampled)
        }
        #expect(!TraceHeader.isSampled("") && !TraceHeader.isSampled("Root=1"))
    }

    @Test func `coming back to one resource is counted, and the count ends`() {
        let own = header(nil).lineage.resource
        #expect(header("Root=\(Self.root);Lineage=1:\(own):0").lineage.description == "2:\(own):1")
        #expect(header("Root=\(Self.root);Lineage=32767:\(own):255").lineage.description == "32767:\(own):255")
        let other = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "g")
        var random = Counter()
        let second = TraceHeader(continuing: nil, function: other, isActive: false, at: time, using: &random)
        #expect(second.lineage.resource != own)
    }

    @Test(
        arguments: [
            "", "Root", "Root=", "Root=1-2-3", "root=1-5759e988-bd862e3fe1be46a994272793",
            "Root=2-5759e988-bd862e3fe1be46a994272793",
            "Root=1-5759e988-bd862e3fe1be46a99427279g", "Root=1-5759e988-bd862e3fe1be46a994272793\r\nX: y",
            "Root=1-5759e988-bd862e3fe1be46a994272793-", "Root=1-5759e988-bd862e3fe1be46a9942727933;Sampled=1",
            "Root=１-5759e988-bd862e3fe1be46a994272793", String(repeating: ";", count: 1_025),
            "Root=1-5759e988-bd862e3fe1be46a994272793;" + String(repeating: "a", count: 1_024),
        ]
    )
    func `a malformed or hostile header begins a new trace`(caller: String) {
        let made = header(caller)
        #expect(isWellFormed(made) && made.root != Self.root && !made.isSampled)
    }

    @Test(
        arguments: [
            "Parent=53995c3f42cd8ad", "Parent=53995c3f42cd8ad8\n", "Lineage=32768:a87bd80c:0", "Lineage=1:a87bd80c:256",
            "Lineage=a87bd80c:0", "Lineage=1:A87BD80:0", "Lineage=+1:a87bd80c:0", "Lineage=1:a87bd80c:0|68fd508a:5",
            "Sampled=1;Sampled=0\u{1}",
        ]
    )
    func `a malformed part is made anew`(part: String) {
        let made = header("Root=\(Self.root);\(part)")
        #expect(isWellFormed(made) && made.root == Self.root)
    }

    @Test func `only its own form is read`() {
        let text = header(nil).description
        #expect(TraceHeader(text) != nil)
        #expect(TraceHeader(text + ";Self=1") == nil)
        #expect(TraceHeader("Root=\(Self.root);Sampled=1") == nil)
    }

    /// The function's place in the chain at which it is taken for a part of a loop; nil where it never is.
    private func stop(_ chain: [String], then loop: [String]) -> (function: String, runs: Int)? {
        var trace: String?
        var runs: [String: Int] = [:]
        for position in 0..<2_000 {
            let name = position < chain.count ? chain[position] : loop[(position - chain.count) % loop.count]
            let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: name)
            var random = Counter()
            let made = TraceHeader(continuing: trace, function: function, isActive: false, at: time, using: &random)
            if made.isLoop(of: function) { return (name, runs[name, default: 0]) }
            runs[name, default: 0] += 1
            trace = made.description
        }
        return nil
    }

    @Test func `a loop is known when a function has run sixteen times in it`() throws {
        let own = try #require(stop([], then: ["a"]))
        #expect(own.function == "a" && own.runs == 16)
        let two = try #require(stop([], then: ["a", "b"]))
        #expect(two.function == "a" && two.runs == 16)
    }

    @Test func `a loop is known that the trace's beginning is no part of`() throws {
        let tail = try #require(stop(["a"], then: ["b", "c"]))
        #expect(tail.function != "a" && tail.runs <= 32)
        let long = try #require(stop(["a", "b", "c"], then: (0..<20).map { "f\($0)" }))
        #expect(long.runs <= 32)
    }

    @Test func `functions that come once each are no loop`() {
        #expect(stop((0..<2_000).map { "f\($0)" }, then: ["none"]) == nil)
    }

    @Test func `W3C's context has the same parts`() throws {
        let text = "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"
        let header = try #require(TraceHeader.header(traceparent: text))
        #expect(header == "Root=1-0AF76519-16CD43DD8448EB211C80319C;Parent=b7ad6b7169203331;Sampled=1")
        var random = Counter()
        let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")
        let made = TraceHeader(continuing: header, function: function, isActive: false, at: time, using: &random)
        #expect(
            made.traceID == "0af7651916cd43dd8448eb211c80319c" && made.parent == "b7ad6b7169203331" && made.isSampled
        )
        #expect(TraceHeader.names("b7ad6b7169203331", in: header) && !TraceHeader.names("b7ad6b7169203332", in: header))
        #expect(TraceHeader.header(traceparent: "cc-\(text.dropFirst(3))-later") != nil)
        #expect(TraceHeader.header(traceparent: text.dropLast() + "0")?.hasSuffix("Sampled=0") == true)
    }

    @Test func `what is no context of W3C's is none`() {
        let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
        let refused = [
            "", "-", "00", "00-\(trace)", "00-\(trace)-\(span)", "00-\(trace)-\(span)-01-more",
            "ff-\(trace)-\(span)-01",
            "0-\(trace)-\(span)-01", "00-\(trace.dropLast())-\(span)-01", "00-\(trace)-\(span)0-01",
            "00-\(trace)-\(span)-1",
            "00-\(trace)-\(span)-0g", "00-\(String(repeating: "0", count: 32))-\(span)-01",
            "00-\(trace)-\(String(repeating: "0", count: 16))-01", "00-\(trace)-\(span);-01",
            "00-\(trace)-\(span)-01-" + String(repeating: "a", count: 2_000),
        ]
        for text in refused { #expect(TraceHeader.header(traceparent: text) == nil, "\(text.prefix(80))") }
    }
}
