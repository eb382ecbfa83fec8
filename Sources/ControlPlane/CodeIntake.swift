// SPDX-License-Identifier: Apache-2.0
import AWSClient
import AWSWire
import CodeStore
import LambdaModel
import Logging

/// Where a request says that a function's or a layer's code is.
struct CodeSource {
    var zip: [UInt8]?
    var bucket: String?
    var objectKey: String?
    var objectVersion: String?
    var imageURI: String?

    init(_ code: API.FunctionCode) {
        zip = code.zipFile?.bytes
        bucket = code.s3Bucket
        objectKey = code.s3Key
        objectVersion = code.s3ObjectVersion
        imageURI = code.imageUri
    }

    init(_ request: API.UpdateFunctionCodeRequest) {
        zip = request.zipFile?.bytes
        bucket = request.s3Bucket
        objectKey = request.s3Key
        objectVersion = request.s3ObjectVersion
    }

    init(_ content: API.LayerVersionContentInput) {
        zip = content.zipFile?.bytes
        bucket = content.s3Bucket
        objectKey = content.s3Key
        objectVersion = content.s3ObjectVersion
    }
}

extension ControlPlane {
    /// The zip's bytes, from the request or from the bucket that it names.
    func zip(_ source: CodeSource) async throws -> [UInt8] {
        if source.imageURI != nil { throw ConfigurationRules.unavailable("Code from a container image (ImageUri)") }
        let zip: [UInt8]
        if let uploaded = source.zip {
            guard source.bucket == nil, source.objectKey == nil, source.objectVersion == nil else {
                throw LambdaError.invalidParameterValue(
                    message: "Please do not provide other FunctionCode parameters when providing a ZipFile."
                )
            }
            guard uploaded.count <= LimitsProfile.zipUploadBytesMax else { throw Self.zipTooLarge }
            zip = uploaded
        } else if let bucket = source.bucket, let key = source.objectKey {
            zip = try await fetch(S3Object(bucket: bucket, key: key, version: source.objectVersion))
        } else {
            throw Self.noSource
        }
        guard !zip.isEmpty else {
            throw LambdaError.invalidParameterValue(message: "Uploaded file must be a non-empty zip")
        }
        return zip
    }

    private static let noSource = LambdaError.invalidParameterValue(
        message: "Please provide a source for function code."
    )

    private static let zipTooLarge = LambdaError.requestTooLarge(
        message: "Zipped size must be smaller than \(LimitsProfile.zipUploadBytesMax) bytes"
    )

    /// Keeps an archive that `inspect` found good, and unpacked to that many bytes.
    func store(_ zip: [UInt8], size: Int) async throws -> CodeReference {
        let objectID = CodeStore.newObjectID()
        do {
            var reference = try await withStores { try await code.put(zip, as: objectID) }
            reference.unzippedBytes = size
            return reference
        } catch {
            // A bucket may have it all the same, or get it yet.
            await collector.discardLater([objectID])
            throw error
        }
    }

    /// Goes through an archive to its end, as it will be unpacked.
    ///
    /// - Returns: its bytes when unpacked.
    /// - Throws: `LambdaError.invalidParameterValue` in AWS's words; the precise reason is in the server's log.
    func inspect(_ zip: [UInt8]) async throws -> Int {
        do {
            return try await code.inspect(zip).unzippedBytes
        } catch let refusal as ArchiveRefusal {
            logger.info("archive refused", metadata: ["reason": "\(refusal)"])
            throw refusal.lambdaError
        }
    }
}
