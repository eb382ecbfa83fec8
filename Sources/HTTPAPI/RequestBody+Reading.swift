// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Hummingbird
import LambdaModel

/// The connection broke, or carried what is no HTTP, while a body was read: there is nobody to answer.
struct ConnectionFailure: Error {
    var cause: any Error
}

extension LambdaAPI {
    /// Reads a body to its end, but never more of it than the endpoint takes.
    ///
    /// A body that says beforehand that it is too long isn't read at all.
    func readBody(of request: Request, endpoint: Endpoint) async throws -> [UInt8] {
        try await readBody(of: request, upTo: endpoint.bodyBytesMax, for: endpoint.operation)
    }

    func readBody(of request: Request, upTo limit: Int, for operation: String) async throws -> [UInt8] {
        let tooLarge = LambdaError.requestTooLarge(
            message: "Request must be smaller than \(limit) bytes for the \(operation) operation"
        )
        let length = request.headers[.contentLength].flatMap { Int($0) }
        if let length, length > limit { throw tooLarge }
        var body: [UInt8] = []
        // No more than has come is believed of a long one: the sender may stop in the middle.
        body.reserveCapacity(min(length ?? 0, 1_048_576))
        var buffers = request.body.makeAsyncIterator()
        while let buffer = try await Self.next(&buffers) {
            guard body.count + buffer.readableBytes <= limit else { throw tooLarge }
            body.append(contentsOf: buffer.readableBytesView)
        }
        return body
    }

    private static func next(_ buffers: inout RequestBody.AsyncIterator) async throws(ConnectionFailure) -> ByteBuffer?
    {
        do {
            return try await buffers.next()
        } catch {
            throw ConnectionFailure(cause: error)
        }
    }
}
