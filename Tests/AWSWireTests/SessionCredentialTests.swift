// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Crypto
import LambdaModel
import Testing

struct SessionCredentialTests {
    let issuer = SessionCredentialIssuer(key: SymmetricKey(data: [UInt8](repeating: 7, count: 32)))
    let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")
    let expires = Timestamp(millisecondsSinceEpoch: 1_000_000)
    let before = Timestamp(millisecondsSinceEpoch: 999_999)

    @Test func `what was issued is known again until it expires`() throws {
        let key = issuer.issue(function: function, expires: expires)
        let token = try #require(key.sessionToken)
        #expect(key.id.hasPrefix("ASIA") && key.id.count == 20 && key.secret.count == 40)
        guard case .valid(let session) = issuer.verify(accessKeyID: key.id, sessionToken: token, now: before) else {
            Issue.record("not known again")
            return
        }
        #expect(session.secret == key.secret && session.function == function)
        #expect(issuer.verify(accessKeyID: key.id, sessionToken: token, now: expires) == .expired)
    }

    @Test func `every other byte is not this issuer's`() throws {
        let key = issuer.issue(function: function, expires: expires)
        let token = try #require(key.sessionToken)
        let bytes = Array(token.utf8)
        for index in bytes.indices {
            var changed = bytes
            changed[index] = changed[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            let text = String(decoding: changed, as: UTF8.self)
            #expect(issuer.verify(accessKeyID: key.id, sessionToken: text, now: before) == .invalid)
        }
        for text in ["", ".", "..", "a.b", token + "=", token + ".x", String(repeating: "A", count: 10_000)] {
            #expect(issuer.verify(accessKeyID: key.id, sessionToken: text, now: before) == .invalid)
        }
        #expect(issuer.verify(accessKeyID: "ASIAOTHER", sessionToken: token, now: before) == .invalid)
        let other = SessionCredentialIssuer(key: SymmetricKey(data: [UInt8](repeating: 8, count: 32)))
        #expect(other.verify(accessKeyID: key.id, sessionToken: token, now: before) == .invalid)
    }
}
