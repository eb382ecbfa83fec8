// SPDX-License-Identifier: Apache-2.0
import HTTPTypes

extension HTTPField.Name {
    static let requestID = name("x-amzn-RequestId")
    static let errorType = name("x-amzn-ErrorType")
    /// Of errors of services that spoke the Query protocol once: its name for them.
    static let queryError = name("x-amzn-query-error")
    static let smithyProtocol = name("smithy-protocol")
    static let via = name("Via")
    static let target = name("x-amz-target")
    static let invocationType = name("x-amz-invocation-type")
    static let logType = name("x-amz-log-type")
    static let clientContext = name("x-amz-client-context")
    static let traceID = name("X-Amzn-Trace-Id")
    static let traceparent = name("traceparent")
    static let tenantID = name("x-amz-tenant-id")
    static let secFetchSite = name("Sec-Fetch-Site")
    /// Of a browser's request for the script of a service worker.
    static let serviceWorker = name("Service-Worker")
    static let clearSiteData = name("Clear-Site-Data")
    /// Of every request of the console's page: another origin's page can't send it unasked.
    static let console = name("X-Martlet-Console")
    static let referrerPolicy = name("Referrer-Policy")
    static let crossOriginOpenerPolicy = name("Cross-Origin-Opener-Policy")
    static let crossOriginResourcePolicy = name("Cross-Origin-Resource-Policy")
    static let durableExecutionName = name("x-amz-durable-execution-name")
    static let executedVersion = name("X-Amz-Executed-Version")
    static let functionError = name("X-Amz-Function-Error")
    static let logResult = name("X-Amz-Log-Result")

    private static func name(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is a valid field name") }
        return name
    }
}
