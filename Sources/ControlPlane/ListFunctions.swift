// SPDX-License-Identifier: Apache-2.0
package import AWSWire
import LambdaModel
import MetadataStore

extension ControlPlane {
    /// Most functions on one page, whatever `MaxItems` asks for.
    static let pageMax = 50

    /// One page; the query may have `Marker`, `MaxItems`, `FunctionVersion` and `MasterRegion`.
    package func listFunctions(_ query: QueryParameters, caller: Caller) async throws -> JSONValue {
        var violations = ConstraintViolations()
        var limit = Self.pageMax
        if let text = query["MaxItems"] {
            guard let number = Int(text) else {
                throw LambdaError.invalidRequestContent(message: "'MaxItems' must be an integer")
            }
            violations.requireRange(number, at: "maxItems", 1...10_000)
            limit = min(limit, number)
        }
        let version = query["FunctionVersion"]
        if let version { violations.requireValue(version, at: "functionVersion", in: ["ALL"]) }
        try violations.throwIfAny()
        let after = try query["Marker"].flatMap { $0.isEmpty ? nil : $0 }.map(Self.name(marker:))
        let (page, next) = try await metadata.functions(
            accountID: caller.accountID,
            region: caller.region,
            after: after,
            limit: max(1, limit)
        )
        let items = page.map {
            JSONValue.object(
                ConfigurationAnswer.members($0, qualifier: version == nil ? nil : $0.version, listed: true)
            )
        }
        var members: [String: JSONValue] = ["Functions": .array(items)]
        if let next { members["NextMarker"] = .string(Base64.encodeURL(Array(next.utf8))) }
        return .object(members)
    }

    private static func name(marker: String) throws(LambdaError) -> String {
        guard let bytes = Base64.decodeURL(marker), let name = String(validating: bytes, as: UTF8.self) else {
            throw .invalidParameterValue(message: "Invalid Marker.")
        }
        return name
    }
}
