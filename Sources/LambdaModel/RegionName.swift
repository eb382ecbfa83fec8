// SPDX-License-Identifier: Apache-2.0

/// Names of regions, such as `us-east-1`.
package enum RegionName {
    package static let bytesMax = 32

    /// AWS's regions, of all partitions (botocore 1.43.11, `partitions.json`).
    ///
    /// Where functions may be: an account that could make up regions would have its limits in each of them.
    package static let all: Set<String> = [
        "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
        "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
        "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "cn-north-1", "cn-northwest-1", "eu-central-1",
        "eu-central-2", "eu-isoe-west-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2",
        "eu-west-3", "eusc-de-east-1", "il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1",
        "us-east-1", "us-east-2", "us-gov-east-1", "us-gov-west-1", "us-iso-east-1", "us-iso-west-1", "us-isob-east-1",
        "us-isob-west-1", "us-isof-east-1", "us-isof-south-1", "us-west-1", "us-west-2",
    ]

    /// Whether a text has a region's form: three words or more of small letters and digits, joined by `-`.
    package static func isValid(_ text: some StringProtocol) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        return text.utf8.count <= bytesMax && parts.count >= 3
            && parts.allSatisfy { part in
                !part.isEmpty && part.allSatisfy { (97...122).contains($0) || (48...57).contains($0) }
            }
    }
}
