// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A time zone of the IANA database: what its clocks show, and when.
///
/// Its rules come with Foundation, not from the host.
package struct ZoneRules: Equatable, Sendable {
    package static let utcName = "UTC"

    package let name: String
    private let zone: TimeZone

    /// nil for what is no name in the database, offsets such as `GMT+3` included.
    package init?(_ name: String) {
        let links = ["GMT+0", "GMT-0"]
        guard !["GMT+", "GMT-", "UTC+", "UTC-"].contains(where: name.hasPrefix) || links.contains(name),
            let zone = TimeZone(identifier: name)
        else { return nil }
        self.name = name
        self.zone = zone
    }

    /// Coordinated universal time.
    package static var utc: ZoneRules {
        guard let zone = ZoneRules(utcName) else { preconditionFailure("UTC is a zone") }
        return zone
    }

    /// Seconds east of Greenwich at a moment, given in seconds since 1970.
    func offset(at moment: Int64) -> Int64 {
        Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(moment))))
    }

    /// The first moment at which clocks show `local`, both in seconds since 1970; nil where they skip it.
    func moment(showing local: Int64) -> Int64? {
        // Before a change and after it: there are not two of them within two days.
        let offsets = [offset(at: local - Self.day), offset(at: local + Self.day)].sorted(by: >)
        return offsets.map { local - $0 }.first { $0 + offset(at: $0) == local }
    }

    /// The same, and where clocks skip `local` the moment at which it would have come without the change.
    func momentAtOrAfter(_ local: Int64) -> Int64 {
        moment(showing: local) ?? local - offset(at: local - Self.day)
    }

    private static let day: Int64 = 86_400
}
