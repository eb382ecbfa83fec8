// SPDX-License-Identifier: Apache-2.0
package import AsyncHTTPClient
package import LambdaModel

/// Objects of any service that speaks S3's protocol: buckets are named in the path, requests are signed.
package struct S3Client: Sendable {
    package typealias Times = ServiceClient.Times

    private let client: ServiceClient

    package init(
        http: HTTPClient,
        endpoint: ServiceEndpoint,
        times: Times = Times(),
        now: @escaping @Sendable () -> Timestamp
    ) {
        client = ServiceClient(http: http, endpoint: endpoint, times: times, now: now)
    }

    /// What `http` should be made with; so many objects are in memory at most.
    package static var httpConfiguration: HTTPClient.Configuration {
        ServiceClient.httpConfiguration(connectionsMax: 4)
    }

    /// The object's bytes.
    ///
    /// - Throws: `ServiceFailure`, or `CancellationError`.
    package func get(_ object: S3Object, bytesMax: Int) async throws -> [UInt8] {
        try await client.perform(.getObject(object), bytesMax: bytesMax)
    }

    /// Stores an object in the place of any that is there; it is whole there, and durable, when this returns.
    ///
    /// After a failure it may be there all the same, or come to be. `payloadHash` is `PayloadHash.hexadecimal(of: body)`,
    /// which takes its time.
    package func put(_ object: S3Object, _ body: [UInt8], payloadHash: String) async throws {
        let request = ServiceRequest.putObject(object, body: body, payloadHash: payloadHash)
        _ = try await client.perform(request, bytesMax: ServiceErrorBody.bytesMax)
    }

    /// Deletes an object; one that is not there is no error.
    package func delete(_ object: S3Object) async throws {
        do {
            _ = try await client.perform(.deleteObject(object), bytesMax: ServiceErrorBody.bytesMax)
        } catch ServiceFailure.refused(_, "NoSuchKey", _) {
            return
        }
    }

    /// One page of the keys that begin with `prefix`, by key; `token` is the `next` of the page before.
    package func list(bucket: String, prefix: String, after token: String? = nil) async throws -> S3Listing {
        let request = ServiceRequest.listObjects(bucket: bucket, prefix: prefix, after: token)
        let answer = try await client.perform(request, bytesMax: S3Listing.bytesMax)
        guard let listing = S3Listing(answer) else {
            throw ServiceFailure.unreachable(cause: "the answer is no listing")
        }
        return listing
    }
}
