// SPDX-License-Identifier: Apache-2.0

/// The librdkafka that this process has found.
enum KafkaLibrary {
    /// 1.8.2, which is the first that takes authorities as text (`ssl.ca.pem`); its versions are 0xMMmmrrxx.
    static let versionMin: CInt = 0x0108_0200

    /// - Throws: where it is older.
    static func check(_ version: CInt) throws(KafkaProblem) {
        guard version < versionMin else { return }
        throw KafkaProblem(
            "This server's librdkafka is \(name(version)); topics are read with \(name(versionMin)) or newer.",
            cause: "librdkafka \(name(version)) is older than \(name(versionMin))"
        )
    }

    private static func name(_ version: CInt) -> String {
        "\(version >> 24 & 0xFF).\(version >> 16 & 0xFF).\(version >> 8 & 0xFF)"
    }
}
