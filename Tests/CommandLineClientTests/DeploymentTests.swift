// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ArgumentParser
import Testing

@testable import CommandLineClient

@Suite struct DeploymentTests {
    @Test func `settings become members of the request`() throws {
        let settings = try FunctionSettings.parse([
            "--runtime", "python3.12", "--handler", "a.b", "--memory", "256", "--timeout", "9", "--env", "A1=x=y",
            "--env",
            "B2=",
        ])
        let members = JSONValue.object(try settings.members(accountID: "000000000000"))
        #expect(
            members.text == #"{"Environment":{"Variables":{"A1":"x=y","B2":""}},"Handler":"a.b","MemorySize":256,"#
                + #""Runtime":"python3.12","Timeout":9}"#
        )
        #expect(try FunctionSettings.parse([]).members(accountID: "").isEmpty)
    }

    @Test(arguments: [["--env", "A"], ["--env", "=x"], ["--env", "A1=1", "--env", "A1=2"]])
    func `wrong variables are refused`(_ arguments: [String]) throws {
        let settings = try FunctionSettings.parse(arguments)
        #expect(throws: ClientError.self) { try settings.members(accountID: "") }
    }

    @Test(arguments: [
        (#"{"State":"Pending"}"#, false), (#"{"State":"Active","LastUpdateStatus":"InProgress"}"#, false),
        (#"{"State":"Active","LastUpdateStatus":"Successful"}"#, true), (#"{"State":"Active"}"#, true),
    ])
    func `a change is settled when neither state is on its way`(_ text: String, _ expected: Bool) throws {
        #expect(try Settling.isOver(JSONValue(parsing: Array(text.utf8))) == expected)
    }

    @Test func `a failed change gives the server's reason`() throws {
        let failed = try JSONValue(parsing: Array(#"{"State":"Failed","StateReason":"No."}"#.utf8))
        #expect(throws: ClientError("The function could not be prepared: No.")) { try Settling.isOver(failed) }
    }

    @Test func `events come from the option or a file`() throws {
        #expect(try InvokeCommand.event(nil).isEmpty)
        #expect(try InvokeCommand.event("{}") == Array("{}".utf8))
        #expect(try !InvokeCommand.event("@/etc/passwd").isEmpty)
        #expect(throws: ClientError.self) { try InvokeCommand.event("@/does/not/exist") }
    }

    @Test func `an error is one line`() {
        #expect(ClientError(name: "AException", message: "b\nc", status: 400).description == "AException: b c")
    }
}
