// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import MetadataStore

extension MetadataTransaction {
    /// Holds an account to the code that it may have in a region, `added` bytes of which this transaction has brought.
    ///
    /// What takes no more room is always allowed: so an account that is beyond a limit that was lowered can come down.
    /// - Throws: `LambdaError.codeStorageExceeded`.
    func checkCodeStorage(accountID: String, region: String, added: Int, max: Int) throws {
        guard added > 0, try usage(accountID: accountID, region: region).codeBytes > max else { return }
        throw LambdaError.codeStorageExceeded(message: "Code storage limit exceeded.")
    }
}
