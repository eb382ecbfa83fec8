// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import Hummingbird
import InvocationCore
import LambdaModel
import MetadataStore

/// `/_martlet/keys`: the administrator's access keys.
extension LambdaAPI {
    /// The one answer that has a key's secret.
    func createAccessKey(_ call: Call) async throws -> Response {
        let key = try await accessKeys.create(try RequestMembers(body: call.body), caller: call.caller)
        var members = Self.members(key)
        members["SecretAccessKey"] = .string(key.secret)
        return Self.json(.object(["AccessKey": .object(members)]), status: .created)
    }

    func listAccessKeys(_ call: Call) async throws -> Response {
        let keys = try await accessKeys.list(caller: call.caller)
        return Self.json(.object(["AccessKeys": .array(keys.map { .object(Self.members($0)) })]))
    }

    func deleteAccessKey(_ id: String, _ call: Call) async throws -> Response {
        try await accessKeys.delete(id, caller: call.caller)
        return Self.response(nil, status: .noContent)
    }

    private static func members(_ key: AccessKeyRecord) -> [String: JSONValue] {
        [
            "AccessKeyId": .string(key.id), "AccountId": .string(key.accountID), "UserName": .string(key.name),
            "UserArn": .string(AccessIdentity.user(key.name, of: key.accountID).arn),
            "HasPolicy": .bool(key.policy != nil), "CreateDate": .string(key.createdAt.iso8601()),
        ]
    }
}
