// SPDX-License-Identifier: Apache-2.0
package import AWSWire

/// Where a service that speaks one of AWS's protocols is, and who we are there.
package struct ServiceEndpoint: Sendable, Equatable {
    /// Scheme, host and port, without a slash at the end.
    package var url: String
    package var region: String
    package var accessKey: AccessKey

    package init(url: String, region: String, accessKey: AccessKey) {
        self.url = url
        self.region = region
        self.accessKey = accessKey
    }

    /// The host and, where it is not the scheme's own, the port: what `Host` says.
    var authority: String {
        let parts = url.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return url }
        let standard = parts[0] == "https:" ? ":443" : ":80"
        let authority = String(parts[2])
        return authority.hasSuffix(standard) ? String(authority.dropLast(standard.count)) : authority
    }
}
