#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the manual page, docs/man/martlet.1, from what the program says of its commands; --check compares instead.

usage: make-manual.py [--check] MARTLET
"""
import json
import pathlib
import re
import subprocess
import sys

PAGE = pathlib.Path(__file__).resolve().parents[1] / "docs/man/martlet.1"
FILES = [
    ("DATA/credentials", "The administrator's access key, made at the first start; readable by the server's user only."),
    ("DATA/endpoint", "Where the server listens."),
    ("~/.local/share/martlet", "DATA without --data; /var/lib/martlet for root."),
]
STATUS = [
    ("0", "The command did what it was asked."),
    ("1", "With invoke: the function failed."),
    ("2", "Anything else went wrong; one line on the standard error says what."),
    ("64", "The command line is not understood."),
]


def escape(text):
    """Plain text as roff reads it: no line begins with a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = "".join(character if character.isascii() else f"\\[u{ord(character):04X}]" for character in text)
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in text.split("\n"))


def names(argument):
    prefixes = {"long": "--", "short": "-", "longWithSingleDash": "-"}
    return [prefixes[name["kind"]] + name["name"] for name in argument.get("names", [])]


def value(argument):
    return f"\\fI{escape(argument.get('valueName', 'value'))}\\fR"


def synopsis(argument):
    if argument["kind"] == "positional":
        text = value(argument)
    else:
        text = f"\\fB{escape(names(argument)[0])}\\fR"
        if argument["kind"] == "option":
            text += " " + value(argument)
    if argument.get("isRepeating"):
        text += " ..."
    return f"[{text}]" if argument["isOptional"] else text


def described(argument):
    text = argument.get("abstract", "")
    default = argument.get("defaultValue")
    if default is not None and "(default" not in text:
        text += f" (default: {default})"
    return escape(text.strip()) or "\\&"


def shown(command):
    return [
        argument for argument in command.get("arguments", [])
        if argument.get("shouldDisplay", True) and "--help" not in names(argument) and "--version" not in names(argument)
    ]


def section(command, path, lines):
    path = path + [command["commandName"]]
    arguments = shown(command)
    if len(path) > 1:
        lines.append(f".SS {escape(' '.join(path[1:]))}")
        lines.append(escape(command.get("abstract", "")))
        if arguments:
            lines += [".PP", f"\\fB{escape(' '.join(path))}\\fR " + " ".join(map(synopsis, arguments))]
        if command.get("discussion"):
            lines += [".PP", escape(re.sub(r"\n(?=\S)", "\n.br\n", command["discussion"]))
                      .replace("\\&.br", ".br")]
        for argument in arguments:
            head = value(argument) if argument["kind"] == "positional" else ", ".join(
                f"\\fB{escape(name)}\\fR" for name in names(argument)) + (
                    " " + value(argument) if argument["kind"] == "option" else "")
            lines += [".TP", head, described(argument)]
    for each in command.get("subcommands", []):
        if each["commandName"] != "help":
            section(each, path, lines)


def page(martlet):
    dump = json.loads(subprocess.run(
        [martlet, "--experimental-dump-help"], check=True, capture_output=True, text=True).stdout)
    command = dump["command"]
    version = subprocess.run([martlet, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    lines = [
        ".\\\" SPDX-License-Identifier: Apache-2.0",
        ".\\\" Made by Scripts/make-manual.py from the program itself: 'make manual' makes it anew.",
        f".TH MARTLET 1 \"\" \"martlet {version}\" \"User Commands\"",
        ".SH NAME", f"martlet \\- {escape(command['abstract'])}",
        ".SH SYNOPSIS", "\\fBmartlet\\fR \\fIcommand\\fR [\\fIargument\\fR ...]",
        ".SH DESCRIPTION", escape(command.get("discussion", "")),
        ".SH COMMANDS",
    ]
    section(command, [], lines)
    for title, entries in (("EXIT STATUS", STATUS), ("FILES", FILES)):
        lines.append(f".SH {title}")
        for head, text in entries:
            lines += [".TP", f"\\fB{escape(head)}\\fR", escape(text)]
    return "\n".join(lines) + "\n"


def main():
    arguments = sys.argv[1:]
    is_check = arguments[:1] == ["--check"]
    text = page(arguments[-1])
    if not is_check:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        sys.exit("docs/man/martlet.1: error: it is not what the program says; 'make manual' makes it anew")


if __name__ == "__main__":
    main()
