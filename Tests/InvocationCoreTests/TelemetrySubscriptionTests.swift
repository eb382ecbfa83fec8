// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import Testing

/// What a subscription may ask for, and what it is told otherwise.
@Suite struct TelemetrySubscriptionTests {
    private static let reserved: Set<UInt16> = [9_001, 9_002]

    private func request(
        _ version: String? = "2022-12-13",
        types: [String] = ["platform"],
        uri: String = "http://sandbox.localdomain:8080"
    ) -> TelemetryRequest {
        TelemetryRequest(schemaVersion: version, types: types, destination: .http(uri: uri, method: "POST"))
    }

    private func refusal(
        _ request: TelemetryRequest,
        for api: TelemetryAPI = .telemetry
    ) -> (status: Int, type: String, message: String)? {
        do throws(TelemetryRefusal) {
            _ = try request.validated(for: api, reserved: Self.reserved)
            return nil
        } catch {
            return (error.status, error.errorType, error.errorMessage)
        }
    }

    @Test func `what is not said has AWS's defaults`() throws {
        let accepted = try request(types: ["function", "platform"]).validated(for: .telemetry, reserved: Self.reserved)
        #expect(accepted.buffering == TelemetryBuffering(itemsMax: 10_000, bytesMax: 262_144, timeout: .seconds(1)))
        #expect(accepted.categories == [.function, .platform])
        #expect(
            accepted.destination == .http(method: "POST", host: "sandbox.localdomain:8080", port: 8_080, path: "/")
        )
    }

    @Test(arguments: [
        ("http://sandbox:1/a/b?c=d", "sandbox:1", "/a/b?c=d"), ("HTTP://Sandbox.LocalDomain:65535?x", "", "/?x"),
    ])
    func `both names of the sandbox are good, with any path`(uri: String, host: String, path: String) throws {
        let accepted = try request(uri: uri).validated(for: .telemetry, reserved: Self.reserved)
        guard case .http(_, let named, _, let rest) = accepted.destination else { return #expect(Bool(false)) }
        #expect(host.isEmpty || named == host)
        #expect(rest == path)
    }

    @Test func `each API has its schema versions`() throws {
        for schema in TelemetrySchema.allCases {
            let request = request(schema.rawValue)
            #expect(try request.validated(for: schema.api, reserved: []).schema == schema)
            #expect(refusal(request, for: schema.api == .logs ? .telemetry : .logs)?.status == 400)
        }
        #expect(try request(nil).validated(for: .logs, reserved: []).schema == .logs20200815)
        let missing = refusal(request(nil))
        #expect(missing?.type == "Telemetry.ValidationError")
        #expect(missing?.message == "TelemetryAPI only supports the SchemaVersion released after 2021-03-18")
        #expect(
            refusal(request("2022-07-01"), for: .logs)?.message
                == "LogsAPI only supports the following SchemaVersion: 2020-08-15, 2021-03-18"
        )
    }

    @Test func `all that is wrong is told at once`() {
        let wrong = refusal(request(types: [], uri: "http://sandbox.localdomain"), for: .telemetry)
        #expect(wrong?.status == 400)
        #expect(wrong?.type == "Telemetry.ValidationError")
        #expect(wrong?.message == "URI port is not provided; types should not be empty")
        #expect(
            refusal(request("2020-08-15", types: ["platform", "platform"]), for: .logs)?.message
                == "types should be unique"
        )
        #expect(refusal(request(types: ["platform.start"]))?.message == "Unrecognized enum variant")
    }

    @Test func `buffering has bounds`() {
        var wrong = request()
        (wrong.itemsMax, wrong.bytesMax, wrong.timeoutMilliseconds) = (999, 1_048_577, 24)
        #expect(
            refusal(wrong)?.message
                == "maxItems should be between 1000 and 10000; maxBytes should be between 262144 and 1048576; "
                + "timeoutMs should be between 25 and 30000"
        )
        var right = request()
        (right.itemsMax, right.bytesMax, right.timeoutMilliseconds) = (1_000, 1_048_576, 25)
        #expect(refusal(right) == nil)
        (right.itemsMax, right.bytesMax, right.timeoutMilliseconds) = (10_000, 262_144, 30_000)
        #expect(refusal(right) == nil)
    }

    @Test(arguments: [
        ("https://sandbox.localdomain:1", 403, "Only 'http' scheme is supported."),
        ("sandbox.localdomain:1", 403, "Only 'http' scheme is supported."),
        ("http://127.0.0.1:1", 403, "Only 'sandbox.localdomain' hostname is supported."),
        ("http://u@sandbox.localdomain:1", 403, "Only 'sandbox.localdomain' hostname is supported."),
        ("http://sandbox.localdomain.:1", 403, "Only 'sandbox.localdomain' hostname is supported."),
        ("http://sandbox.localdomain:9001", 400, "port 9001 is reserved"),
        ("http://sandbox.localdomain:9002", 400, "port 9002 is reserved"),
        ("http://sandbox.localdomain:0", 400, "port should be between 1 and 65535"),
        ("http://sandbox.localdomain:65536", 400, "port should be between 1 and 65535"),
        ("http://sandbox.localdomain:1a", 400, "port should be between 1 and 65535"),
        ("http://sandbox.localdomain:-1", 400, "port should be between 1 and 65535"),
        ("http://sandbox.localdomain:", 400, "URI port is not provided"),
        ("http://sandbox.localdomain:1/a b", 400, "URI is invalid"),
        ("http://sandbox.localdomain:1/a\r\nHost: x", 400, "URI is invalid"),
        ("http://sandbox.localdomain:1/ä", 400, "URI is invalid"),
        ("http://sandbox.localdomain:1#f", 400, "URI is invalid"),
    ])
    func `a destination is a port of the sandbox's own`(uri: String, status: Int, message: String) {
        let refused = refusal(request(uri: uri))
        #expect(refused?.status == status)
        #expect(refused?.message == message)
    }

    @Test func `a TCP destination is a port`() throws {
        func request(_ port: Int) -> TelemetryRequest {
            TelemetryRequest(schemaVersion: "2022-07-01", types: ["platform"], destination: .tcp(port: port))
        }
        #expect(try request(65_535).validated(for: .telemetry, reserved: []).destination == .tcp(port: 65_535))
        for (port, message) in [
            (0, "port should be between 1 and 65535"), (65_536, "port should be between 1 and 65535"),
            (9_001, "port 9001 is reserved"),
        ] {
            #expect(refusal(request(port))?.message == message)
        }
    }
}
