// SPDX-License-Identifier: Apache-2.0
import LambdaModel

/// `RuntimeVersionArn`, in RuntimeVersionConfig and in INIT_START.
package enum RuntimeVersionARN {
    /// Ends in 64 hexadecimal digits, the same ones for one runtime always.
    package static func of(_ runtime: String, region: String) -> String {
        let hash = PayloadHash.hexadecimal(of: Array("runtime:\(runtime)".utf8))
        return ARN.lambda("runtime:\(hash)", accountID: "", region: region).description
    }
}
