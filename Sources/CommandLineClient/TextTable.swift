// SPDX-License-Identifier: Apache-2.0

/// Rows in columns, two spaces apart; the first row is the heading.
enum TextTable {
    /// The columns with these numbers end, and all others begin, below each other.
    static func text(_ rows: [[String]], numbers: Set<Int> = []) -> String {
        guard let heading = rows.first else { return "" }
        let shown = rows.map { $0.map(Terminal.line) }
        let widths = heading.indices.map { column in shown.map { $0[column].count }.max() ?? 0 }
        return shown.map { row in
            row.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                if numbers.contains(column) { return space + row[column] }
                return column == row.count - 1 ? row[column] : row[column] + space
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}

/// Rows as RFC 4180 has them, with line feeds.
enum CommaSeparated {
    static func text(_ rows: [[String]]) -> String {
        rows.map { $0.map(field).joined(separator: ",") }.joined(separator: "\n")
    }

    /// What a spreadsheet would take for a formula is text, by an apostrophe.
    private static func field(_ text: String) -> String {
        // By scalars: a spreadsheet sees the sign also where a combining character or a line feed follows it.
        let isFormula = text.unicodeScalars.first.map { "=+-@\t\r".unicodeScalars.contains($0) } ?? false
        let scalars = Array((isFormula ? "'" + text : text).unicodeScalars)
        guard scalars.contains(where: { $0 == "," || $0 == "\"" || Character($0).isNewline }) else {
            return String(String.UnicodeScalarView(scalars))
        }
        let doubled = scalars.flatMap { $0 == "\"" ? [$0, $0] : [$0] }
        return "\"" + String(String.UnicodeScalarView(doubled)) + "\""
    }
}
