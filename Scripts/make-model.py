#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes Sources/AWSWire/Generated: the Lambda API's operations, types and constraints, from botocore's service model.

make-model.py [DIRECTORY]: into another directory where one is named. Run by `make model`, with the botocore that
Tests/requirements.txt names. No prose of the model is carried over.
"""

import gzip
import json
import pathlib
import re
import subprocess
import sys

import botocore

OUT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "Sources/AWSWire/Generated")
LINES_MAX = 450
HEADER = "// SPDX-License-Identifier: Apache-2.0\n// Made by `make model` from the service model of Lambda in botocore {version}. Not to be edited.\n"
MODEL = pathlib.Path(botocore.__file__).parent / "data/lambda/2015-03-31/service-2.json.gz"

# Where what AWS does differs from what its model says.
#
# The Runtime a request names is checked after the front door, in other words than an enumeration's.
WITHOUT_VALUES = {"Runtime"}
# The front door knows AWS's own layers, which have another form of ARN.
PATTERNS = {
    "LayerVersionArn": r"(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)"
    r"|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)",
}
# How many layers a function has is checked after the front door.
UNBOUNDED = {"LayerList"}
STATUS = {"DeleteFunction": 204}

SWIFT_TYPES = {
    "string": "String",
    "integer": "Int",
    "long": "Int",
    "double": "Double",
    "boolean": "Bool",
    "blob": "Blob",
    "timestamp": "Timestamp",
}
RESERVED = {"default", "protocol", "enum", "operator", "case", "where", "extension"}


def lower_camel(name):
    match = re.match(r"[A-Z]+(?=[A-Z][a-z]|[0-9]|$)|[A-Z]", name)
    result = match.group(0).lower() + name[match.end() :] if match else name
    return f"`{result}`" if result in RESERVED else result


def literal(text):
    hashes = "#"
    while f'"{hashes}' in text:
        hashes += "#"
    return f'{hashes}"{text}"{hashes}'


class Model:
    def __init__(self, description):
        self.operations = description["operations"]
        self.shapes = description["shapes"]
        inputs, outputs = set(), set()
        for operation in self.operations.values():
            if "input" in operation:
                self.reach(operation["input"]["shape"], inputs)
            if "output" in operation:
                self.reach(operation["output"]["shape"], outputs)
        self.inputs, self.outputs = inputs, outputs

    def reach(self, name, seen):
        shape = self.shapes[name]
        if name in seen or shape.get("eventstream"):
            return
        seen.add(name)
        for member in shape.get("members", {}).values():
            self.reach(member["shape"], seen)
        for part in ("member", "key", "value"):
            if part in shape:
                self.reach(shape[part]["shape"], seen)

    def is_structure(self, name):
        return self.shapes[name]["type"] == "structure"

    def swift_type(self, name):
        shape = self.shapes[name]
        match shape["type"]:
            case "structure":
                return name
            case "list":
                return f"[{self.swift_type(shape['member']['shape'])}]"
            case "map":
                return f"[String: {self.swift_type(shape['value']['shape'])}]"
            case other:
                return SWIFT_TYPES[other]

    # Constraints

    def bounds(self, name):
        shape = self.shapes[name]
        if name in UNBOUNDED:
            return []
        bounds = [shape.get("min"), shape.get("max")]
        if shape["type"] in ("string", "list", "map", "blob") and bounds[0] == 0:
            bounds[0] = None
        while bounds and bounds[-1] is None:
            bounds.pop()
        return ["nil" if bound is None else str(int(bound)) for bound in bounds]

    def shape_expression(self, name):
        shape = self.shapes[name]
        arguments = self.bounds(name)
        match shape["type"]:
            case "string":
                pattern = PATTERNS.get(name, shape.get("pattern"))
                if pattern:
                    arguments.append(f"pattern: {literal(pattern)}")
                if "enum" in shape and name not in WITHOUT_VALUES:
                    arguments.append("values: [" + ", ".join(f'"{value}"' for value in shape["enum"]) + "]")
                if shape.get("sensitive"):
                    arguments.append("sensitive: true")
                return f"Shape.string({', '.join(arguments)})"
            case "integer" | "long":
                return f"Shape.integer({', '.join(arguments)})"
            case "double":
                return f"Shape.double({', '.join(arguments)})"
            case "boolean":
                return "Shape.boolean"
            case "timestamp":
                return "Shape.timestamp"
            case "blob":
                if shape.get("sensitive"):
                    arguments.append("sensitive: true")
                return f"Shape.blob({', '.join(arguments)})"
            case "list":
                return f"Shape.list({', '.join([lower_camel(shape['member']['shape'])] + arguments)})"
            case "map":
                parts = [lower_camel(shape["key"]["shape"]), lower_camel(shape["value"]["shape"])] + arguments
                if shape.get("sensitive"):
                    parts.append("sensitive: true")
                return f"Shape.map({', '.join(parts)})"
            case "structure":
                members = [
                    f'.init("{member}", {lower_camel(reference["shape"])}'
                    + (", required: true)" if member in shape.get("required", []) else ")")
                    for member, reference in shape["members"].items()
                    if member != shape.get("payload") or self.is_structure(reference["shape"])
                ]
                return f"Shape.structure({', '.join(members)})"

    def shape_lines(self, name):
        return [f"    package static let {lower_camel(name)} = {self.shape_expression(name)}"]

    # Types

    def members(self, name):
        """Those of a structure that are part of a value: not what is sent beside the JSON of an answer, nor raw payloads."""
        shape = self.shapes[name]
        for member, reference in shape["members"].items():
            target = self.shapes[reference["shape"]]
            if target.get("eventstream") or (member == shape.get("payload") and target["type"] == "blob"):
                continue
            if name not in self.inputs and reference.get("location") in ("statusCode", "header"):
                continue
            required = member in shape.get("required", [])
            yield member, lower_camel(member), self.swift_type(reference["shape"]), required

    def type_lines(self, name):
        members = list(self.members(name))
        decoded, encoded = name in self.inputs, name in self.outputs
        protocols = [p for p, wanted in (("WireDecodable", decoded), ("WireEncodable", encoded)) if wanted]
        lines = ["extension API {", f"    package struct {name}: {', '.join(protocols)}, Sendable {{"]
        lines += [f"        package var {prop}: {kind}{'' if required else '?'}" for _, prop, kind, required in members]
        if encoded:
            parameters = [f"{p}: {k}" + ("" if required else "? = nil") for _, p, k, required in members]
            lines += ["", f"        package init({', '.join(parameters)}) {{"]
            lines += [f"            self.{prop} = {prop}" for _, prop, _, _ in members]
            lines += ["        }"]
        if decoded:
            lines += ["", "        package init(wire: JSONValue) throws(LambdaError) {"]
            if members:
                lines += ["            let members = try WireMembers(wire)"]
            lines += [
                f'            {prop} = try members.{"required" if required else "optional"}("{member}")'
                for member, prop, _, required in members
            ]
            lines += ["        }"]
        if encoded:
            lines += ["", "        package var wire: JSONValue {"]
            if members:
                lines += ["            var members: [String: JSONValue] = [:]"]
                lines += [
                    f'            members["{member}"] = {prop}.wire' if required else f'            members["{member}"] = {prop}?.wire'
                    for member, prop, _, required in members
                ]
                lines += ["            return .object(members)"]
            else:
                lines += ["            .object([:])"]
            lines += ["        }"]
        return lines + ["    }", "}", ""]

    # Operations

    def binding_lines(self, name):
        operation = self.operations[name]
        http = operation["http"]
        path, _, query = http["requestUri"].partition("?")
        labels, parameters = {}, []
        shape = self.shapes[operation["input"]["shape"]] if "input" in operation else {"members": {}}
        for member, reference in shape["members"].items():
            match reference.get("location"):
                case "uri":
                    labels[reference["locationName"]] = member
                case "querystring":
                    parameters.append((reference["locationName"], member))
        payload = shape.get("payload")
        segments = []
        for segment in path.strip("/").split("/"):
            segments.append(f'.label("{labels[segment[1:-1]]}")' if segment.startswith("{") else f'.literal("{segment}")')
        arguments = [f'"{http["method"]}"', f"[{', '.join(segments)}]"]
        if query:
            key, _, value = query.partition("=")
            arguments.append(f'fixed: .init("{key}", "{value}")')
        if parameters:
            arguments.append("query: [" + ", ".join(f'.init("{key}", "{member}")' for key, member in parameters) + "]")
        if payload:
            arguments.append(f'payload: "{payload}"')
        arguments.append(f"status: {STATUS.get(name, http.get('responseCode', 200))}")
        if "input" in operation:
            arguments.append(f"input: Shapes.{lower_camel(operation['input']['shape'])}")
        return [f"    static let {lower_camel(name)} = HTTPBinding({', '.join(arguments)})"]


def write_chunks(name, header, pieces, opening=(), closing=(), lines_max=LINES_MAX):
    """Files name-1.swift, … of pieces (lists of lines), none of which is torn; `lines_max` is before formatting."""
    chunks, lines = [], []
    for piece in pieces:
        if lines and len(lines) + len(piece) > lines_max:
            chunks.append(lines)
            lines = []
        lines = lines + piece
    chunks.append(lines)
    for number, chunk in enumerate(chunks, 1):
        text = "\n".join([header, *opening, *chunk, *closing]).rstrip() + "\n"
        (OUT / (f"{name}-{number}.swift" if len(chunks) > 1 else f"{name}.swift")).write_text(text)


def main():
    model = Model(json.loads(gzip.decompress(MODEL.read_bytes())))
    header = HEADER.format(version=botocore.__version__)
    OUT.mkdir(exist_ok=True)
    for old in OUT.glob("*.swift"):
        old.unlink()
    names = sorted(model.operations)
    write_chunks(
        "LambdaOperation",
        header,
        [
            ["/// An operation of the Lambda API, by AWS's name.", "package enum LambdaOperation: String, CaseIterable, Sendable {"]
            + [f'    case {lower_camel(name)} = "{name}"' for name in names]
            + ["}", "", "extension LambdaOperation {", "    var httpBinding: HTTPBinding {", "        switch self {"]
            + [f"        case .{lower_camel(name)}: .{lower_camel(name)}" for name in names]
            + ["        }", "    }", "}"]
        ],
    )
    write_chunks(
        "HTTPBinding",
        header,
        [model.binding_lines(name) for name in names],
        ["extension HTTPBinding {"],
        ["}"],
        lines_max=45,
    )
    write_chunks(
        "Shapes",
        header,
        [model.shape_lines(name) for name in sorted(model.inputs)],
        ["extension Shapes {"],
        ["}"],
        lines_max=180,
    )
    structures = [name for name in sorted(model.inputs | model.outputs) if model.is_structure(name)]
    write_chunks("Types", header + "package import LambdaModel\n", [model.type_lines(name) for name in structures])
    # Once more: the formatter's first pass breaks lines that its second one indents.
    for _ in range(2):
        subprocess.run(
            ["swift", "format", "--in-place", "--parallel", "--configuration", ".swift-format", *map(str, OUT.glob("*.swift"))],
            check=True,
        )


if __name__ == "__main__":
    main()
