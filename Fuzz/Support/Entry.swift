// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What libFuzzer calls with each input; `fuzz` is the fuzzer's own, in the file beside.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    fuzz(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

/// Ends the run as a finding, with its reason on standard error: a `precondition` would keep it to itself in an optimised build.
func expect(_ condition: Bool, _ reason: @autoclosure () -> String, line: UInt = #line) {
    guard !condition else { return }
    let text = "fuzz: line \(line): \(reason())\n"
    write(STDERR_FILENO, text, text.utf8.count)
    abort()
}
