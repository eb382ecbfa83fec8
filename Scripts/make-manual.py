#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the manual page, docs/man/martlet.1, and docs/reference.md from what the program says of itself; --check compares instead.

usage: make-manual.py [--check] MARTLET
"""
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
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


def value_name(argument):
    return argument.get("valueName", "value")


def value(argument):
    return f"\\fI{escape(value_name(argument))}\\fR"


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


def meaning(argument):
    text = argument.get("abstract", "")
    default = argument.get("defaultValue")
    if default is not None and "(default" not in text:
        text += f" (default: {default})"
    return text.strip()


def described(argument):
    return escape(meaning(argument)) or "\\&"


def shown(command):
    return [
        argument for argument in command.get("arguments", [])
        if argument.get("shouldDisplay", True) and "--help" not in names(argument) and "--version" not in names(argument)
    ]


def subcommands(command):
    return [each for each in command.get("subcommands", []) if each["shouldDisplay"] and each["commandName"] != "help"]


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
    for each in subcommands(command):
        section(each, path, lines)


def manual(command, version):
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


def code(text):
    """In a cell of a table."""
    return "`" + text.replace("|", "\\|") + "`"


def cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("\n", " ")


def usage(argument):
    """As one writes it: --payload <json>, or <name>."""
    if argument["kind"] == "positional":
        return f"<{value_name(argument)}>"
    text = ", ".join(names(argument))
    return f"{text} <{value_name(argument)}>" if argument["kind"] == "option" else text


def split_default(text):
    """A help text as its meaning and its default."""
    found = re.search(r" *\(default: ([^()]*)\)", text)
    if not found:
        return text, None
    return (text[:found.start()] + text[found.end():]).strip(), found.group(1)


def setting_row(setting, options):
    argument = options.get(setting["option"])
    text, default = split_default(setting["meaning"] or meaning(argument))
    if argument and argument["kind"] == "flag":
        default = "false"
    if default is None:
        sys.exit(f"{setting['name']}: error: its help says no '(default: …)'")
    option = code(usage(argument)) if argument else "none"
    key = code(setting["key"]) if setting["key"] else "none"
    return f"| {option} | {code(setting['variable'])} | {key} | {cell(default)} | {cell(text)} |"


def command_section(command, path, lines):
    path = path + [command["commandName"]]
    arguments = shown(command)
    if len(path) > 1:
        lines += [f"### {' '.join(path)}", "", cell(command.get("abstract", "")), ""]
        if path[1:] == ["serve"]:
            lines += ["Its options are [those of the server](#the-server).", ""]
        else:
            if command.get("discussion"):
                lines += ["<br>\n".join(map(cell, command["discussion"].split("\n"))), ""]
            if arguments:
                lines += ["| | Meaning | Default |", "|---|---|---|"]
            for argument in arguments:
                text, default = split_default(meaning(argument))
                needed = "" if argument["isOptional"] else "(needed)"
                lines.append(f"| {code(usage(argument))} | {cell(text)} | {cell(default or needed)} |")
            lines += [""] if arguments else []
    for each in subcommands(command):
        command_section(each, path, lines)


def reference(command, facts):
    serve = next(each for each in command["subcommands"] if each["commandName"] == "serve")
    options = {name: argument for argument in shown(serve) for name in names(argument)}
    unknown = set(options) - {setting["option"] for setting in facts["settings"]}
    if unknown:
        sys.exit(f"{sorted(unknown)}: error: options of 'serve' that are no settings")
    lines = [
        "<!-- SPDX-License-Identifier: Apache-2.0 -->",
        "<!-- Made by Scripts/make-manual.py from the program itself: 'make manual' makes it anew. -->",
        "# Reference", "",
        "Every [setting of the server](#the-server), every [command](#commands) and every [metric](#metrics), as the program itself has them.", "",
        "## The server", "",
        "Each setting of `martlet serve` as an option, a variable and a key of the configuration file; [configuration.md](configuration.md) says",
        "which counts, how several values are written, and more about some of them.", "",
        "| Option | Variable | Key | Default | Meaning |", "|---|---|---|---|---|",
        *[setting_row(setting, options) for setting in facts["settings"]], "",
        "## Commands", "",
        "[commands.md](commands.md) says what they are for.", "",
    ]
    command_section(command, [], lines)
    for title, head, entries in (("Exit status", "Status", STATUS), ("Files", "File", FILES)):
        lines += [f"### {title}", "", f"| {head} | Meaning |", "|---|---|"]
        lines += [f"| {code(name)} | {cell(text)} |" for name, text in entries] + [""]
    lines += [
        "## Metrics", "",
        "What `/metrics` has; [metrics.md](metrics.md) says how they are read and counted.", "",
        "| Metric | Type | Labels | CloudWatch | Meaning |", "|---|---|---|---|---|",
    ]
    for metric in facts["metrics"]:
        labels = ", ".join(map(code, metric["labels"]))
        aws = code(metric["cloudWatch"]) if metric["cloudWatch"] else ""
        lines.append(f"| {code(metric['name'])} | {metric['type']} | {labels} | {aws} | {cell(metric['help'])} |")
    return "\n".join(lines) + "\n"


def main():
    arguments = sys.argv[1:]
    is_check = arguments[:1] == ["--check"]

    def said(*words):
        return subprocess.run([arguments[-1], *words], check=True, capture_output=True, text=True).stdout

    command = json.loads(said("--experimental-dump-help"))["command"]
    pages = {
        "docs/man/martlet.1": manual(command, said("--version").strip()),
        "docs/reference.md": reference(command, json.loads(said("dump-reference"))),
    }
    for name, text in pages.items():
        path = ROOT / name
        if not is_check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            sys.exit(f"{name}: error: it is not what the program says; 'make manual' makes it anew")


if __name__ == "__main__":
    main()
