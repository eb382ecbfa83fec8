// SPDX-License-Identifier: Apache-2.0
import AWSWire
import CodeStore
import LambdaModel
import Logging

extension ControlPlane {
    /// The zip's bytes from the members that say where a function's code is.
    static func zip(_ code: RequestMembers?) throws(LambdaError) -> [UInt8] {
        guard let code else { throw noSource }
        if code.has("S3Bucket") || code.has("S3Key") || code.has("S3ObjectVersion") {
            throw ConfigurationRules.unavailable("Code from S3 (S3Bucket, S3Key)")
        }
        if code.has("ImageUri") { throw ConfigurationRules.unavailable("Code from a container image (ImageUri)") }
        guard let text = try code.string("ZipFile") else { throw noSource }
        // Four digits for three bytes: refused before it is decoded.
        guard text.utf8.count <= (LimitsProfile.zipUploadBytesMax + 2) / 3 * 4 else { throw zipTooLarge }
        guard let zip = Base64.decode(text) else {
            throw .invalidRequestContent(
                message: "Could not parse request body into json: 'ZipFile' is not valid base64"
            )
        }
        guard zip.count <= LimitsProfile.zipUploadBytesMax else { throw zipTooLarge }
        guard !zip.isEmpty else { throw .invalidParameterValue(message: "Uploaded file must be a non-empty zip") }
        return zip
    }

    private static let noSource = LambdaError.invalidParameterValue(
        message: "Please provide a source for function code."
    )

    private static let zipTooLarge = LambdaError.requestTooLarge(
        message: "Zipped size must be smaller than \(LimitsProfile.zipUploadBytesMax) bytes"
    )

    /// Checks an archive as it will be unpacked, and keeps it.
    func store(_ zip: [UInt8]) async throws -> CodeReference {
        try await inspect(zip)
        return try await withStores { try await code.put(zip) }
    }

    /// Goes through an archive to its end.
    ///
    /// - Throws: `LambdaError.invalidParameterValue` in AWS's words; the precise reason is in the server's log.
    func inspect(_ zip: [UInt8]) async throws {
        do {
            _ = try await code.inspect(zip)
        } catch let refusal as ArchiveRefusal {
            logger.info("archive refused", metadata: ["reason": "\(refusal)"])
            throw refusal.lambdaError
        }
    }
}
