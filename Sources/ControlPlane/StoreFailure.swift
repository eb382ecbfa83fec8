// SPDX-License-Identifier: Apache-2.0
import CodeStore
import Glibc
import LambdaModel
import Logging
import MetadataStore

extension ControlPlane {
    /// Does something with the stores, and makes clear to the caller those of their failures that an operator can mend.
    ///
    /// Other failures pass as they are: their text is for the server's log.
    func withStores<T>(_ body: () async throws -> T) async throws -> T {
        do {
            return try await body()
        } catch {
            guard let text = Self.explanation(of: error) else { throw error }
            logger.error("store failed", metadata: ["cause": "\(error)"])
            throw LambdaError.service(message: text)
        }
    }

    private static func explanation(of error: any Error) -> String? {
        switch error {
        case MetadataStoreError.diskFull: "The server's disk is full. Nothing was changed."
        case CodeStoreError.system(_, _, let errno) where errno == ENOSPC || errno == EDQUOT:
            "The server's disk is full. Nothing was changed."
        case CodeStoreError.bucket:
            "The server's code store (--code-store) is out of order or can't be reached. Nothing was changed."
        case CodeStoreError.contentChanged:
            "The code was changed or cut off since it was stored, and is refused. Upload it again."
        case MetadataStoreError.layerChanged:
            "The layer version was changed since it was stored, and is refused."
        case MetadataStoreError.contentChanged:
            "The function's configuration was changed since it was stored, and is refused."
        default: nil
        }
    }
}
