// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import Testing

struct FunctionIdentifierTests {
    @Test(
        arguments: [
            ("f", [nil, nil, "f", nil]), ("My-Func_1", [nil, nil, "My-Func_1", nil]), ("f:1", [nil, nil, "f", "1"]),
            ("f:$LATEST", [nil, nil, "f", "$LATEST"]), ("f:live", [nil, nil, "f", "live"]),
            ("function:f", [nil, nil, "f", nil]), ("000000000000:function:f", [nil, "000000000000", "f", nil]),
            ("000000000000:function:f:2", [nil, "000000000000", "f", "2"]),
            ("us-east-1:000000000000:function:f", ["us-east-1", "000000000000", "f", nil]),
            ("arn:aws:lambda:us-east-1:000000000000:function:f", ["us-east-1", "000000000000", "f", nil]),
            ("arn:aws:lambda:us-east-1:000000000000:function:f:live", ["us-east-1", "000000000000", "f", "live"]),
            (
                "arn:aws-us-gov:lambda:us-gov-west-1:000000000000:function:f",
                ["us-gov-west-1", "000000000000", "f", nil]
            ),
            ("us-east-1", [nil, nil, "us-east-1", nil]), ("000000000000", [nil, nil, "000000000000", nil]),
        ] as [(String, [String?])]
    )
    func `every form of name`(text: String, parts: [String?]) throws {
        for namespaced in [false, true] {
            let identifier = try #require(FunctionIdentifier(text, namespaced: namespaced))
            #expect([identifier.region, identifier.accountID, identifier.name, identifier.qualifier] == parts)
        }
    }

    @Test(arguments: [
        "", ":", "f:", ":f", "f::1", "f:a:b", "f g", "f/g", "é", "f:$latest", "f:$X", "arn:aws:lambda", "f\n", "f\0",
        "arn:aws:s3:us-east-1:000000000000:function:f", "arn:aws:lambda:us-east-1:0000:function:f",
        "arn:aws:lambda:us-east-1:000000000000:layer:f:1", "arn:aws:lambda:us-east-1:000000000000:function:f:1:2:3:4",
        "f:a.b", "arn:aws:lambda:US-EAST-1:000000000000:function:f",
    ])
    func `what is no name`(text: String) {
        #expect(FunctionIdentifier(text, namespaced: false) == nil)
    }

    @Test func `names with dots are for reading only`() {
        #expect(FunctionIdentifier("a.b", namespaced: false) == nil)
        #expect(FunctionIdentifier("a.b", namespaced: true)?.name == "a.b")
    }

    func message(_ text: String, qualifier: String? = nil) -> String? {
        do {
            _ = try FunctionIdentifier(reading: text, qualifier: qualifier)
            return nil
        } catch {
            return error.wire.message
        }
    }

    @Test func `constraints are AWS's words`() {
        #expect(
            message("a b")
                == "1 validation error detected: Value 'a b' at 'functionName' failed to satisfy constraint: Member must "
                + "satisfy regular expression pattern: \(FunctionIdentifier.namespacedPattern)"
        )
        #expect(
            message(String(repeating: "a", count: 257))?.hasSuffix(
                "at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 256"
            )
                == true
        )
        #expect(
            message("a b", qualifier: "x y")
                == "2 validation errors detected: Value 'x y' at 'qualifier' failed to satisfy constraint: Member must "
                + "satisfy regular expression pattern: \\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+; Value 'a b' at "
                + "'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: "
                + FunctionIdentifier.namespacedPattern
        )
        #expect(
            message("f:1", qualifier: "2")
                == "The derived qualifier from the function name does not match the specified qualifier."
        )
        #expect(message("f:1", qualifier: "1") == nil)
    }

    @Test func `another region is not here, another account is named`() throws {
        let other = try FunctionIdentifier(
            reading: "arn:aws:lambda:eu-west-1:000000000000:function:f",
            qualifier: nil
        )
        #expect(
            throws: LambdaError.resourceNotFound(
                message: "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"
            )
        ) { try other.key(accountID: "000000000000", region: "us-east-1") }
        let foreign = try FunctionIdentifier(reading: "111111111111:function:f", qualifier: nil)
        let meant = FunctionKey(accountID: "111111111111", region: "us-east-1", name: "f")
        #expect(try foreign.key(accountID: "000000000000", region: "us-east-1") == meant)
    }

    @Test func `faults are counted, and a missing value is bare`() {
        var violations = ConstraintViolations()
        #expect(violations.error == nil)
        violations.add(nil, at: "code", "Member must not be null")
        violations.requireRange(0, at: "timeout", 1...300)
        #expect(
            violations.error
                == .validation(
                    message:
                        "2 validation errors detected: Value null at 'code' failed to satisfy constraint: Member must "
                        + "not be null; Value '0' at 'timeout' failed to satisfy constraint: Member must have value "
                        + "greater than or equal to 1"
                )
        )
    }
}
