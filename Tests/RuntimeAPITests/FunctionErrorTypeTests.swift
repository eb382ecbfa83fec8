// SPDX-License-Identifier: Apache-2.0
import RuntimeAPI
import Testing

struct FunctionErrorTypeTests {
    @Test(arguments: [
        (nil, "Runtime.Unknown"), ("", "Runtime.Unknown"), ("Runtime.ExitError", "Runtime.ExitError"),
        ("Function.Bad", "Function.Bad"), ("Function.bad", "Function.Unknown"), ("Function.A", "Function.Unknown"),
        ("Function.", "Function.Unknown"), ("Runtime.", "Runtime.Unknown"), ("Runtime.A1", "Runtime.Unknown"),
        ("ValueError", "Runtime.Unknown"), ("Runtime.Bad\tStatus: x", "Runtime.Unknown"),
        ("XRuntime.Bad", "Runtime.Unknown"), ("Function.Bäd", "Function.Unknown"),
        ("Runtime.Bad.Bad", "Runtime.Unknown"),
    ])
    func `the header is kept if it matches the pattern`(header: String?, understood: String) {
        #expect(FunctionErrorType.understood(header) == understood)
    }
}
