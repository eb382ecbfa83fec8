// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import ArgumentParser
import Foundation

/// `martlet s3-url`: where an S3 server is to post the notifications of its buckets for a function.
package struct S3URLCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "s3-url",
        abstract: "Print the URL to which an S3 server posts a bucket's notifications for a function.",
        discussion: """
            MinIO, for example, takes it as MINIO_NOTIFY_WEBHOOK_ENDPOINT. Who has the URL may post to it, and the function's policy \
            must permit it, as on AWS: aws lambda add-permission --function-name NAME --statement-id s3 --action \
            lambda:InvokeFunction --principal s3.amazonaws.com --source-arn arn:aws:s3:::BUCKET
            """
    )

    @Argument(help: "The function's name or ARN.")
    private var function: String

    @Option(help: ArgumentHelp("A version or an alias.", valueName: "name"))
    private var qualifier: String?

    @OptionGroup private var connection: ConnectionOptions

    package init() {}

    package func run() async throws {
        try await reportingErrors {
            var query = "FunctionName=\(PercentEncoding.encode(function))"
            if let qualifier { query += "&Qualifier=\(PercentEncoding.encode(qualifier))" }
            let answer = try await LambdaClient.with(connection.location()) { [query] client in
                try await client.send(.get, "/_martlet/s3-events", query: query)
            }
            guard let url = try JSONValue(parsing: Array(answer.body))["Url"]?.string else {
                throw ClientError("The server's answer has no URL.")
            }
            try Terminal.writeLine(url)
        }
    }
}
