// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import MetadataStore

/// A name for a version of a function, or for two with weights; its qualifier is the name.
struct Alias: FunctionDocument, Equatable {
    static let kind = "alias"

    /// The version and how much of the calls it gets: more than 0 to 1; the alias's own version gets the rest.
    struct Additional: Codable, Equatable {
        var version: String
        var weight: Double
    }

    var version: String
    var description: String
    var additional: Additional?
    var revisionID: String

    /// The version of one call; `draw` is at random from 0 to below 1.
    func version(at draw: Double) -> String {
        if let additional, draw < additional.weight { return additional.version }
        return version
    }

    func answer(_ key: FunctionKey, name: String) -> API.AliasConfiguration {
        API.AliasConfiguration(
            aliasArn: key.arn(qualifier: name),
            name: name,
            functionVersion: version,
            description: description,
            routingConfig: additional.map { .init(additionalVersionWeights: [$0.version: $0.weight]) },
            revisionId: revisionID
        )
    }
}
