// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import MetadataStore

extension ControlPlane {
    func getAlias(_ request: API.GetAliasRequest, caller: Caller) async throws -> API.AliasConfiguration {
        let key = try Self.function(request.functionName, caller: caller, action: .getAlias)
        let alias = try await withStores {
            try await metadata.read { transaction in
                try transaction.document(Alias.self, of: key, qualifier: request.name)
            }
        }
        guard let alias else { throw Self.noAlias(key, request.name) }
        return alias.answer(key, name: request.name)
    }

    static func noAlias(_ key: FunctionKey, _ name: String) -> LambdaError {
        .resourceNotFound(message: "Cannot find alias arn: \(key.arn(qualifier: name))")
    }
}
