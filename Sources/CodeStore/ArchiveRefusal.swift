// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// Why an archive was not accepted: AWS's words for the caller, the precise reason for the server's log.
package struct ArchiveRefusal: Error, Equatable, CustomStringConvertible {
    package enum Kind: Equatable, Sendable {
        /// Broken, hostile, encrypted, or with more entries than `CodeArchive.entriesMax`.
        case unusable
        /// More than `LimitsProfile.unzippedBytesMax` bytes when unpacked.
        case tooLarge
        /// The archive may be good; this machine could not unpack it.
        case machine
    }

    package var kind: Kind
    /// One line; names from the archive are in it escaped and cut off.
    package var reason: String

    package var description: String { reason }

    /// What the caller is told.
    package var lambdaError: LambdaError {
        switch kind {
        case .unusable:
            .invalidParameterValue(
                message: "Could not unzip uploaded file. Please check your file, then try to upload again."
            )
        case .tooLarge:
            .invalidParameterValue(
                message: "Unzipped size must be smaller than \(LimitsProfile.unzippedBytesMax) bytes"
            )
        case .machine:
            .service(message: "The code could not be unpacked on this server.")
        }
    }

    static func unusable(_ reason: String) -> ArchiveRefusal { ArchiveRefusal(kind: .unusable, reason: reason) }

    static func machine(_ reason: String) -> ArchiveRefusal { ArchiveRefusal(kind: .machine, reason: reason) }

    /// A name from an archive, fit for a log line.
    static func quote(_ name: some Collection<UInt8>) -> String {
        let text = String(decoding: name.prefix(200), as: UTF8.self).debugDescription
        return name.count > 200 ? text + "…" : text
    }
}
