// SPDX-License-Identifier: Apache-2.0
import AWSClient
import AWSWire
import AsyncHTTPClient
import CodeStore
import ControlPlane
import LambdaModel
import ServerConfiguration
import ServiceLifecycle

/// The connections to the service that code may come from, and may be kept at; closed when the server ends.
struct BucketService: Service {
    private let http: HTTPClient
    let buckets: CodeBuckets
    /// nil where there is no endpoint, or no key for it.
    private let client: S3Client?

    init(_ access: S3Access?, now: @escaping @Sendable () -> Timestamp) {
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: S3Client.httpConfiguration)
        guard let access else {
            client = nil
            buckets = .notConfigured
            return
        }
        guard let key = access.key else {
            client = nil
            buckets = .withoutKey
            return
        }
        let client = S3Client(
            http: http,
            endpoint: ServiceEndpoint(
                url: access.endpoint,
                region: access.region,
                accessKey: AccessKey(id: key.id, secret: key.secret, sessionToken: key.sessionToken)
            ),
            now: now
        )
        self.client = client
        buckets = .reached { object, bytesMax in try await client.get(object, bytesMax: bytesMax) }
    }

    /// Where code that belongs to that metadata is kept in the bucket that the operator named; nil for the data directory.
    func codeObjects(_ location: CodeStoreLocation?, metadataID: String) -> BucketObjects? {
        guard let location else { return nil }
        guard let client else { preconditionFailure("a bucket for code was configured without an endpoint or a key") }
        return BucketObjects(
            client: client,
            bucket: location.bucket,
            prefix: location.prefix,
            metadataID: metadataID
        )
    }

    func run() async throws {
        try? await gracefulShutdown()
        try await close()
    }

    /// Closes the connections; whoever uses them then gets an error.
    func close() async throws {
        do { try await http.shutdown() } catch let error as HTTPClientError where error == .alreadyShutdown {}
    }
}
