// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ArgumentParser
import Testing

@testable import CommandLineClient

struct KeyCommandTests {
    @Test func `a key is printed as a shell reads it`() {
        let key = JSONValue.object(["AccessKeyId": .string("test"), "SecretAccessKey": .string("a'b $c")])
        #expect(
            KeyCommand.Create.lines(key)
                == #"export AWS_ACCESS_KEY_ID=test"# + "\n" + #"export AWS_SECRET_ACCESS_KEY='a'\''b $c'"#
        )
    }

    @Test func `a list has a line for each key and no secret`() {
        let key = JSONValue.object([
            "AccessKeyId": .string("AKIA"), "AccountId": .string("123456789012"), "UserName": .string("ada"),
            "HasPolicy": .bool(true), "CreateDate": .string("2025"), "SecretAccessKey": .string("hidden"),
        ])
        #expect(
            KeyCommand.List.table([key])
                == "Key   Account       User  Policy  Made\nAKIA  123456789012  ada   yes     2025"
        )
        #expect(KeyCommand.List.table([]) == "There is no key but the administrator's.")
    }

    @Test func `an id without a secret is refused before anything is sent`() {
        #expect(throws: (any Error).self) { try KeyCommand.Create.parse(["--id", "test"]) }
        #expect(throws: Never.self) { try KeyCommand.Create.parse(["--id", "test", "--secret", "test"]) }
    }
}
