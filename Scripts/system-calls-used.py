#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Collects which system calls the workloads in Tests/SandboxTests/Programs make, with strace, and compares them with the filter's data.

Fails when a workload makes a call that is not allowed and of which the data does not say who tries it; when one succeeds with
arguments that the filter refuses; and when a call is allowed that no workload makes and of which the data does not say why.
The last needs every workload: where an interpreter is missing, that comparison is not made, and the output says so.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROGRAMS = ROOT / "Tests/SandboxTests/Programs"
POLICY = ROOT / "Sources/SandboxPolicy/Resources/syscalls.json"
CALL = re.compile(r"^\d+ +(?:<\.\.\. )?([a-z0-9_]+)(?: resumed>|\()(.*)$")
RESULT = re.compile(r"= (-?\d+|0x[0-9a-f]+)(?: [A-Z]|$| \()")


def number(text):
    return int(text, 16) if text.startswith("0x") else int(text)


def read_policy():
    calls = {}
    for group in json.loads(POLICY.read_text())["groups"]:
        for call in group["calls"]:
            call = {"call": call} if isinstance(call, str) else call
            calls[call["call"]] = dict(call, group=group["group"], answer=group["answer"])
    return calls


def holds(condition, arguments):
    value = arguments[condition["argument"]] & number(condition.get("mask", "0xFFFFFFFF"))
    found = value in {number(each["value"]) for each in condition["values"]}
    return found == (condition["operation"] == "one of")


def allowed(call, arguments):
    for alternative in call["rules"]:
        if all(holds(condition, arguments) for condition in alternative["all"]):
            return alternative.get("answer", "allow") == "allow"
    return False


def trace(command, directory, with_arguments, environment):
    """The names of the calls made, and the triples of name, arguments and result of those whose arguments matter."""
    log = pathlib.Path(directory, "strace")
    options = ["-f", "-qq", "-e", "signal=none", "-e", "raw=" + ",".join(sorted(with_arguments)), "-o", str(log)]
    done = subprocess.run(
        ["strace", *options, *command], cwd=directory, env=environment, capture_output=True, text=True, timeout=300)
    if done.returncode != 0 or not done.stdout.endswith("done\n"):
        sys.exit(f"system-calls-used: {' '.join(command)} failed ({done.returncode}):\n{done.stdout}{done.stderr}")
    names, detailed = set(), set()
    for line in log.read_text(errors="replace").splitlines():
        match = CALL.match(line)
        if not match:
            continue
        name, rest = match.groups()
        names.add(name)
        if name not in with_arguments or not rest.startswith(("0", "-")):
            continue
        arguments = [number(each) & 0xFFFFFFFF for each in re.findall(r"0x[0-9a-f]+|-?\d+", rest.split(")")[0])]
        result = RESULT.search(rest)
        detailed.add((name, tuple(arguments + [0] * (6 - len(arguments))), bool(result) and not result[1].startswith("-")))
    return names, detailed


def workloads(directory):
    """Pairs of title and command; None for a command that this machine can't run."""
    yield "Python", [shutil.which("python3", path="/usr/bin:/bin") or sys.executable, str(PROGRAMS / "python_all.py")]
    node = shutil.which("node")
    yield "Node.js", [node, str(PROGRAMS / "node_all.js")] if node else None
    java = shutil.which("java") if shutil.which("javac") else None
    yield "Java", [java, str(PROGRAMS / "Everything.java")] if java else None
    yield "shells, coreutils, git, tar, Perl", ["bash", str(PROGRAMS / "shell.sh")]
    for title, options in (("compiled, static", ["-static"]), ("compiled, dynamic", [])):
        program = pathlib.Path(directory, "compiled" + "".join(options))
        subprocess.run(["cc", "-w", "-O1", *options, "-o", str(program), "-x", "c", str(PROGRAMS / "compiled.c.txt"), "-lrt"], check=True)
        yield title, [str(program)]


def main():
    if not shutil.which("strace"):
        sys.exit("system-calls-used: strace is not installed: make setup")
    policy = read_policy()
    with_arguments = {name for name, call in policy.items() if "rules" in call}
    if os.uname().machine != "x86_64":
        # strace refuses names of calls that the architecture has not.
        with_arguments -= {"mknod", "arch_prctl"}
    used, detailed, missing = {}, set(), []
    with tempfile.TemporaryDirectory() as directory:
        environment = {
            "PATH": os.environ["PATH"], "HOME": directory, "LANG": "C.UTF-8", "WORKLOAD_NAMES": "absent.invalid"}
        for title, command in workloads(directory):
            if command is None:
                missing.append(title)
                continue
            names, more = trace(command, directory, with_arguments, environment)
            print(f"{title}: {len(names)} system calls")
            for name in names:
                used.setdefault(name, []).append(title)
            detailed |= more
    faults = []
    for name, titles in sorted(used.items()):
        call = policy.get(name)
        if (call is None or call["answer"] != "allow") and "attempted_by" not in (call or {}):
            faults.append(f"{name} is used ({', '.join(titles)}) and not allowed")
    for name, arguments, succeeded in sorted(detailed):
        if succeeded and not allowed(policy[name], arguments) and "attempted_by" not in policy[name]:
            shown = ", ".join(hex(value) for value in arguments)
            faults.append(f"{name}({shown}) succeeds, and the filter refuses it")
    unused = {name: call for name, call in policy.items() if call["answer"] == "allow" and name not in used}
    print(f"allowed and used by no workload: {len(unused)}")
    for name, call in sorted(unused.items()):
        print(f"  {name}: {call.get('unexercised', 'no reason given')}")
        if "unexercised" not in call and not missing:
            faults.append(f"{name} is allowed, no workload makes it, and the data does not say why it is there")
    for name in sorted(name for name, call in policy.items() if "unexercised" in call and name in used):
        print(f"note: {name} is marked as made by no workload, and {', '.join(used[name])} made it here")
    if missing:
        print(f"not run, because it is not installed: {', '.join(missing)}; whether what is allowed is used was not compared")
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
