// SPDX-License-Identifier: Apache-2.0

/// Rows in columns, two spaces apart; the first row is the heading.
enum TextTable {
    /// The columns with these numbers end, and all others begin, below each other.
    static func text(_ rows: [[String]], numbers: Set<Int> = []) -> String {
        guard let heading = rows.first else { return "" }
        let shown = rows.map { $0.map(Terminal.harmless) }
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
        let isFormula = text.first.map { "=+-@\t\r".contains($0) } ?? false
        let plain = isFormula ? "'" + text : text
        guard plain.contains(where: { ",\"\n\r".contains($0) || $0.isNewline }) else { return plain }
        return "\"" + plain.replacing("\"", with: "\"\"") + "\""
    }
}
