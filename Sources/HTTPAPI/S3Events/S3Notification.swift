// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel

/// A bucket's notification as S3 servers post it (MinIO, Ceph and others, each with members of its own), and the event that AWS makes of it.
///
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html has AWS's members; others are left out.
struct S3Notification: Equatable {
    /// Of the buckets that its records are about, each once.
    let buckets: Set<String>
    let event: JSONValue

    static let recordsMax = 1_000

    /// `region` stands where a server names none.
    ///
    /// - Throws: `LambdaError.invalidRequestContent` for what is no notification.
    init(parsing body: [UInt8], region: String) throws(LambdaError) {
        let records: [JSONValue]?
        do { records = try JSONValue(parsing: body)["Records"]?.array } catch {
            throw Self.refusal("it is no JSON: \(error)")
        }
        guard let records, !records.isEmpty, records.count <= Self.recordsMax else {
            throw Self.refusal("'Records' has to be a list of 1 to \(Self.recordsMax)")
        }
        var buckets: Set<String> = []
        var converted: [JSONValue] = []
        for record in records {
            guard let bucket = record["s3"]?["bucket"]?["name"]?.string, !bucket.isEmpty,
                let key = record["s3"]?["object"]?["key"]?.string, !key.isEmpty,
                let name = record["eventName"]?.string, !name.isEmpty
            else { throw Self.refusal("a record has to have 'eventName', 's3.bucket.name' and 's3.object.key'") }
            buckets.insert(bucket)
            converted.append(Self.convert(record, bucket: bucket, name: name, region: region))
        }
        self.buckets = buckets
        event = .object(["Records": .array(converted)])
    }

    static func arn(ofBucket name: String) -> String { "arn:aws:s3:::\(name)" }

    private static func convert(_ record: JSONValue, bucket: String, name: String, region: String) -> JSONValue {
        let own = record["awsRegion"]?.string ?? ""
        let object = ["key", "size", "eTag", "versionId", "sequencer"]
        let owner = record["s3"]?["bucket"]?["ownerIdentity"]?["principalId"] ?? .string("")
        return .object([
            "eventVersion": record["eventVersion"] ?? .string("2.1"), "eventSource": .string("aws:s3"),
            "awsRegion": .string(own.isEmpty ? region : own),
            "eventTime": record["eventTime"] ?? .string("1970-01-01T00:00:00.000Z"),
            "eventName": .string(name.hasPrefix("s3:") ? String(name.dropFirst(3)) : name),
            "userIdentity": .object(["principalId": record["userIdentity"]?["principalId"] ?? .string("")]),
            "requestParameters": .object([
                "sourceIPAddress": record["requestParameters"]?["sourceIPAddress"] ?? .string("")
            ]),
            "responseElements": .object(members(["x-amz-request-id", "x-amz-id-2"], of: record["responseElements"])),
            "s3": .object([
                "s3SchemaVersion": .string("1.0"),
                "configurationId": record["s3"]?["configurationId"] ?? .string("martlet"),
                "bucket": .object([
                    "name": .string(bucket), "ownerIdentity": .object(["principalId": owner]),
                    "arn": .string(arn(ofBucket: bucket)),
                ]), "object": .object(members(object, of: record["s3"]?["object"])),
            ]),
        ])
    }

    /// Those that are there and not empty: MinIO has empty version ids where AWS has none.
    private static func members(_ names: [String], of value: JSONValue?) -> [String: JSONValue] {
        var found: [String: JSONValue] = [:]
        for name in names {
            guard let member = value?[name], member != .string(""), member != .null else { continue }
            found[name] = member
        }
        return found
    }

    private static func refusal(_ reason: String) -> LambdaError {
        .invalidRequestContent(message: "The body is no notification of a bucket: \(reason).")
    }
}
