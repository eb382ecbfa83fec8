// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import LambdaModel
import Testing

struct ReadingTests {
    let fixture: ControlPlaneFixture
    let caller = ControlPlaneFixture.caller

    init() throws {
        fixture = try ControlPlaneFixture()
    }

    @Test func `a qualifier of $LATEST ends the ARN, another is not found`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:f"
        #expect(try await fixture.show("f")["FunctionArn"] == .string(arn))
        #expect(try await fixture.show("f", qualifier: "$LATEST")["FunctionArn"] == .string("\(arn):$LATEST"))
        #expect(try await fixture.show("\(arn):$LATEST")["FunctionArn"] == .string("\(arn):$LATEST"))
        #expect(
            try await refusal { try await fixture.show("f", qualifier: "10") }
                == .resourceNotFound(message: "Function not found: \(arn):10")
        )
        #expect(
            try await refusal { try await fixture.show("g", qualifier: "10") }
                == .resourceNotFound(
                    message: "Function not found: arn:aws:lambda:us-east-1:000000000000:function:g"
                )
        )
    }

    @Test func `an invocation's not found has the qualifier`() async throws {
        defer { try? fixture.remove() }
        let key = FunctionKey(accountID: caller.accountID, region: caller.region, name: "f")
        let plane = fixture.controlPlane
        #expect(
            try await refusal { try await plane.invocable(key, qualifier: nil) }
                == .resourceNotFound(message: "Function not found: \(key.arn):$LATEST")
        )
        #expect(
            try await refusal { try await plane.invocable(key, qualifier: "live") }
                == .resourceNotFound(message: "Function not found: \(key.arn):live")
        )
    }

    @Test func `GetFunction has a URL that is good for ten minutes`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f", ["Tags": .object(["team": .string("birds")])])
        let plane = fixture.controlPlane
        let answer = try await plane.getFunction("f", qualifier: nil, origin: "http://localhost:4566", caller: caller)
        #expect(answer["Tags"] == .object(["team": .string("birds")]))
        #expect(answer["Code"]?["RepositoryType"] == .string("S3"))
        let url = try #require(answer["Code"]?["Location"]?.string)
        #expect(url.hasPrefix("http://localhost:4566/_martlet/code/"))
        let parts = url.dropFirst("http://localhost:4566/_martlet/code/".count).split(separator: "?")
        let objectID = String(parts[0])
        let query = String(parts[1])
        let zip = try await plane.downloadCode(objectID: objectID, query: QueryParameters(query))
        #expect(zip == Base64.decode(SampleCode.echo))
        for changed in [query.replacing("expires=1", with: "expires=2"), query + "x", "", "signature=" + query] {
            let refused = try await refusal {
                try await plane.downloadCode(objectID: objectID, query: QueryParameters(changed))
            }
            #expect(changed == query + "x" || refused?.wire.status == 403, "\(changed)")
        }
        #expect(
            try await refusal { try await plane.downloadCode(objectID: "other", query: QueryParameters(query)) } != nil
        )
        fixture.advance(by: .seconds(599))
        _ = try await plane.downloadCode(objectID: objectID, query: QueryParameters(query))
        fixture.advance(by: .seconds(1))
        #expect(
            try await refusal { try await plane.downloadCode(objectID: objectID, query: QueryParameters(query)) } != nil
        )
    }

    @Test func `lists come in pages, in order, without states`() async throws {
        defer { try? fixture.remove() }
        for name in ["d", "a", "c", "e", "b"] { try await fixture.create(name) }
        var names: [String] = []
        var marker = ""
        var pages = 0
        repeat {
            let answer = try await fixture.controlPlane.listFunctions(
                "MaxItems=2&Marker=\(marker)",
                caller: caller
            )
            for item in answer["Functions"]?.array ?? [] {
                names.append(item["FunctionName"]?.string ?? "")
                #expect(item["State"] == nil && item["LastUpdateStatus"] == nil && item["RuntimeVersionConfig"] == nil)
            }
            marker = answer["NextMarker"]?.string ?? ""
            pages += 1
        } while !marker.isEmpty && pages < 10
        #expect(names == ["a", "b", "c", "d", "e"] && pages == 3)
        let versions = try await fixture.controlPlane.listFunctions(
            "FunctionVersion=ALL",
            caller: caller
        )
        #expect(versions["Functions"]?.array?.first?["FunctionArn"]?.string?.hasSuffix("function:a:$LATEST") == true)
    }

    @Test(arguments: ["MaxItems=0", "MaxItems=10001", "MaxItems=x", "FunctionVersion=1", "Marker=%21"])
    func `list parameters out of bounds`(query: String) async throws {
        defer { try? fixture.remove() }
        let error = try await refusal {
            try await fixture.controlPlane.listFunctions(query, caller: caller)
        }
        #expect(error?.wire.status == 400)
    }

    @Test func `another account's functions are not in the list`() async throws {
        defer { try? fixture.remove() }
        try await fixture.create("f")
        let other = Caller(accountID: "111111111111", region: "us-east-1")
        let answer = try await fixture.controlPlane.listFunctions("", caller: other)
        #expect(answer == .object(["Functions": .array([])]))
    }
}
