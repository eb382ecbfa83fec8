// SPDX-License-Identifier: Apache-2.0
import AWSWire

/// One request of a service, as it is before it is signed.
package struct ServiceRequest: Equatable, Sendable {
    var method: String
    /// Encoded, as it is on the request line.
    var path = "/"
    /// Encoded, without the question mark.
    var query = ""
    /// Names and values, but those of the connection and of the signature.
    var headers: [String: String] = [:]
    var body: [UInt8] = []
    /// The body's SHA-256 in hexadecimal, where it is known already.
    var payloadHash: String?
    /// Statuses that say it was done.
    var successes = 200...200
    /// Goes along as a header.
    var traceHeader: String?
    /// What it is signed for: `sqs`, `sns`, `events`, `s3`.
    var service: String
    /// nil for the endpoint's.
    var region: String?
}

extension ServiceRequest {
    /// Reads an object, or one version of it.
    static func getObject(_ object: S3Object) -> ServiceRequest {
        ServiceRequest(method: "GET", path: object.path, query: object.query, service: SigV4Signer.s3)
    }

    /// Writes an object.
    static func putObject(_ object: S3Object, body: [UInt8], payloadHash: String) -> ServiceRequest {
        var request = ServiceRequest(method: "PUT", path: object.path, body: body, service: SigV4Signer.s3)
        request.payloadHash = payloadHash
        return request
    }

    static func deleteObject(_ object: S3Object) -> ServiceRequest {
        var request = ServiceRequest(
            method: "DELETE",
            path: object.path,
            query: object.query,
            service: SigV4Signer.s3
        )
        request.successes = 200...204
        return request
    }

    /// A page of the keys with a prefix.
    static func listObjects(bucket: String, prefix: String, after token: String?) -> ServiceRequest {
        let query = [
            ("list-type", "2"), ("max-keys", "\(S3Listing.keysMax)"), ("prefix", prefix), ("continuation-token", token),
        ].compactMap { name, value in value.map { "\(name)=\(PercentEncoding.encode($0))" } }.joined(separator: "&")
        return ServiceRequest(
            method: "GET",
            path: "/\(PercentEncoding.encode(bucket))",
            query: query,
            service: SigV4Signer.s3
        )
    }

    /// Writes an object that is JSON.
    package static func putObject(
        _ object: S3Object,
        json body: [UInt8],
        traceHeader: String?
    ) -> ServiceRequest {
        var request = ServiceRequest(method: "PUT", path: object.path, body: body, service: SigV4Signer.s3)
        request.headers["Content-Type"] = "application/json"
        request.traceHeader = traceHeader
        return request
    }
}
