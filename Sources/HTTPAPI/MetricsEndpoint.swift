// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import HTTPTypes
import Hummingbird
import InvocationCore
import LambdaModel
import MetricCore
import NIOCore

/// Who may read `/metrics`, which is of all accounts.
package enum MetricsAccess: String, Sendable {
    /// The administrator, and keys of the server's own account whose policy allows it.
    case signed
    /// Also whoever asks from this machine.
    case open
    case off
}

extension LambdaAPI {
    static let metricsAction = "martlet:GetMetrics"

    /// `GET /metrics`: everything that is measured, as Prometheus reads it.
    func metricsText(_ call: Call) async throws -> Response {
        guard metricsAccess != .off else {
            throw LambdaError.unknownOperation(message: "/metrics is switched off (--metrics off).")
        }
        let caller = call.caller
        guard caller.isAdministrator || caller.accountID == accountID && caller.policy != nil else {
            throw LambdaError.accessDenied(
                name: "AccessDeniedException",
                message:
                    "User: \(caller.identity.arn) is not authorized to perform: \(Self.metricsAction) because only the "
                    + "administrator's key, and keys whose policy allows it, may read what is of all accounts"
            )
        }
        try await authorize(call, [.init(Self.metricsAction)])
        return Response(
            status: .ok,
            headers: [.contentType: Exposition.contentType],
            body: .init(byteBuffer: ByteBuffer(bytes: try await metrics()))
        )
    }

    /// Whoever may read the metrics without a signature: from this machine where that was allowed, or by a key's id and its secret, which is
    /// what Prometheus can send; nil where a signature is asked for.
    func unsignedReader(_ request: SigV4Request, from sourceIP: String?) throws(LambdaError) -> Caller? {
        if metricsAccess == .off { return Caller(accountID: accountID, region: region) }
        let header = request.header("authorization")
        if let header, header.hasPrefix("Basic ") {
            guard isEncrypted || Self.isLoopback(sourceIP) else {
                throw Self.refusal(
                    "A secret is not to be sent in the clear: read /metrics over HTTPS, or from this machine."
                )
            }
            guard header.utf8.count <= 1_024, let bytes = Base64.decode(String(header.dropFirst(6))),
                let separator = bytes.firstIndex(of: UInt8(ascii: ":"))
            else { throw Self.refusal("The Authorization header can't be read.") }
            let id = String(decoding: bytes[..<separator], as: UTF8.self)
            let found = keyring.lookUp(accessKeyID: id, sessionToken: nil, now: now())
            guard case .secret(let secret) = found.credential, let holder = found.holder,
                SigV4Verifier.equalInConstantTime(Array(bytes[(separator + 1)...]), Array(secret.utf8))
            else { throw Self.refusal("The access key is unknown, or its secret another.") }
            return holder.caller(region: region)
        }
        guard metricsAccess == .open, header == nil, Self.isLoopback(sourceIP),
            let host = request.header("host"), Self.isOwnHost(host)
        else { return nil }
        return Caller(accountID: accountID, region: region, isAdministrator: true)
    }

    private static func refusal(_ message: String) -> LambdaError {
        .accessDenied(name: "AccessDeniedException", message: message)
    }

    private static func isLoopback(_ address: String?) -> Bool {
        guard let address else { return false }
        let parts = address.split(separator: ".", omittingEmptySubsequences: false)
        let isOfIPv4 = parts.count == 4 && parts.allSatisfy { UInt8($0) != nil && $0.utf8.allSatisfy { $0 >= 0x30 } }
        return address == "::1" || isOfIPv4 && parts[0] == "127"
            || address.hasPrefix("::ffff:") && isLoopback(String(address.dropFirst(7)))
    }

    /// A page in a browser on this machine asks under its own site's name, wherever that leads.
    static func isOwnHost(_ host: String) -> Bool {
        let name = host.hasPrefix("[") ? host.prefix { $0 != "]" }.dropFirst() : host.prefix { $0 != ":" }
        return name == "localhost" || isLoopback(String(name))
    }
}
