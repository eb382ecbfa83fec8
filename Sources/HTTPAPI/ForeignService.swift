// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore

/// A service of AWS's that Martlet does not have, and what a request asks of it, as far as the head says so.
struct ForeignService: Equatable {
    /// As a signature's scope has it, such as `dynamodb`.
    var name: String
    /// Of services whose requests name it in `X-Amz-Target`.
    var operation: String?

    /// Signed with version 2, as boto3 still presigns S3's URLs: such a signature is not verified here.
    var isVersion2 = false

    /// Which operation of which service it is depends on who reads it.
    var isAmbiguous = false

    /// The services whose requests are told apart by `X-Amz-Target`, by what it begins with.
    private static let services = [
        "AWSEvents": "events", "AmazonSQS": "sqs", "AmazonSSM": "ssm", "DynamoDBStreams_20120810": "dynamodb",
        "DynamoDB_20120810": "dynamodb", "Kinesis_20131202": "kinesis", "AWSStepFunctions": "states",
        "TrentService": "kms", "secretsmanager": "secretsmanager",
    ]

    /// As the SDKs call such services: there is nothing else by which a server could choose an operation.
    private static func isJSONCall(_ request: SigV4Request) -> Bool {
        func count(_ name: String) -> Int { request.headers.count { $0.name.lowercased() == name } }
        return request.method == "POST" && request.path == "/" && request.query.isEmpty && count("x-amz-target") == 1
            && count("content-type") == 1
            && request.header("content-type")?.hasPrefix("application/x-amz-json-") == true
    }

    private static let own: Set<String> = ["lambda", "logs"]

    /// nil for a request that is for one of Martlet's own services, or that does not say for which it is.
    init?(_ request: SigV4Request, target: String?) {
        let stated = StatedCredential(request)?.service
        if let target {
            let parts = target.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count >= 2, let prefix = parts.first, let operation = parts.last, prefix != "Logs_20140328",
                Self.isName(prefix), Self.isName(operation)
            else { return nil }
            name = stated ?? prefix.lowercased()
            if parts.count == 2, Self.isJSONCall(request), Self.services[String(prefix)] == name {
                self.operation = String(operation)
            } else {
                isAmbiguous = true
            }
        } else {
            if stated == nil, Self.hasVersion2(request) {
                name = "s3"
                isVersion2 = true
                return
            }
            guard let stated, !Self.own.contains(stated), Self.isName(stated[...]) else { return nil }
            name = stated
        }
    }

    private static func hasVersion2(_ request: SigV4Request) -> Bool {
        if let header = request.header("authorization") { return header.hasPrefix("AWS ") }
        guard request.query.utf8.count <= 16_384 else { return false }
        let parameters = QueryParameters(request.query)
        return ["AWSAccessKeyId", "Signature", "Expires"].allSatisfy { parameters[$0] != nil }
    }

    private static func isName(_ text: Substring) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (97...122).contains(byte | 0x20) || "-_".utf8.contains(byte)
            }
    }

    /// What a key's policy has to allow: the operation, or all of them where the head does not name it, or all of all services.
    var action: String { isAmbiguous ? "*" : "\(name):\(operation ?? "*")" }

    /// Whether a policy says without exceptions what it allows of this service.
    func isDecidable(by policy: AccessPolicy) -> Bool {
        policy.statements.allSatisfy { statement in
            guard case .listed(let actions) = statement.actions else { return false }
            if statement.effect == .allow, case .listed = statement.resources { return true }
            return !isAmbiguous && actions.allSatisfy { !concerns($0) }
        }
    }

    private func concerns(_ action: String) -> Bool {
        let service = action.split(separator: ":", omittingEmptySubsequences: false)[0].lowercased()
        return service.contains("*") || service.contains("?") || service == name
    }

    /// S3 and its relatives, whose errors are XML of their own.
    var isStorage: Bool { name == "s3" || name.hasPrefix("s3-") || name == "s3express" }
}
