// SPDX-License-Identifier: Apache-2.0
package import AWSClient
import AWSWire

/// Encrypted objects in a bucket of any service that speaks S3's protocol.
///
/// Their keys begin with the metadata store's own id: so servers that share a bucket, and even a prefix, never take one
/// another's objects for leftovers.
package struct BucketObjects: CodeObjects {
    /// Pages of a listing, of 1,000 keys each.
    static let pagesMax = 10_000

    private let client: S3Client
    private let bucket: String
    /// Ends with a slash.
    private let prefix: String
    private let operations: BlockingOperations

    /// Keys begin with `prefix`, which has no slash at its end; empty for none.
    package init(client: S3Client, bucket: String, prefix: String, metadataID: String) {
        self.client = client
        self.bucket = bucket
        self.prefix = (prefix.isEmpty ? "" : prefix + "/") + metadataID + "/"
        operations = BlockingOperations("BucketObjects", threadsMax: 1)
    }

    package var place: String { "s3://\(bucket)/\(prefix) (--code-store)" }

    package func write(_ sealed: [UInt8], objectID: String) async throws {
        let hash = try await operations.run { PayloadHash.hexadecimal(of: sealed) }
        try await explaining(objectID) { try await client.put(object(objectID), sealed, payloadHash: hash) }
    }

    package func read(_ objectID: String, bytesMax: Int) async throws -> [UInt8] {
        try await explaining(objectID) { try await client.get(object(objectID), bytesMax: bytesMax) }
    }

    package func delete(_ objectID: String) async throws {
        try await explaining(objectID) { try await client.delete(object(objectID)) }
    }

    package func objectIDs() async throws -> [String] {
        try await explaining(nil) {
            var objectIDs: [String] = []
            var token: String?
            for _ in 0..<Self.pagesMax {
                let page = try await client.list(bucket: bucket, prefix: prefix, after: token)
                objectIDs += page.keys.compactMap { key in
                    key.hasPrefix(prefix) ? CodeObjectName.objectID(key.dropFirst(prefix.count)) : nil
                }
                guard let next = page.next else { return objectIDs }
                token = next
            }
            throw ServiceFailure.unreachable(cause: "a listing of more than \(Self.pagesMax) pages")
        }
    }

    private func object(_ objectID: String) -> S3Object {
        S3Object(bucket: bucket, key: prefix + CodeObjectName.of(objectID))
    }

    private func explaining<T>(_ objectID: String?, _ body: () async throws -> T) async throws -> T {
        do {
            return try await body()
        } catch let failure as ServiceFailure {
            switch failure {
            case .refused(_, "NoSuchKey", _):
                guard let objectID else { throw CodeStoreError.bucket(place: place, failure) }
                throw CodeStoreError.notFound(objectID: objectID)
            case .tooLarge:
                guard let objectID else { throw CodeStoreError.bucket(place: place, failure) }
                throw CodeStoreError.contentChanged(objectID: objectID)
            case .refused, .unreachable: throw CodeStoreError.bucket(place: place, failure)
            }
        }
    }
}
