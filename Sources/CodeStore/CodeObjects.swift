// SPDX-License-Identifier: Apache-2.0

/// Where the code store's encrypted objects are: a directory, or a bucket.
///
/// An object is written once and never changed. Its id is a UUID in lower case; the caller has looked at it. What is kept here is
/// not trusted: the code store authenticates every byte.
package protocol CodeObjects: Sendable {
    /// For error texts: the directory, or the bucket's URL and the option that names it.
    var place: String { get }

    /// Keeps an object; when this returns, it survives a power cut.
    ///
    /// After an error it may be there, or come to be there: `delete` it.
    func write(_ sealed: [UInt8], objectID: String) async throws

    /// - Throws: `CodeStoreError`; `.contentChanged` for an object of more than `bytesMax` bytes, without reading it.
    func read(_ objectID: String, bytesMax: Int) async throws -> [UInt8]

    /// Deletes an object; one that is not there is no error.
    func delete(_ objectID: String) async throws

    /// Every object there is, in no order; what is not the store's is not listed.
    func objectIDs() async throws -> [String]
}

/// How objects are named, as files and as keys.
enum CodeObjectName {
    private static let suffix = ".code"

    static func of(_ objectID: String) -> String { objectID + suffix }

    /// The id of the object with that name; nil for a name that none has.
    static func objectID(_ name: some StringProtocol) -> String? {
        guard name.hasSuffix(suffix) else { return nil }
        let objectID = String(name.dropLast(suffix.count))
        return CodeStore.isObjectID(objectID) ? objectID : nil
    }
}
