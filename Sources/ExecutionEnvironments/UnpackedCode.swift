// SPDX-License-Identifier: Apache-2.0
import InvocationCore
package import LambdaModel

/// What an environment sees of the customer's, unpacked: paths in the store.
package struct UnpackedCode: Sendable {
    /// For /var/task.
    var task: String
    /// For /opt; nil without layers.
    var layers: String?
    /// Names of the programs in /opt/extensions: one more than Lambda allows at the most, so that it shows.
    var extensions: [String] = []

    /// The name of one of these paths in `AssignmentRequest.codeDirectory`.
    static func name(of path: String) -> String {
        String(path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...])
    }

    /// Both stay until `release`.
    static func acquire(_ configuration: FunctionConfiguration, from cache: CodeCache) async throws -> UnpackedCode {
        let task = try await cache.acquire([configuration.code])
        guard !configuration.layers.isEmpty else { return UnpackedCode(task: task, layers: nil) }
        do {
            let packages = configuration.layers.map(\.code)
            let layers = try await cache.acquire(packages)
            do {
                let extensions = try await cache.programs(
                    in: "extensions",
                    of: packages,
                    atMost: ExtensionRegistry.extensionsMax + 1
                )
                return UnpackedCode(task: task, layers: layers, extensions: extensions)
            } catch {
                await cache.release(packages)
                throw error
            }
        } catch {
            await cache.release([configuration.code])
            throw error
        }
    }

    static func release(_ configuration: FunctionConfiguration, to cache: CodeCache) async {
        await cache.release([configuration.code])
        if !configuration.layers.isEmpty { await cache.release(configuration.layers.map(\.code)) }
    }
}

extension CodeCache {
    /// Finds out whether a version's code and layers can be used.
    package func prepare(_ configuration: FunctionConfiguration) async throws {
        _ = try await UnpackedCode.acquire(configuration, from: self)
        await UnpackedCode.release(configuration, to: self)
    }
}
