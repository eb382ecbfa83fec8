// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ArgumentParser

/// How a command that shows resources prints them.
struct OutputOptions: ParsableArguments {
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table
        case json
    }

    @Option(help: ArgumentHelp("table or json.", valueName: "format"))
    var output: Format = .table

    /// A list of resources; `empty` is what a table says of none.
    func write(_ items: [JSONValue], _ columns: [TableColumn], empty: String) throws(ClientError) {
        switch output {
        case .json: try Terminal.writeJSON(JSONValue.array(items).text)
        case .table where items.isEmpty: try Terminal.writeLine(empty)
        case .table:
            let rows = [columns.map(\.title)] + items.map { item in columns.map { $0.text(item) } }
            let numbers = columns.indices.filter { columns[$0].isNumber }
            try Terminal.writeLine(TextTable.text(rows, numbers: Set(numbers)))
        }
    }

    /// One resource: its members, those of objects after a dot.
    func write(_ item: JSONValue) throws(ClientError) {
        switch output {
        case .json: try Terminal.writeJSON(item.text)
        case .table: try Terminal.writeLine(Self.members(item).map { "\($0.0)  \($0.1)" }.joined(separator: "\n"))
        }
    }

    static func members(_ item: JSONValue) -> [(String, String)] {
        var members: [(String, String)] = []
        func add(_ name: String, _ value: JSONValue) {
            switch value {
            case .object(let object):
                for (key, value) in object.sorted(by: { $0.key < $1.key }) {
                    add(name.isEmpty ? key : "\(name).\(key)", value)
                }
            default: members.append((Terminal.line(name), TableColumn.text(value)))
            }
        }
        add("", item)
        let width = members.map(\.0.count).max() ?? 0
        return members.map { name, value in
            (name + String(repeating: " ", count: width - name.count), value)
        }
    }
}

/// A column of a table of resources.
struct TableColumn: Sendable {
    var title: String
    var isNumber: Bool
    var text: @Sendable (JSONValue) -> String

    /// A member of the resource, those of objects after a dot.
    init(_ title: String, _ path: String, isNumber: Bool = false) {
        self.title = title
        self.isNumber = isNumber
        let names = path.split(separator: ".").map(String.init)
        text = { item in
            let found = names.reduce(Optional(item)) { value, name in value?[name] }
            return found.map(Self.text) ?? ""
        }
    }

    init(_ title: String, isNumber: Bool = false, _ text: @escaping @Sendable (JSONValue) -> String) {
        self.title = title
        self.isNumber = isNumber
        self.text = text
    }

    static func text(_ value: JSONValue) -> String {
        let text =
            switch value {
            case .string(let text): text
            case .null: ""
            case .number(let digits): digits
            case .bool(let value): value ? "true" : "false"
            case .array(let values): values.map(text).joined(separator: " ")
            case .object: value.text
            }
        return Terminal.line(text)
    }
}
