// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// The ways to name a layer: its name, or its ARN.
package struct LayerIdentifier: Sendable, Equatable {
    package var region: String?
    package var accountID: String?
    package var name: String

    /// nil for what does not have the form of the model's `LayerName`.
    package init?(_ text: String) {
        guard text.utf8.contains(UInt8(ascii: ":")) else {
            guard ARN.isName(text) else { return nil }
            name = text
            return
        }
        guard let (layer, rest) = Self.parse(text), rest.isEmpty else { return nil }
        self = layer
    }

    /// The layer, and what the ARN has after its name.
    fileprivate static func parse(_ text: String) -> (layer: LayerIdentifier, rest: ArraySlice<String>)? {
        guard let arn = ARN(text), arn.service == "lambda", !arn.region.isEmpty, ARN.isAccountID(arn.accountID) else {
            return nil
        }
        let parts = arn.resourceParts
        guard parts.count >= 2, parts[0] == "layer", ARN.isName(parts[1]) else { return nil }
        return (LayerIdentifier(region: arn.region, accountID: arn.accountID, name: parts[1]), parts.dropFirst(2))
    }

    private init(region: String, accountID: String, name: String) {
        self.region = region
        self.accountID = accountID
        self.name = name
    }

    /// The layer meant by a caller of that account in that region, wherever it is and whoever it belongs to.
    package func meant(accountID: String, region: String) -> LayerKey {
        LayerKey(accountID: self.accountID ?? accountID, region: self.region ?? region, name: name)
    }

    /// The same, where it is in that region.
    ///
    /// - Throws: `LambdaError.resourceNotFound` for another region.
    package func key(accountID: String, region: String) throws(LambdaError) -> LayerKey {
        let key = meant(accountID: accountID, region: region)
        guard key.region == region else {
            throw .resourceNotFound(
                message: "Layers from '\(key.region)' are not reachable in this region ('\(region)')"
            )
        }
        return key
    }
}

/// A layer version's ARN, taken apart.
package struct LayerVersionIdentifier: Sendable, Equatable {
    package var layer: LayerIdentifier
    package var number: Int

    /// nil for what is no ARN of a layer version, or has a number that no layer ever gets to.
    package init?(_ arn: String) {
        guard let (layer, rest) = LayerIdentifier.parse(arn), rest.count == 1, let digits = rest.first,
            !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(digits)
        else { return nil }
        self.layer = layer
        self.number = number
    }
}
