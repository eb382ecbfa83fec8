# SPDX-License-Identifier: Apache-2.0
"""The table in docs/sandbox.md of what a function sees: a function says it, and this writes it there (`make sandbox-table`).

What AWS's column says is what Lambda's own functions said when they were asked, as LocalStack's tests have recorded it
(tests/aws/services/lambda_ in its repository), or what AWS's documentation says.
"""

import pathlib
import sys
import uuid

import harness

PAGE = harness.ROOT / "docs/sandbox.md"
BEGIN, END = "<!-- sandbox-table begin: made by `make sandbox-table` -->", "<!-- sandbox-table end -->"
CODE = pathlib.Path(__file__).with_name("seen.py").read_text()
MEMORY = 128
# Of the host's /etc, where it has them.
COPIED = ["alternatives", "ld.so.cache", "mime.types", "protocols", "services"]

NAMES = "AWS_ACCESS_KEY_ID AWS_DEFAULT_REGION AWS_EXECUTION_ENV AWS_LAMBDA_FUNCTION_MEMORY_SIZE AWS_LAMBDA_FUNCTION_NAME" \
    " AWS_LAMBDA_FUNCTION_VERSION AWS_LAMBDA_INITIALIZATION_TYPE AWS_LAMBDA_LOG_GROUP_NAME AWS_LAMBDA_LOG_STREAM_NAME" \
    " AWS_LAMBDA_RUNTIME_API AWS_REGION AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_XRAY_CONTEXT_MISSING" \
    " AWS_XRAY_DAEMON_ADDRESS LAMBDA_RUNTIME_DIR LAMBDA_TASK_ROOT LANG LD_LIBRARY_PATH PATH PWD PYTHONPATH SHLVL TZ _HANDLER _LAMBDA_TELEMETRY_LOG_FD"
# Different for each environment, or the caller's to choose: the name says enough.
VARYING = {
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_REGION",
    "AWS_DEFAULT_REGION", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_EXECUTION_ENV",
}
AWS_VALUES = {
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_RUNTIME_API": "169.254.100.1:9001",
    "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR", "AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129:2000",
    "LAMBDA_RUNTIME_DIR": "/var/runtime", "LAMBDA_TASK_ROOT": "/var/task", "LANG": "en_US.UTF-8",
    "LD_LIBRARY_PATH":
        "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin", "PWD": "/var/task", "PYTHONPATH": "/var/runtime",
    "SHLVL": "0", "TZ": ":UTC", "_HANDLER": "app.handler", "_LAMBDA_TELEMETRY_LOG_FD": None,
}


def code(values):
    return ", ".join(f"`{value}`" for value in values) or "none"


def size(count):
    if count in (-1, 0):
        return "unlimited" if count else "0"
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count % factor == 0:
            return f"{count // factor} {unit}"
    return f"{count:,}"


def variables(seen):
    """Rows for the variables: what all have in common in one, what has a value of its own in one each."""
    found = dict(seen["environment"])
    missing, extra = sorted(set(NAMES.split()) - set(found)), sorted(set(found) - set(NAMES.split()))
    aws = "the same" if not missing and not extra else f"also {code(missing)}; not {code(extra)}"
    rows = [("Variables at start", code(sorted(found)), aws)]
    for name in sorted(set(found) & set(NAMES.split()) - VARYING):
        wanted = AWS_VALUES[name]
        aws = "a number" if wanted is None else "the same" if wanted == found[name] else f"`{wanted}`"
        rows.append((f"`{name}`", f"`{found[name]}`", aws))
    return rows


def limits(seen):
    aws = {"NOFILE": "1,024", "NPROC": "742 at 128 MB", "STACK": "8 MiB", "MEMLOCK": "64 KiB", "CORE": "10 GiB"}
    counts = {"NOFILE", "NPROC", "NICE", "RTPRIO"}
    rows = []
    for name, (soft, hard) in seen["limits"].items():
        shown = f"{soft:,}" if name in counts else size(soft)
        rows.append((f"RLIMIT_{name}", shown + ("" if soft == hard else f", to {size(hard)}"), aws.get(name, "not recorded")))
    return rows


def mounts(seen):
    own = [point for point, _, options in seen["mounts"] if "rw" in options.split(",") and point != "/proc"]
    rest = [options.split(",") for point, _, options in seen["mounts"] if point not in own]
    kinds = all({"nosuid"} <= set(options) for options in rest)
    read_only = all("ro" in options or point == "/proc" for point, _, o in seen["mounts"] if point not in own for options in [o.split(",")])
    return f"{code(sorted(own))} writable; every other {'read-only' if read_only else 'NOT read-only'}; all {'' if kinds else 'NOT '}nosuid"


