// SPDX-License-Identifier: Apache-2.0
package import AWSClient
import CodeStore
import LambdaModel
import Logging

/// Where code that a request names by bucket and key is read.
package enum CodeBuckets: Sendable {
    /// The operator named no endpoint.
    case notConfigured
    /// The operator named an endpoint, and no key for it.
    case withoutKey
    /// Gives an object's bytes, at most so many, or throws `ServiceFailure`.
    case reached(@Sendable (_ object: S3Object, _ bytesMax: Int) async throws -> [UInt8])
}

extension ControlPlane {
    /// Largest zip that is read from a bucket: as on Lambda, the limit of direct uploads doesn't hold here, and no larger
    /// one could be unpacked.
    static let objectBytesMax = CodeStore.zipBytesMax

    /// An object's bytes.
    ///
    /// - Throws: `LambdaError` in AWS's words; what is the server's trouble, not the caller's, is in its log as well.
    func fetch(_ object: S3Object) async throws -> [UInt8] {
        switch buckets {
        case .notConfigured:
            throw LambdaError.invalidParameterValue(
                message: "Code from S3 is not available: this server knows no S3 endpoint (--s3-endpoint or "
                    + "--aws-endpoint of martlet serve)."
            )
        case .withoutKey:
            throw LambdaError.invalidParameterValue(
                message: "Code from S3 is not available: this server has no key for its S3 endpoint "
                    + "(--s3-access-key-id and MARTLET_S3_SECRET_ACCESS_KEY of martlet serve)."
            )
        case .reached(let get):
            do {
                return try await get(object, Self.objectBytesMax)
            } catch let failure as ServiceFailure {
                throw refusal(failure, object)
            }
        }
    }

    private func refusal(_ failure: ServiceFailure, _ object: S3Object) -> LambdaError {
        switch failure {
        case .tooLarge(let bytesMax):
            return .invalidParameterValue(message: "Unzipped size must be smaller than \(bytesMax) bytes")
        case .refused(let status, let code, let message) where status < 500:
            if code == "AccessDenied" {
                return .accessDenied(
                    name: "AccessDeniedException",
                    message: "Your access has been denied by S3, please make sure your request credentials have "
                        + "permission to GetObject for \(object.bucket)/\(object.key). S3 Error Code: \(code). S3 Error "
                        + "Message: \(message)"
                )
            }
            logger.info("S3 refused an object", metadata: ["status": "\(status)", "code": "\(code)"])
            return .invalidParameterValue(
                message: "Error occurred while GetObject. S3 Error Code: \(code). S3 Error Message: \(message)"
            )
        case .refused(let status, let code, _):
            logger.warning("S3 is out of order", metadata: ["status": "\(status)", "code": "\(code)"])
        case .unreachable(let cause):
            logger.warning("S3 can't be reached", metadata: ["cause": "\(cause)"])
        }
        return .service(message: "The server's S3 endpoint is out of order or can't be reached. Nothing was changed.")
    }
}
