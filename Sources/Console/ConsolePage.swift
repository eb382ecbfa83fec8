// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Crypto

/// A file of the console's page, carried inside the executable.
package struct ConsoleFile: Sendable {
    package var contentType: String
    package var bytes: [UInt8]
    /// Of what `bytes` are, in quotes as the header has it.
    package var entityTag: String

    private init(_ bytes: [UInt8], _ contentType: String) {
        self.bytes = bytes
        self.contentType = contentType
        entityTag = "\"\(Base64.encodeURL(Array(SHA256.hash(data: bytes))))\""
    }

    /// By name; the page itself is `index.html`.
    package static let all: [String: ConsoleFile] = {
        var files = ["index.html": ConsoleFile(PackageResources.index_html, "text/html; charset=utf-8")]
        files["console.css"] = ConsoleFile(PackageResources.console_css, "text/css; charset=utf-8")
        files["icon.svg"] = ConsoleFile(PackageResources.icon_svg, "image/svg+xml")
        for (name, bytes) in scripts { files[name] = ConsoleFile(bytes, "text/javascript; charset=utf-8") }
        return files
    }()

    private static let scripts: [(String, [UInt8])] = [
        ("main.js", PackageResources.main_js), ("api.js", PackageResources.api_js),
        ("dom.js", PackageResources.dom_js), ("format.js", PackageResources.format_js),
        ("charts.js", PackageResources.charts_js), ("reports.js", PackageResources.reports_js),
        ("archive.js", PackageResources.archive_js), ("functions.js", PackageResources.functions_js),
        ("function.js", PackageResources.function_js), ("deploy.js", PackageResources.deploy_js),
        ("invoke.js", PackageResources.invoke_js), ("logs.js", PackageResources.logs_js),
        ("monitor.js", PackageResources.monitor_js), ("configuration.js", PackageResources.configuration_js),
        ("sources.js", PackageResources.sources_js), ("usage.js", PackageResources.usage_js),
        ("environments.js", PackageResources.environments_js),
    ]

    /// What the page may do: nothing but its own files and requests to its own server; no other page may show it.
    package static let contentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'; "
        + "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}
