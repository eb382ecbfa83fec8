// SPDX-License-Identifier: Apache-2.0
import ControlPlane
import HTTPTypes

/// The headers by which a browser lets pages of other origins use a URL (Fetch Standard, "CORS protocol").
extension FunctionURL.CORS {
    /// The fields of the answer to a request with that `Origin`; none where it may not read it.
    func fields(origin: String?) -> HTTPFields {
        guard let origin, let allowed = allowed(origin) else { return [:] }
        var fields: HTTPFields = [.accessControlAllowOrigin: allowed]
        if allowed != "*" { fields[.vary] = "Origin" }
        if allowCredentials == true { fields[.accessControlAllowCredentials] = "true" }
        if let expose = exposeHeaders, !expose.isEmpty {
            fields[.accessControlExposeHeaders] = expose.joined(separator: ",")
        }
        return fields
    }

    /// Those of the answer to the question that a browser asks beforehand.
    func preflightFields(origin: String?) -> HTTPFields {
        var fields = fields(origin: origin)
        guard !fields.isEmpty else { return fields }
        fields[.accessControlExposeHeaders] = nil
        if let methods = allowMethods, !methods.isEmpty {
            fields[.accessControlAllowMethods] = methods.joined(separator: ",")
        }
        if let headers = allowHeaders, !headers.isEmpty {
            fields[.accessControlAllowHeaders] = headers.joined(separator: ",")
        }
        if let maxAge { fields[.accessControlMaxAge] = "\(maxAge)" }
        return fields
    }

    /// With credentials a browser takes no `*`.
    private func allowed(_ origin: String) -> String? {
        let origins = allowOrigins ?? []
        if origins.contains("*") { return allowCredentials == true ? origin : "*" }
        return origins.contains { $0.lowercased() == origin.lowercased() } ? origin : nil
    }

    /// Puts these in place of whatever the function said of it.
    func replace(in headers: inout HTTPFields, origin: String?) {
        for field in headers where field.name.canonicalName.hasPrefix("access-control-") { headers[field.name] = nil }
        for field in fields(origin: origin) {
            if field.name == .vary, let vary = headers[.vary] {
                headers[.vary] = "\(vary), \(field.value)"
            } else {
                headers[field.name] = field.value
            }
        }
    }
}
