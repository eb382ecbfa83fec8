// SPDX-License-Identifier: Apache-2.0
import DatabaseFile

/// Why the metadata store could not do what it was asked.
package enum MetadataStoreError: Error, Equatable, CustomStringConvertible {
    case newerDatabase(path: String)
    case wrongMasterKey(sealedWith: String, given: String)
    /// Nothing was written.
    case diskFull
    /// A function's row is not what was written.
    case contentChanged(function: String, reason: String)
    /// A layer version's row is not what was written.
    case layerChanged(layer: String)
    case failed(message: String)

    init(_ error: any Error) {
        self =
            switch DatabaseFileError(error) {
            case .newerDatabase(let path): .newerDatabase(path: path)
            case .diskFull: .diskFull
            case .failed(let message): .failed(message: message)
            }
    }

    package var description: String {
        switch self {
        case .newerDatabase(let path): "\(path) was made by a newer version of Martlet, which this one can't read"
        case .wrongMasterKey(let sealedWith, let given):
            "the data directory was made under the master key \(sealedWith), and the key in use is \(given)"
        case .diskFull: "metadata store: the disk is full; nothing was changed"
        case .layerChanged(let layer): "metadata of \(layer) can't be read"
        case .contentChanged(let function, let reason): "metadata of \(function): \(reason)"
        case .failed(let message): "metadata store: \(message)"
        }
    }
}
