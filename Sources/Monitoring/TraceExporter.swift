// SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
package import Logging
package import MetricCore
import NIOCore
import NIOHTTP1
import ServiceLifecycle

/// Sends spans to an OpenTelemetry collector, batch by batch; none is sent before the one before it was taken or given up.
///
/// What a collector that is away is not told waits in the buffer, as far as it has room.
package struct TraceExporter: Service {
    private static let batchMax = 512
    private static let interval = Duration.seconds(1)
    private static let timeout = TimeAmount.seconds(10)
    private static let answerBytesMax = 65_536
    /// At the end of the server, for all that waits.
    private static let lastTimeout = Duration.seconds(5)

    private let buffer: SpanBuffer
    /// Without a slash at its end.
    private let endpoint: String
    private let clock: any Clock<Duration>
    private let logger: Logger

    package init(buffer: SpanBuffer, endpoint: String, clock: any Clock<Duration>, logger: Logger) {
        self.buffer = buffer
        self.endpoint = endpoint
        self.clock = clock
        self.logger = logger
    }

    package func run() async throws {
        var configuration = HTTPClient.Configuration()
        configuration.timeout = .init(connect: .seconds(5), read: Self.timeout)
        configuration.redirectConfiguration = .disallow
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let left = await cancelWhenGracefulShutdown { await export(http) }
            await exportLast(left, http)
            try await http.shutdown()
        } catch {
            try await http.shutdown()
            throw error
        }
    }

    /// - Returns: the batch that was in hand when it was cancelled.
    private func export(_ http: HTTPClient) async -> [Span] {
        var retry = ExportRetry()
        var batch: [Span] = []
        var isAway = false
        while !Task.isCancelled {
            if batch.isEmpty { batch = buffer.take(Self.batchMax) }
            guard !batch.isEmpty else {
                try? await clock.sleep(for: Self.interval)
                continue
            }
            let (status, rejected) = await send(batch, http)
            if Task.isCancelled { break }
            switch retry.decide(status: status) {
            case .done:
                isAway = false
                buffer.sent(batch.count - min(rejected, batch.count), dropped: min(rejected, batch.count))
                batch = []
            case .drop:
                logger.warning("spans not taken by the collector", metadata: ["status": "\(status ?? 0)"])
                buffer.sent(0, dropped: batch.count)
                batch = []
            case .retry(let delay):
                if !isAway {
                    logger.warning("the collector of spans does not answer", metadata: ["endpoint": "\(endpoint)"])
                }
                isAway = true
                try? await clock.sleep(for: delay)
            }
        }
        return batch
    }

    /// What waits at the end is tried once.
    private func exportLast(_ left: [Span], _ http: HTTPClient) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                var batch = left.isEmpty ? buffer.take(Self.batchMax) : left
                while !batch.isEmpty, !Task.isCancelled {
                    guard await send(batch, http).status.map({ (200..<300).contains($0) }) == true else { return }
                    buffer.sent(batch.count)
                    batch = buffer.take(Self.batchMax)
                }
            }
            group.addTask { try? await clock.sleep(for: Self.lastTimeout) }
            await group.next()
            group.cancelAll()
        }
    }

    private func send(_ batch: [Span], _ http: HTTPClient) async -> (status: Int?, rejected: Int) {
        var request = HTTPClientRequest(url: endpoint + TraceMessage.path)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(TraceMessage.bytes(batch))
        do {
            let answer = try await http.execute(request, timeout: Self.timeout)
            // The status decides; what else it says is for the count.
            let body = try? await answer.body.collect(upTo: Self.answerBytesMax)
            return (
                Int(answer.status.code), body.map { TraceMessage.rejectedCount(Array($0.readableBytesView)) } ?? 0
            )
        } catch {
            logger.debug("spans not sent", metadata: ["error": "\(error)"])
            return (nil, 0)
        }
    }
}
