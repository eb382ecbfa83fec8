// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Foundation
import LambdaModel
import Testing

/// Requests that botocore signed; Scripts/make-sigv4-vectors.py makes them.
struct SigV4Vectors: Decodable {
    struct Vector: Decodable, CustomTestStringConvertible {
        var name: String
        var form: String
        var method: String
        var path: String
        var query: String
        var headers: [[String]]
        var body: String
        var service: String
        var token: String?
        var expires: Int?
        var hasContentHash: Bool

        var testDescription: String { name }

        var request: SigV4Request {
            SigV4Request(
                method: method,
                path: path,
                query: query,
                headers: headers.map { SigV4Request.Header($0[0], $0[1]) }
            )
        }

        var bodyBytes: [UInt8] { Base64.decode(body) ?? [] }
    }

    var accessKey: String
    var secret: String
    var region: String
    var time: String
    var vectors: [Vector]

    static func load() throws -> SigV4Vectors {
        let url = try #require(Bundle.module.url(forResource: "sigv4", withExtension: "json", subdirectory: "Vectors"))
        return try JSONDecoder().decode(SigV4Vectors.self, from: Data(contentsOf: url))
    }

    func verify(_ request: SigV4Request, _ vector: Vector, body: [UInt8], at now: Timestamp? = nil) throws {
        let time = try #require(BasicTime.parse(time))
        let verifier = SigV4Verifier(regions: [region], services: [vector.service])
        let pending = try verifier.examine(request, at: now ?? time) { id, token in
            id == accessKey && token == vector.token ? .secret(secret) : .unknown
        }
        try pending.verify(body: body)
    }
}

struct SigV4VectorTests {
    let file: SigV4Vectors

    init() throws {
        file = try SigV4Vectors.load()
    }

    @Test func `there are vectors of both forms`() {
        #expect(file.vectors.count >= 30)
        #expect(Set(file.vectors.map(\.form)) == ["header", "presigned"])
    }

    @Test func `what botocore signed is accepted`() throws {
        for vector in file.vectors {
            #expect(throws: Never.self, "\(vector.name)") {
                try file.verify(vector.request, vector, body: vector.bodyBytes)
            }
        }
    }

    /// Method, path, query, host, date and every signed header: a change of any of them is found.
    @Test func `a changed request is refused`() throws {
        for vector in file.vectors {
            var changed: [(String, SigV4Request)] = []
            func change(_ what: String, _ edit: (inout SigV4Request) -> Void) {
                var request = vector.request
                edit(&request)
                changed.append((what, request))
            }
            change("method") { $0.method = $0.method == "GET" ? "PUT" : "GET" }
            change("path") { $0.path += "x" }
            change("query") { $0.query += $0.query.isEmpty ? "x=1" : "&x=1" }
            change("host") { $0.headers[0].value = "example.org" }
            let authorization = vector.request.header("authorization") ?? ""
            for (index, header) in vector.request.headers.enumerated().dropFirst()
            where authorization.contains(header.name.lowercased()) {
                change("header \(header.name)") { $0.headers[index].value += "0" }
                change("without header \(header.name)") { $0.headers.remove(at: index) }
            }
            for (what, request) in changed {
                #expect(throws: LambdaError.self, "\(vector.name): \(what)") {
                    try file.verify(request, vector, body: vector.bodyBytes)
                }
            }
        }
    }

    @Test func `a changed body is refused, unless the body was left out of the signature`() throws {
        for vector in file.vectors {
            let body = vector.bodyBytes + [0x20]
            if vector.request.header("x-amz-content-sha256") == "UNSIGNED-PAYLOAD" {
                try file.verify(vector.request, vector, body: body)
            } else {
                #expect(throws: LambdaError.self, "\(vector.name)") {
                    try file.verify(vector.request, vector, body: body)
                }
            }
        }
    }

    @Test func `our signer writes what botocore writes`() throws {
        let time = try #require(BasicTime.parse(file.time))
        // Headers that botocore leaves out of its signature are not in what our signer is given.
        let unsigned = ["authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "user-agent"]
        for vector in file.vectors where vector.hasContentHash {
            guard vector.request.header("x-amz-content-sha256") != "UNSIGNED-PAYLOAD" else { continue }
            var request = vector.request
            request.headers.removeAll {
                unsigned.contains($0.name.lowercased()) || $0.name.lowercased() == "x-amzn-trace-id"
            }
            let key = AccessKey(id: file.accessKey, secret: file.secret, sessionToken: vector.token)
            let signer = SigV4Signer(accessKey: key, region: file.region, service: vector.service)
            let added = signer.sign(request, body: vector.bodyBytes, at: time)
            let authorization = added.first { $0.name == "Authorization" }?.value
            #expect(authorization == vector.request.header("authorization"), "\(vector.name)")
        }
    }

    @Test func `our presigned queries are accepted`() throws {
        let time = try #require(BasicTime.parse(file.time))
        for vector in file.vectors where vector.form == "header" {
            let key = AccessKey(id: file.accessKey, secret: file.secret, sessionToken: vector.token)
            let signer = SigV4Signer(accessKey: key, region: file.region, service: vector.service)
            var request = SigV4Request(
                method: "GET",
                path: vector.path,
                query: vector.query,
                headers: [vector.request.headers[0]]
            )
            request.query = signer.presign(request, seconds: 60, at: time)
            try file.verify(request, vector, body: [])
            #expect(throws: LambdaError.self) {
                try file.verify(request, vector, body: [], at: time.advanced(by: .seconds(61)))
            }
        }
    }
}
