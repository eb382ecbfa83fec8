// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import AsyncHTTPClient
package import LambdaModel
import NIOCore
import NIOHTTP1

/// Asks one service: signs, waits no longer than it may, reads no more than it may, tries again where that may help.
package struct ServiceClient: Sendable {
    /// How long things may take.
    package struct Times: Sendable {
        /// All of one request, with what is tried again.
        package var total = Duration.seconds(60)
        /// Before a failure is tried again; each time is four times the one before.
        package var pause = Duration.milliseconds(200)
        /// Tries of one request, where the service is out of order for a moment.
        package var triesMax = 3

        package init() {}
    }

    private let http: HTTPClient
    package let endpoint: ServiceEndpoint
    private let times: Times
    private let now: @Sendable () -> Timestamp

    package init(
        http: HTTPClient,
        endpoint: ServiceEndpoint,
        times: Times = Times(),
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.http = http
        self.endpoint = endpoint
        self.times = times
        self.now = now
    }

    /// What `http` should be made with: no redirects (a signature is for one host), nothing unpacked, few connections.
    package static func httpConfiguration(connectionsMax: Int) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow, decompression: .disabled)
        configuration.timeout.connect = .seconds(5)
        // Between two parts of an answer, and of a body.
        configuration.timeout.read = .seconds(20)
        configuration.timeout.write = .seconds(20)
        configuration.httpVersion = .http1Only
        // Who comes later waits, within the time that a request has.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connectionsMax
        // We try again ourselves, and count.
        configuration.connectionPool.retryConnectionEstablishment = false
        return configuration
    }

    /// The answer's bytes.
    ///
    /// - Throws: `ServiceFailure`, or `CancellationError`.
    package func perform(_ request: ServiceRequest, bytesMax: Int) async throws -> [UInt8] {
        let end = ContinuousClock.now.advanced(by: times.total)
        return try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
            group.addTask { try await tries(request, bytesMax: bytesMax, until: end) }
            // The HTTP client's own deadline ends with an answer's head; a body may come drop by drop.
            group.addTask {
                try await Task.sleep(until: end, clock: .continuous)
                return nil
            }
            defer { group.cancelAll() }
            guard let bytes = try await group.next() ?? nil else {
                throw ServiceFailure.unreachable(cause: "no whole answer within \(times.total)")
            }
            return bytes
        }
    }

    private func tries(
        _ request: ServiceRequest,
        bytesMax: Int,
        until end: ContinuousClock.Instant
    ) async throws -> [UInt8] {
        var retry = ServiceRetry(times)
        while true {
            do {
                return try await once(request, bytesMax: bytesMax, until: end)
            } catch let failure as ServiceFailure {
                switch retry.failed(failure, left: ContinuousClock.now.duration(to: end)) {
                case .giveUp: throw failure
                case .wait(let pause): try await Task.sleep(for: pause, clock: .continuous)
                }
            }
        }
    }

    private func once(
        _ request: ServiceRequest,
        bytesMax: Int,
        until end: ContinuousClock.Instant
    ) async throws -> [UInt8] {
        let outgoing = signed(request)
        do {
            let left = ContinuousClock.now.duration(to: end)
            let deadline = NIODeadline.now() + .nanoseconds(left.nanoseconds)
            let response = try await http.execute(outgoing, deadline: deadline)
            guard request.successes.contains(Int(response.status.code)) else { throw try await refusal(response) }
            return try await body(of: response, bytesMax: bytesMax)
        } catch let failure as ServiceFailure {
            throw failure
        } catch let error as CancellationError {
            throw error
        } catch {
            throw ServiceFailure.unreachable(cause: "\(error)")
        }
    }

    private func body(of response: HTTPClientResponse, bytesMax: Int) async throws -> [UInt8] {
        let announced = response.headers.first(name: "Content-Length").flatMap(Int.init)
        if let announced, announced > bytesMax { throw ServiceFailure.tooLarge(bytesMax: bytesMax) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(announced ?? 0)
        for try await part in response.body {
            guard bytes.count + part.readableBytes <= bytesMax else {
                throw ServiceFailure.tooLarge(bytesMax: bytesMax)
            }
            bytes.append(contentsOf: part.readableBytesView)
        }
        // A connection that breaks is an error of its own; this is for a service that says less than it announced.
        if let announced, announced != bytes.count {
            throw ServiceFailure.unreachable(cause: "\(bytes.count) bytes of \(announced)")
        }
        return bytes
    }

    private func refusal(_ response: HTTPClientResponse) async throws -> ServiceFailure {
        var bytes: [UInt8] = []
        for try await part in response.body {
            bytes.append(contentsOf: part.readableBytesView)
            if bytes.count >= ServiceErrorBody.bytesMax { break }
        }
        let body = ServiceErrorBody(bytes, queryError: response.headers.first(name: "x-amzn-query-error"))
        let status = Int(response.status.code)
        return .refused(
            status: status,
            code: body.code ?? "\(status)",
            message: body.message ?? response.status.reasonPhrase
        )
    }

    private func signed(_ request: ServiceRequest) -> HTTPClientRequest {
        var signed = SigV4Request(
            method: request.method,
            path: request.path,
            query: request.query,
            headers: [.init("Host", endpoint.authority)]
        )
        signed.headers += request.headers.sorted { $0.key < $1.key }.map { .init($0.key, $0.value) }
        let signer = SigV4Signer(
            accessKey: endpoint.accessKey,
            region: request.region ?? endpoint.region,
            service: request.service
        )
        let payloadHash = request.payloadHash ?? PayloadHash.hexadecimal(of: request.body)
        signed.headers += signer.sign(signed, payloadHash: payloadHash, at: now())
        let query = request.query.isEmpty ? "" : "?\(request.query)"
        var outgoing = HTTPClientRequest(url: endpoint.url + request.path + query)
        outgoing.method = HTTPMethod(rawValue: request.method)
        // Not signed, as AWS's SDKs don't: what is between may write it.
        if let trace = request.traceHeader { signed.headers.append(.init("X-Amzn-Trace-Id", trace)) }
        for header in signed.headers { outgoing.headers.add(name: header.name, value: header.value) }
        if request.method != "GET", request.method != "DELETE" {
            outgoing.body = .stream(BodyParts(bytes: request.body), length: .known(Int64(request.body.count)))
        }
        return outgoing
    }
}

/// A body in pieces, each copied when it is its turn: whole, it would be in memory twice.
private struct BodyParts: AsyncSequence, Sendable {
    static let partBytes = 256 << 10
    let bytes: [UInt8]

    struct AsyncIterator: AsyncIteratorProtocol {
        let bytes: [UInt8]
        var position = 0

        mutating func next() async -> ByteBuffer? {
            guard position < bytes.count else { return nil }
            let end = Swift.min(position + BodyParts.partBytes, bytes.count)
            defer { position = end }
            return ByteBuffer(bytes: bytes[position..<end])
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(bytes: bytes) }
}

extension Duration {
    /// Saturates.
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? (seconds < 0 ? .min : .max) : product + attoseconds / 1_000_000_000
    }
}
