// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Foundation
import LambdaModel

@testable import ControlPlane

/// The body of a request, as the front door reads it for two operations that make or change a function, and for one that
/// the body's length picks.
func fuzz(_ bytes: [UInt8]) {
    do {
        let creation = try LambdaOperation.createFunction.input(labels: [:], query: QueryParameters(""), body: bytes)
        try read(ConfigurationChange(try API.CreateFunctionRequest(wire: creation)))
    } catch {
        refused(error, bytes)
    }
    do {
        let operation = LambdaOperation.updateFunctionConfiguration
        let update = try operation.input(labels: ["FunctionName": "f"], query: QueryParameters(""), body: bytes)
        try read(ConfigurationChange(try API.UpdateFunctionConfigurationRequest(wire: update)))
    } catch {
        refused(error, bytes)
    }
    let operation = LambdaOperation.allCases[bytes.count % LambdaOperation.allCases.count]
    do {
        _ = try operation.input(
            labels: [:],
            query: QueryParameters(String(decoding: bytes, as: UTF8.self)),
            body: bytes
        )
    } catch {
        refused(error, bytes)
    }
}

private func refused(_ error: LambdaError, _ bytes: [UInt8]) {
    expect((400..<500).contains(error.wire.status), "a refusal is the caller's: \(error)")
    // A name of a member is repeated, a value up to its bounds.
    expect(error.wire.message.utf8.count <= 32 * bytes.count + 65_536, "a refusal has its bounds")
}

private func read(_ change: ConfigurationChange) throws(LambdaError) {
    for text in change.echoed.values {
        expect(JSONSyntax.failure(in: Array(text.utf8)) == nil, "what is shown again is JSON: \(text)")
    }
    let rules = ConfigurationRules(limits: .classic) { _ in .available }
    try rules.check(change)
    expect(change.memoryMiB.map { (128...3_072).contains($0) } ?? true, "memory is within the profile")
    expect(change.timeoutSeconds.map { (1...300).contains($0) } ?? true, "time is within the profile")
    expect(change.handler.map { (0...128).contains($0.unicodeScalars.count) } ?? true, "a handler has its bounds")
    expect(change.environment.map { $0.values.allSatisfy { !$0.utf8.contains(0) } } ?? true, "a variable has no NUL")
}