def filters(count):
    """Whether an environment is forked is the machine's and the operator's to decide."""
    return "1 filter; in a forked environment its zygote's too" if int(count) in (1, 2) else f"{count} FILTERS"


def rows(seen):
    """Triples of what, ours, and AWS's; what the machine alone decides is left out, so that the table is the same wherever it is made."""
    capabilities = {name for name, value in seen["capabilities"].items() if int(value, 16)}
    others = [pid for pid in seen["processes"] if pid not in (1, seen["pid"])]
    table = [
        ("User", f"`{seen['name']}`, uid {seen['uid']}, gid {seen['gid']}", "`sbx_user1051`"),
        ("Supplementary groups", code(seen["groups"]), "not recorded"),
        ("User namespace", f"one id, {seen['map'][0]}: no other user exists in it" if seen["map"][2] == "1" else "MORE THAN ONE", "not recorded"),
        ("Capabilities (all five sets)", code(sorted(capabilities)), "not recorded"),
        ("no_new_privs", seen["no_new_privileges"], "not recorded"),
        ("System call filter", f"mode {seen['seccomp']}, {filters(seen['filters'])}", "[seccomp-bpf][aws-isolation], its list is not public"),
        ("Working directory", f"`{seen['directory']}`", "`/var/task`"),
        ("Host name", f"`{seen['host']}`", "not recorded"),
        ("Processes seen", "process 1 and its own" if not others else f"ALSO {others}", "[its own][aws-isolation]"),
        ("Descriptors at start", code(seen["descriptors"]) + " (3: the log; 4: the connection to the Runtime API)", "not recorded"),
        ("Control group", code(seen["cgroup"]) + ": the root of its own namespace", "not recorded"),
        ("Root directory", code(name for name in seen["top"] if not name.startswith("lib")) + ", and the host's `lib…`", "Amazon Linux's"),
        ("`/etc`", code(name for name in seen["etc"] if name not in COPIED) + ", and of the host's, where it has them, " + code(COPIED), "Amazon Linux's"),
        ("`/dev`", code(seen["dev"]), "no `shm`, so Python's multiprocessing queues fail"),
        ("Mounts", mounts(seen), "`/tmp` writable"),
        ("Directories it may write to", code(seen["writable"]), "`/tmp`"),
        ("`/tmp`", f"{size(seen['tmp']['bytes']) if seen['tmp']['bytes'] == 512 << 20 else 'a file system in 512 MiB'}, mode {seen['tmp']['mode'][2:]}", "512 MB, mode 1777"),
        ("`/dev/shm`", f"{size(seen['shm'])}, the function's memory", "not there"),
        ("Interfaces", code(seen["interfaces"]), "a network of the microVM"),
        ("Addresses", code(address for address in seen["addresses"] if ":" not in address) + ", and of IPv6, where the host has it, `::1`, `fd00:6d61:7274::1`", "`169.254.100.1` is the Runtime API's"),
        ("Routes", code(seen["routes"]), "not recorded"),
        ("Name server", code(seen["resolver"][1:2]), "not recorded"),
        ("Processors seen", "the machine's; the share of time is memory / 1,769 MB", "2 up to 3,008 MB, at most 6; the same share"),
        ("Memory seen in `/proc/meminfo`", "the machine's; the limit is the control group's", "the microVM's"),
    ]
    return table + limits(seen) + variables(seen)


def render(table):
    lines = ["| What | Martlet | AWS Lambda |", "|---|---|---|"]
    return "\n".join(lines + [f"| {what} | {ours} | {aws} |" for what, ours, aws in table])


def recorded():
    text = PAGE.read_text()
    return text[text.index(BEGIN) + len(BEGIN):text.index(END)].strip()


def ask(server):
    """What a function that is new to the server says."""
    name = f"seen-{uuid.uuid4().hex[:12]}"
    server.deploy(name, CODE, MemorySize=MEMORY)
    return server.invoke(name)


def main():
    server = harness.Server()
    server.start()
    try:
        table = render(rows(ask(server)))
    finally:
        server.close()
    text = PAGE.read_text()
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    PAGE.write_text(text[:begin] + "\n" + table + "\n" + text[end:])


if __name__ == "__main__":
    sys.exit(main())
