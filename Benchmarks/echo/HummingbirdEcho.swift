// SPDX-License-Identifier: Apache-2.0
import Hummingbird

/// The floor of an invocation: the HTTP server that Martlet's own API is built on, which answers each request with its body.
///
/// The only argument is the port on the loopback address to listen on. Ends by SIGTERM.
@main
enum HummingbirdEcho {
    static func main() async throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap(Int.init) ?? 8_080
        let router = Router()
        router.post("/") { request, _ in
            let body = try await request.body.collect(upTo: 6_291_456)
            return Response(status: .ok, headers: [.contentType: "application/json"], body: .init(byteBuffer: body))
        }
        let echo = Application(router: router, configuration: .init(address: .hostname("127.0.0.1", port: port)))
        try await echo.runService()
    }
}
